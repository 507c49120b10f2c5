#include "crypto/native/gcm.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "crypto/native/cpu.h"
#include "crypto/native/gcm_kernel.h"
#include "unit/crypto/backends.h"
#include "unit/crypto/guard_page.h"
#include "unit/crypto/native/packets.h"
#include "unit/crypto/native/twin_lanes.h"

// The kernels against OpenSSL, which shares no code with them: the same packets, the same bytes.
namespace testudo::crypto::native {
namespace {

struct Tested {
  const char* name;
  bool (*usable)();
  const GcmKernel* (*kernel)();
};

/// For the names of tests.
void PrintTo(const Tested& tested, std::ostream* out) {
  *out << tested.name;
}

constexpr Tested kTested[] = {{"Lanes256", has_vaes_256, gcm_kernel_256},
                              {"Lanes512", has_vaes_512, gcm_kernel_512},
                              {"Twin512", has_vaes_256, twin_kernel}};

constexpr std::string_view kRows[] = {"aes-gcm-8", "aes-gcm-12", "aes-gcm-16"};

/// A kernel with a key, and OpenSSL with the same.
struct Pair {
  const GcmKernel& kernel;
  GcmSa sa{};
  std::unique_ptr<Suite> other;

  Pair(const GcmKernel& k, const CipherRow& row, std::size_t key_bytes, Chance& chance) : kernel(k) {
    const ByteVector key = random_bytes(chance, key_bytes + row.salt);
    k.expand(Bytes{key}.first(key_bytes), sa);
    std::ranges::copy(Bytes{key}.last(row.salt), sa.salt.begin());
    sa.shape = JobShape::of(row, nullptr);
    other = suite_or_null({.cipher = &row, .cipher_key = key}, Backend::OpenSsl);
  }
};

class Kernels : public ::testing::TestWithParam<Tested> {
 protected:
  void SetUp() override {
    if (!GetParam().usable()) GTEST_SKIP() << "this machine lacks the instructions of " << GetParam().name;
  }

