#include "crypto/suite.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "unit/crypto/backends.h"
#include "unit/crypto/guard_page.h"

namespace testudo::crypto {
namespace {

/// A key that is not weak, of so many bytes.
ByteVector some_key(std::size_t bytes) {
  ByteVector key(bytes);
  for (std::size_t i = 0; i < bytes; ++i) key[i] = static_cast<std::uint8_t>(7 * i + 3);
  return key;
}

KeyError refusal(const SuiteKeys& keys, Backend backend = Backend::Best) {
  auto made = make_suite(keys, backend);
  EXPECT_FALSE(made);
  if (const auto can_be = check_suite(keys); backend == Backend::Best) {
    EXPECT_EQ(can_be ? KeyError{} : can_be.error(), made ? KeyError{} : made.error());
  }
  return made ? KeyError{} : made.error();
}

TEST(MakeSuite, AcceptsEveryKeyLengthOfTheRowAndRefusesEveryOther) {
  std::size_t accepted = 0, refused = 0;
  for (const auto& row : ciphers()) {
    for (std::size_t bytes = 0; bytes <= 300; ++bytes) {
      const auto key = some_key(bytes);
      const auto made = make_suite({.cipher = &row, .cipher_key = key});
      ASSERT_EQ(bool(made), row.key.allows(bytes)) << row.name << " with " << bytes << " bytes";
      ASSERT_EQ(bool(check_suite({.cipher = &row, .cipher_key = key})), bool(made)) << row.name;
      if (!made) {
        EXPECT_EQ(made.error(), KeyError::BadLength);
      }
      ++(made ? accepted : refused);
    }
  }
  std::printf("key lengths of ciphers: %zu accepted, %zu refused\n", accepted, refused);
}

TEST(MakeMac, AcceptsEveryKeyLengthOfTheRowAndRefusesEveryOther) {
  for (const auto& row : macs()) {
    for (std::size_t bytes = 0; bytes <= 300; ++bytes) {
      const auto made = make_mac(row, some_key(bytes));
      const bool possible = row.key.allows(bytes) && row.kind != MacKind::TcpMd5;
      ASSERT_EQ(bool(made), possible) << row.name << " with " << bytes << " bytes";
      if (!made && !row.key.allows(bytes)) {
        EXPECT_EQ(made.error(), KeyError::BadLength);
      }
    }
  }
}

TEST(MakeMac, TcpMd5IsOnlyStored) {
  const auto made = make_mac(*mac_by_name("tcp-md5"), some_key(16));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), KeyError::NotAvailable);
}

TEST(MakeMac, IsCutOrFilledUpToTheRoomGiven) {
  const auto mac = *make_mac(*mac_by_name("hmac-md5"), some_key(16));
  const auto message = text_bytes("message");
  const Bytes pieces[] = {message};
  ByteVector whole(16), cut(12), filled(20, 0xff);
  mac->compute(pieces, whole);
  mac->compute(pieces, cut);
  mac->clone()->compute(pieces, filled);
  EXPECT_TRUE(std::ranges::equal(cut, Bytes{whole}.first(12)));
  EXPECT_TRUE(std::ranges::equal(Bytes{filled}.first(16), whole));
  EXPECT_EQ(to_hex(Bytes{filled}.last(4)), "00000000");
}

TEST(MakeMac, NullIsZeros) {
  const auto mac = *make_mac(*mac_by_name("null"), {});
  ByteVector out(12, 0xff);
  mac->compute({}, out);
  EXPECT_EQ(to_hex(out), "000000000000000000000000");
}

TEST(MakeSuite, RefusesAnAeadWithASeparateMac) {
  const auto key = some_key(20), mac_key = some_key(32);
  EXPECT_EQ(refusal({cipher_by_name("aes-gcm-16"), key, mac_by_name("hmac-sha256"), mac_key}), KeyError::NotCombinable);
  EXPECT_TRUE(make_suite({cipher_by_name("aes-gcm-16"), key, mac_by_name("null"), {}}));
}

TEST(MakeSuite, RefusesAMacKeyOfTheWrongLength) {
  const auto key = some_key(16);
  for (const std::size_t bytes : {19U, 21U}) {
    EXPECT_EQ(refusal({cipher_by_name("aes-cbc"), key, mac_by_name("hmac-sha1"), some_key(bytes)}),
              KeyError::BadLength);
  }
}

