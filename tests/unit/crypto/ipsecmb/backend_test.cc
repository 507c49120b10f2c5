#include "crypto/ipsecmb/backend.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "unit/crypto/backends.h"

// Two implementations that share no code, fed with the same jobs: what one seals, both seal and the other opens.
namespace testudo::crypto {
namespace {

constexpr std::size_t kJobsPerSuite = 2048;

using Chance = std::mt19937;

std::size_t below(Chance& chance, std::size_t end) {
  return std::uniform_int_distribution<std::size_t>{0, end - 1}(chance);
}

ByteVector random_bytes(Chance& chance, std::size_t size) {
  std::vector<std::uint32_t> words(size / 4 + 1);
  for (auto& word : words) word = static_cast<std::uint32_t>(chance());
  ByteVector out(size);
  if (size != 0) std::memcpy(out.data(), words.data(), size);
  return out;
}

/// Mostly the sizes of packets; sometimes none, tiny or jumbo.
std::size_t random_length(Chance& chance) {
  switch (below(chance, 8)) {
    case 0:
      return below(chance, 33);
    case 1:
      return below(chance, 9001);
    default:
      return below(chance, 1501);
  }
}

/// A job with its memory: laid out as ESP does, or with each part somewhere else.
struct Packet {
  ByteVector head, text, icv, aad, iv, tail, whole;
  Job job{};
  bool scattered;

  Packet(const CipherRow& cipher, std::size_t icv_size, Chance& chance) : scattered(below(chance, 4) == 0) {
    const std::size_t block = cipher.iv == cipher.block ? cipher.block : 1;
    const std::size_t size = random_length(chance) / block * block;
    head = random_bytes(chance, 8 + cipher.iv);
    text = random_bytes(chance, size);
    icv = ByteVector(icv_size);
    aad = random_bytes(chance, below(chance, 2) == 0 ? 8 : 12);
    iv = ByteVector(head.begin() + 8, head.end());
    tail = random_bytes(chance, below(chance, 2) == 0 ? 0 : 4);
    whole = join(join(head, text), icv);
    attach();
  }
  Packet(const Packet& o)
      : head(o.head),
        text(o.text),
        icv(o.icv),
        aad(o.aad),
        iv(o.iv),
        tail(o.tail),
        whole(o.whole),
        scattered(o.scattered) {
    attach();
  }
  Packet& operator=(const Packet&) = delete;

  void attach() {
    const MutableBytes all{whole};
    job.aad = aad;
    job.tail = tail;
    job.iv = scattered ? Bytes{iv} : Bytes{all.subspan(8, iv.size())};
    job.head = scattered ? Bytes{head} : Bytes{all.first(head.size())};
    job.text = scattered ? MutableBytes{text} : all.subspan(head.size(), text.size());
    job.icv = scattered ? MutableBytes{icv} : all.last(icv.size());
  }

  /// Written out only for a failure: there are millions of packets.
  bool looks_like(const Packet& other) const {
    return std::ranges::equal(job.head, other.job.head) && std::ranges::equal(job.text, other.job.text) &&
           std::ranges::equal(job.icv, other.job.icv);
  }
  std::string state() const { return to_hex(job.head) + " " + to_hex(job.text) + " " + to_hex(job.icv); }

  /// One bit of what is authenticated, or of the ICV.  Returns what was hit.
  const char* corrupt(bool aead, Chance& chance) {
    struct Part {
      const char* name;
      Bytes bytes;
    };
    const Part parts[] = {{"icv", job.icv},
                          {"text", job.text},
                          {aead ? "aad" : "head", aead ? job.aad : job.head},
                          {aead ? "iv" : "tail", aead ? job.iv : job.tail}};
    const Part* part = &parts[below(chance, 4)];
    if (part->bytes.empty()) part = &parts[0];
    auto* const hit = const_cast<std::uint8_t*>(&part->bytes[below(chance, part->bytes.size())]);
    *hit = static_cast<std::uint8_t>(*hit ^ (1U << below(chance, 8)));
    return part->name;
  }
};

std::vector<Job> jobs_of(std::vector<Packet>& packets) {
  std::vector<Job> jobs;
  for (Packet& packet : packets) jobs.push_back(packet.job);
  return jobs;
}

void expect_all(const std::vector<Job>& jobs, bool ok, const std::string& what) {
  for (std::size_t i = 0; i < jobs.size(); ++i) ASSERT_EQ(jobs[i].ok, ok) << what << ", job " << i;
}

struct Tested {
  const CipherRow* cipher;
  const MacRow* mac;
  std::size_t icv;
  std::size_t key;
  std::string name() const {
    return std::string(cipher->name) + " " + std::to_string(8 * key) + (mac ? "+" + std::string(mac->name) : "");
  }
};

void expect_same_batch(Suite& ours, Suite& theirs, const Tested& tested, std::size_t count, Chance& chance) {
  std::vector<Packet> plain;
  for (std::size_t i = 0; i < count; ++i) plain.emplace_back(*tested.cipher, tested.icv, chance);
  std::vector<Packet> a = plain, b = plain;
  std::vector<Job> a_jobs = jobs_of(a), b_jobs = jobs_of(b);
  ours.seal(a_jobs);
  theirs.seal(b_jobs);
  expect_all(a_jobs, true, tested.name() + " sealed");
  expect_all(b_jobs, true, tested.name() + " sealed");
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(a[i].looks_like(b[i])) << tested.name() << ", job " << i << "\n"
                                       << a[i].state() << "\n"
                                       << b[i].state();
  }