  /// Calls f(pair, ICV bytes) for every key length and tag.
  template <typename F>
  void for_every_suite(Chance& chance, F&& f) {
    for (const std::size_t key_bytes : {16U, 24U, 32U}) {
      for (const auto name : kRows) {
        const CipherRow& row = *cipher_by_name(name);
        Pair pair{*GetParam().kernel(), row, key_bytes, chance};
        ASSERT_TRUE(pair.other);
        f(pair, std::size_t{row.icv});
      }
    }
  }
};

TEST_P(Kernels, SealAndOpenAsOpenSslDoes) {
  Chance chance{20261121};
  std::size_t packets = 0;
  for_every_suite(chance, [&](Pair& pair, std::size_t icv) {
    for (int round = 0; round < 150 && !HasFatalFailure(); ++round) {
      Packets ours = random_packets(icv, chance);
      const Packets plain = ours;
      Packets theirs = ours;
      pair.kernel.seal(pair.sa, ours.jobs);
      pair.other->seal(theirs.jobs);
      ASSERT_TRUE(std::ranges::all_of(ours.jobs, &Job::ok));
      for (std::size_t i = 0; i < ours.jobs.size(); ++i) {
        ASSERT_EQ(to_hex(ours.memory[i]), to_hex(theirs.memory[i]))
            << "packet " << i << " of " << ours.jobs.size() << ", " << ours.jobs[i].text.size() << " bytes";
      }
      pair.kernel.open(pair.sa, ours.jobs);
      ASSERT_TRUE(std::ranges::all_of(ours.jobs, &Job::ok));
      for (std::size_t i = 0; i < ours.jobs.size(); ++i) {
        ASSERT_TRUE(std::ranges::equal(ours.jobs[i].text, plain.jobs[i].text)) << "packet " << i;
      }
      packets += ours.jobs.size();
    }
  });
  std::printf("%s against OpenSSL: %zu packets\n", GetParam().name, packets);
}

TEST_P(Kernels, RefuseTheForgedOnesOfARunAndOnlyThose) {
  Chance chance{7};
  for_every_suite(chance, [&](Pair& pair, std::size_t icv) {
    for (int round = 0; round < 50; ++round) {
      Packets packets = random_packets(icv, chance);
      pair.kernel.seal(pair.sa, packets.jobs);
      std::vector<bool> forged;
      for (const Job& job : packets.jobs) {
        const Bytes parts[] = {job.icv, job.iv, job.text, job.aad};
        const Bytes part = parts[below(chance, 4)];
        forged.push_back(below(chance, 2) == 0 && !part.empty());
        if (forged.back()) flip_a_bit(part, chance);
      }
      pair.kernel.open(pair.sa, packets.jobs);
      for (std::size_t i = 0; i < forged.size(); ++i) ASSERT_NE(packets.jobs[i].ok, forged[i]) << "packet " << i;
    }
  });
}

TEST_P(Kernels, RefuseEveryBitOfAForgedTag) {
  Chance chance{8};
  for_every_suite(chance, [&](Pair& pair, std::size_t icv) {
    Packets packets;
    packets.add(8, 40, icv, chance);
    Job& job = packets.jobs.front();
    pair.kernel.seal(pair.sa, packets.jobs);
    const ByteVector sealed = packets.memory.front();
    for (std::size_t bit = 0; bit < 8 * icv; ++bit) {
      packets.memory.front() = sealed;
      job.icv[bit / 8] = static_cast<std::uint8_t>(job.icv[bit / 8] ^ (1U << (bit % 8)));
      pair.kernel.open(pair.sa, packets.jobs);
      ASSERT_FALSE(job.ok) << "bit " << bit;
    }
  });
}

TEST_P(Kernels, SealAndOpenRunsOfOneShortLength) {
  Chance chance{12};
  for_every_suite(chance, [&](Pair& pair, std::size_t icv) {
    for (std::size_t text = 0; text <= 140; ++text) {
      Packets ours;
      const std::size_t count = text % 7 == 0 ? 8 + below(chance, 17) : 8;
      for (std::size_t i = 0; i < count; ++i) ours.add(text % 2 == 0 ? 8 : 12, text, icv, chance);
      const Packets plain = ours;
      Packets theirs = ours;
      pair.kernel.seal(pair.sa, ours.jobs);
      pair.other->seal(theirs.jobs);
      ASSERT_TRUE(ours.memory == theirs.memory) << text << " bytes";
      pair.kernel.open(pair.sa, ours.jobs);
      ASSERT_TRUE(std::ranges::all_of(ours.jobs, &Job::ok)) << text << " bytes";
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_TRUE(std::ranges::equal(ours.jobs[i].text, plain.jobs[i].text)) << text << " bytes";
      }
    }
  });
}

/// The same bytes as OpenSSL's, and back again.
void expect_same(Pair& pair, Packets& ours) {
  const Packets plain = ours;
  Packets theirs = ours;
  pair.kernel.seal(pair.sa, ours.jobs);
  pair.other->seal(theirs.jobs);
  ASSERT_TRUE(ours.memory == theirs.memory);
  pair.kernel.open(pair.sa, ours.jobs);
  for (std::size_t i = 0; i < ours.jobs.size(); ++i) {
    ASSERT_TRUE(ours.jobs[i].ok);
    ASSERT_TRUE(std::ranges::equal(ours.jobs[i].text, plain.jobs[i].text));
  }
}

TEST_P(Kernels, SealAndOpenEveryLengthInEveryNumber) {
  Chance chance{13};
  Pair pair{*GetParam().kernel(), *cipher_by_name("aes-gcm-16"), 16, chance};
  for (std::size_t text = 0; text <= 600; ++text) {
    for (std::size_t count = 1; count <= 9; ++count) {
      Packets packets;
      for (std::size_t i = 0; i < count; ++i) packets.add(8, text, 16, chance);
      ASSERT_NO_FATAL_FAILURE(expect_same(pair, packets)) << count << " packets of " << text << " bytes";
    }
  }
}

/// Long ones among short ones: groups of one packet are hashed while those of the next are encrypted.
TEST_P(Kernels, SealAndOpenLongOnesAmongShortOnes) {
  Chance chance{14};
  for (const std::size_t key_bytes : {16U, 24U, 32U}) {
    Pair pair{*GetParam().kernel(), *cipher_by_name("aes-gcm-16"), key_bytes, chance};
    for (int round = 0; round < 60; ++round) {
      Packets packets;
      for (std::size_t i = 1 + below(chance, 20); i > 0; --i) {
        packets.add(8, below(chance, below(chance, 3) == 0 ? 100 : 9001), 16, chance);
      }
      ASSERT_NO_FATAL_FAILURE(expect_same(pair, packets)) << "round " << round;
    }
  }
}

/// Every part, of one packet or of eight, in front of a page that may not be touched, for every length.
TEST_P(Kernels, TouchNothingBehindAnyPart) {
  const GuardPage text, aad, iv, icv;
  ASSERT_TRUE(text.ready() && aad.ready() && iv.ready() && icv.ready());
  Chance chance{9};
  for_every_suite(chance, [&](Pair& pair, std::size_t tag) {
    for (std::size_t length = 0; length <= 2000; length += length < 600 ? 1 : 37) {
      const std::size_t aad_bytes = length % 2 == 0 ? 8 : 12, count = length <= 200 ? 8 : 1;
      std::vector<Job> jobs;
      for (std::size_t i = count; i > 0; --i) {
        jobs.push_back({.aad = aad.last(i * aad_bytes).first(aad_bytes), .iv = iv.last(i * 8).first(8)});
        jobs.back().text = text.last(i * length).first(length);
        jobs.back().icv = icv.last(i * tag).first(tag);
      }
      fill(text.last(count * length), chance);
      pair.kernel.seal(pair.sa, jobs);
      pair.other->open(jobs);
      ASSERT_TRUE(std::ranges::all_of(jobs, &Job::ok)) << length;
      pair.other->seal(jobs);
      pair.kernel.open(pair.sa, jobs);
      ASSERT_TRUE(std::ranges::all_of(jobs, &Job::ok)) << length;
    }
  });
}

TEST_P(Kernels, CountBlocksBeyondSixteenBits) {
  Chance chance{10};
  Pair pair{*GetParam().kernel(), *cipher_by_name("aes-gcm-16"), 16, chance};
  Packets ours;
  ours.add(8, (std::size_t{1} << 20U) + 777, 16, chance);
  Packets theirs = ours;
  pair.kernel.seal(pair.sa, ours.jobs);
  pair.other->seal(theirs.jobs);
  EXPECT_TRUE(ours.memory == theirs.memory);
}

TEST_P(Kernels, LeaveAJobOfAnotherShapeAloneAndDoTheOthers) {
  Chance chance{11};
  Pair pair{*GetParam().kernel(), *cipher_by_name("aes-gcm-16"), 16, chance};
  Packets packets;
  for (int i = 0; i < 12; ++i) packets.add(8, 100, 16, chance);
  packets.jobs[3].icv = packets.jobs[3].icv.first(15);
  packets.jobs[7].iv = {};
  const ByteVector three = packets.memory[3], seven = packets.memory[7];
  pair.kernel.seal(pair.sa, packets.jobs);
  pair.other->open(packets.jobs);
  for (std::size_t i = 0; i < packets.jobs.size(); ++i) EXPECT_EQ(packets.jobs[i].ok, i != 3 && i != 7) << i;
  EXPECT_EQ(packets.memory[3], three);
  EXPECT_EQ(packets.memory[7], seven);
}

INSTANTIATE_TEST_SUITE_P(, Kernels, ::testing::ValuesIn(kTested),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(Gcm, IsChosenWhereTheMachineHasTheInstructions) {
  const ByteVector key(20, 1);
  const SuiteKeys keys{.cipher = cipher_by_name("aes-gcm-16"), .cipher_key = key};
  EXPECT_EQ(suite_or_null(keys, Backend::Vaes) != nullptr, has_vaes_256());
  EXPECT_EQ(suite_or_null(keys, Backend::Vaes256) != nullptr, has_vaes_256());
  EXPECT_EQ(gcm_lanes().empty(), !has_vaes_256());
  const auto names = available_backends();
  EXPECT_EQ(std::ranges::find(names, gcm_lanes()) != names.end(), has_vaes_256());
  std::printf("own AES-GCM: %s\n", has_vaes_256() ? std::string(gcm_lanes()).c_str() : "none");
}

TEST(Gcm, IsForAesGcmOnly) {
  for (const CipherRow& row : ciphers()) {
    const ByteVector key(row.key.max, 1);
    const bool made = make_gcm(row, key, GcmLanes::Widest) != nullptr;
    EXPECT_EQ(made, row.kind == CipherKind::AesGcm && has_vaes_256()) << row.name;
  }
}

}  // namespace
}  // namespace testudo::crypto::native