TEST(MakeSuite, RefusesWeakDesKeys) {
  EXPECT_EQ(refusal({.cipher = cipher_by_name("des-cbc"), .cipher_key = hex("0101010101010101")}), KeyError::WeakKey);
}

/// One packet of SPI, sequence number, IV, text and ICV, as ESP lays it out.
struct Packet {
  ByteVector bytes;
  Job job;

  Packet(Packet&&) = default;  // a moved vector keeps its memory, so the spans hold
  Packet(const CipherRow& cipher, std::size_t icv, std::size_t text) : bytes(8 + cipher.iv + text + icv) {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 31);
    const MutableBytes all{bytes};
    job.aad = all.first(8);
    job.head = all.first(8 + cipher.iv);
    job.iv = all.subspan(8, cipher.iv);
    job.text = all.subspan(8 + cipher.iv, text);
    job.icv = all.last(icv);
  }
};

struct Suites : ::testing::TestWithParam<Backend> {};

/// Calls f(suite, cipher row, ICV bytes) for every cipher alone and with every MAC, longest keys.
template <typename F>
void for_every_suite(Backend backend, F&& f) {
  for (const auto& cipher : ciphers()) {
    const auto key = some_key(cipher.key.max);
    if (auto alone = suite_or_null({.cipher = &cipher, .cipher_key = key}, backend)) f(*alone, cipher, cipher.icv);
    for (const auto& mac : macs()) {
      if (cipher.is_aead() || mac.kind == MacKind::TcpMd5) continue;
      auto both = suite_or_null({&cipher, key, &mac, some_key(mac.key.max)}, backend);
      if (both) f(*both, cipher, mac.esp_icv());
    }
  }
}

TEST_P(Suites, OpenWhatTheySealedAndSoDoTheirClones) {
  std::size_t suites = 0;
  for_every_suite(GetParam(), [&](Suite& suite, const CipherRow& cipher, std::size_t icv) {
    ++suites;
    Packet packet{cipher, icv, 96};
    const auto before = packet.bytes;
    suite.seal({&packet.job, 1});
    ASSERT_TRUE(packet.job.ok) << cipher.name;
    const auto sealed = packet.bytes;
    const auto clone = suite.clone();
    ASSERT_TRUE(clone);
    clone->open({&packet.job, 1});
    EXPECT_TRUE(packet.job.ok) << cipher.name;
    EXPECT_EQ(to_hex(Bytes{packet.bytes}.first(before.size() - icv)), to_hex(Bytes{before}.first(before.size() - icv)));
    clone->seal({&packet.job, 1});
    EXPECT_EQ(to_hex(packet.bytes), to_hex(sealed)) << cipher.name;
  });
  std::printf("suites of %s: %zu\n", name_of(GetParam()).c_str(), suites);
  EXPECT_TRUE(GetParam() != Backend::OpenSsl || suites > 100);
}

TEST_P(Suites, RefuseJobsOfAnotherShapeWithoutTouchingThem) {
  for_every_suite(GetParam(), [&](Suite& suite, const CipherRow& cipher, std::size_t icv) {
    const auto expect_refused = [&](auto change, const char* what) {
      for (auto work : {&Suite::seal, &Suite::open}) {
        Packet packet{cipher, icv, 96};
        const auto before = packet.bytes;
        packet.job.ok = true;
        change(packet.job);
        (suite.*work)({&packet.job, 1});
        EXPECT_FALSE(packet.job.ok) << cipher.name << ": " << what;
        EXPECT_EQ(packet.bytes, before) << cipher.name << ": " << what;
      }
    };
    if (cipher.iv > 0) expect_refused([](Job& j) { j.iv = j.iv.first(j.iv.size() - 1); }, "a short IV");
    if (icv > 0) {
      expect_refused([](Job& j) { j.icv = {}; }, "no ICV");
      expect_refused([](Job& j) { j.icv = j.icv.first(j.icv.size() - 1); }, "a short ICV");
    }
    if (cipher.iv > 0 && cipher.iv == cipher.block) {
      expect_refused([](Job& j) { j.text = j.text.first(j.text.size() - 1); }, "part of a block");
      expect_refused([](Job& j) { j.text = j.text.first(1); }, "one byte");
    }
    static const ByteVector tail(5);
    expect_refused([](Job& j) { j.tail = tail; }, "a long tail");
  });
}