  std::vector<Packet> forged = a;
  std::string hits;
  ours.open(b_jobs);
  theirs.open(a_jobs);
  expect_all(a_jobs, true, tested.name() + " opened");
  expect_all(b_jobs, true, tested.name() + " opened");
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(std::ranges::equal(a[i].job.text, plain[i].job.text)) << tested.name() << ", job " << i;
    ASSERT_TRUE(std::ranges::equal(b[i].job.text, plain[i].job.text)) << tested.name() << ", job " << i;
  }
  if (tested.icv == 0) return;
  for (Packet& packet : forged) hits += std::string(packet.corrupt(tested.cipher->is_aead(), chance)) + " ";
  std::vector<Packet> forged_too = forged;
  std::vector<Job> forged_jobs = jobs_of(forged), forged_jobs_too = jobs_of(forged_too);
  ours.open(forged_jobs);
  theirs.open(forged_jobs_too);
  expect_all(forged_jobs, false, tested.name() + " forged in " + hits);
  expect_all(forged_jobs_too, false, tested.name() + " forged in " + hits);
}

/// Number of jobs done; nothing when ipsec-mb lacks the suite.
std::optional<std::size_t> expect_same(const Tested& tested, Chance& chance) {
  const auto key = random_bytes(chance, tested.key);
  const auto mac_key = random_bytes(chance, tested.mac ? tested.mac->key.max : 0);
  const SuiteKeys keys{tested.cipher, key, tested.mac, mac_key};
  const auto ours = suite_or_null(keys, Backend::IpsecMb);
  const auto theirs = suite_or_null(keys, Backend::OpenSsl);
  if (!ours || !theirs) return std::nullopt;
  std::size_t done = 0;
  while (done < kJobsPerSuite && !::testing::Test::HasFatalFailure()) {
    const std::size_t count = 1 + below(chance, 64);
    expect_same_batch(*ours, *theirs, tested, count, chance);
    done += count;
  }
  return done;
}

TEST(IpsecMb, AgreesWithOpenSslOnEverySuiteThatBothHave) {
  if (!ipsecmb::available()) GTEST_SKIP() << "ipsec-mb is not in this build or not usable on this machine";
  Chance chance{20260101};
  std::size_t suites = 0, jobs = 0;
  const auto run = [&](const Tested& tested) {
    if (const auto done = expect_same(tested, chance)) {
      ++suites;
      jobs += *done;
    }
  };
  for (const auto& cipher : ciphers()) {
    for (std::size_t key = cipher.key.min; key <= std::min<std::size_t>(cipher.key.max, 56); ++key) {
      if (!cipher.key.allows(key) || (cipher.kind == CipherKind::Null && key > 0)) continue;
      run({&cipher, nullptr, cipher.icv, key});
      for (const auto& mac : macs()) {
        if (!cipher.is_aead() && mac.kind != MacKind::TcpMd5) run({&cipher, &mac, mac.esp_icv(), key});
      }
    }
  }
  std::printf("ipsec-mb against OpenSSL: %zu suites, %zu jobs\n", suites, jobs);
  EXPECT_GE(suites, 70U);
}

TEST(IpsecMb, LacksWhatItsJobInterfaceLacks) {
  const auto key = ByteVector(24, 0x5a);
  const auto made = make_suite({.cipher = cipher_by_name("3des-cbc"), .cipher_key = key}, Backend::IpsecMb);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), KeyError::NotAvailable);
}

}  // namespace
}  // namespace testudo::crypto