TEST_P(Suites, TakeATextWithoutBytes) {
  for_every_suite(GetParam(), [&](Suite& suite, const CipherRow& cipher, std::size_t icv) {
    Packet packet{cipher, icv, 0};
    suite.seal({&packet.job, 1});
    EXPECT_TRUE(packet.job.ok) << cipher.name;
    suite.open({&packet.job, 1});
    EXPECT_TRUE(packet.job.ok) << cipher.name;
  });
}

/// Every part of a packet that a library reads or writes in wide strides, at the end of what may be touched.
TEST_P(Suites, TouchNothingBehindAPacket) {
  const GuardPage whole_guard, text_guard, head_guard, aad_guard, icv_guard;
  ASSERT_TRUE(whole_guard.ready() && text_guard.ready() && head_guard.ready() && aad_guard.ready() &&
              icv_guard.ready());
  for_every_suite(GetParam(), [&](Suite& suite, const CipherRow& cipher, std::size_t icv) {
    for (std::size_t length = 0; length <= 320; length += cipher.iv == cipher.block ? cipher.block : 1) {
      const std::size_t head = 8 + cipher.iv;
      const MutableBytes whole = whole_guard.last(head + length + icv), apart = head_guard.last(head);
      Job packet{.aad = whole.first(8), .head = whole.first(head), .iv = whole.subspan(8, cipher.iv)};
      packet.text = whole.subspan(head, length);
      packet.icv = whole.last(icv);
      Job parts{.aad = aad_guard.last(12), .head = apart, .iv = apart.last(cipher.iv)};
      parts.text = text_guard.last(length);
      parts.icv = icv_guard.last(icv);
      Job jobs[] = {packet, parts};
      suite.seal(jobs);
      EXPECT_TRUE(jobs[0].ok && jobs[1].ok) << cipher.name << " with " << length;
      suite.open(jobs);
      EXPECT_TRUE(jobs[0].ok && jobs[1].ok) << cipher.name << " with " << length;
    }
  });
}

TEST_P(Suites, DoNothingWithNoJobs) {
  for_every_suite(GetParam(), [&](Suite& suite, const CipherRow&, std::size_t) {
    suite.seal({});
    suite.open({});
  });
}

INSTANTIATE_TEST_SUITE_P(, Suites,
                         ::testing::Values(Backend::OpenSsl, Backend::IpsecMb, Backend::Vaes, Backend::Vaes256,
                                           Backend::Best),
                         [](const auto& tested) { return name_of(tested.param); });

TEST(Backends, RunsOfEveryLengthAreSealedAlike) {
  const auto& cipher = *cipher_by_name("aes-cbc");
  const auto key = some_key(16), mac_key = some_key(20);
  const SuiteKeys keys{&cipher, key, mac_by_name("hmac-sha1"), mac_key};
  const auto best = *make_suite(keys), portable = *make_suite(keys, Backend::OpenSsl);
  for (std::size_t length = 0; length <= 130; ++length) {
    std::vector<Packet> a, b;
    std::vector<Job> a_jobs, b_jobs;
    for (std::size_t i = 0; i < length; ++i) a.emplace_back(cipher, 12, 16 * i), b.emplace_back(cipher, 12, 16 * i);
    for (std::size_t i = 0; i < length; ++i) a_jobs.push_back(a[i].job), b_jobs.push_back(b[i].job);
    best->seal(a_jobs);
    portable->seal(b_jobs);
    for (std::size_t i = 0; i < length; ++i) ASSERT_EQ(a[i].bytes, b[i].bytes) << "packet " << i << " of " << length;
    best->open(a_jobs);
    EXPECT_TRUE(std::ranges::all_of(a_jobs, &Job::ok)) << length;
  }
}

TEST(Backends, OpenSslIsAlwaysThere) {
  const auto names = available_backends();
  EXPECT_NE(std::ranges::find(names, "openssl"), names.end());
}

}  // namespace
}  // namespace testudo::crypto
