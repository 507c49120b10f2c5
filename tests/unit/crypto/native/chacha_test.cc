#include "crypto/native/chacha.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "crypto/native/chacha_kernel.h"
#include "crypto/native/cpu.h"
#include "unit/crypto/backends.h"
#include "unit/crypto/guard_page.h"
#include "unit/crypto/native/packets.h"
#include "unit/crypto/native/plain_wide.h"
#include "unit/crypto/native/poly1305_vectors.h"

// The kernel against OpenSSL, which shares no code with it: the same packets, the same bytes.
namespace testudo::crypto::native {
namespace {

struct TestedChaCha {
  const char* name;
  bool (*usable)();
  const ChaChaKernel* (*kernel)();
};

/// For the names of tests.
void PrintTo(const TestedChaCha& tested, std::ostream* out) {
  *out << tested.name;
}

constexpr TestedChaCha kTestedChaCha[] = {{"Wide512", has_vaes_512, chacha_kernel_512},
                                          {"Plain", has_vaes_256, plain_chacha_kernel}};

/// The kernel with a key, and OpenSSL with the same.
struct ChaChaPair {
  const ChaChaKernel& kernel;
  ChaChaSa sa{};
  std::unique_ptr<Suite> other;

  ChaChaPair(const ChaChaKernel& k, Chance& chance) : kernel(k) {
    const CipherRow& row = *cipher_by_name("chacha20-poly1305");
    const ByteVector key = random_bytes(chance, 36);
    std::ranges::copy(Bytes{key}.first(32), sa.key.begin());
    std::ranges::copy(Bytes{key}.last(4), sa.salt.begin());
    sa.shape = JobShape::of(row, nullptr);
    other = suite_or_null({.cipher = &row, .cipher_key = key}, Backend::OpenSsl);
  }
};

Packets some_packets(std::size_t count, std::size_t limit, Chance& chance) {
  Packets out;
  const bool alike = below(chance, 2) == 0;
  const std::size_t text = below(chance, limit);
  for (std::size_t i = 0; i < count; ++i) {
    out.add(random_aad(chance), alike ? text : below(chance, limit), 16, chance);
  }
  return out;
}

/// The same bytes as OpenSSL's, and back again.
void expect_like_openssl(ChaChaPair& pair, Packets& ours) {
  const Packets plain = ours;
  Packets theirs = ours;
  pair.kernel.seal(pair.sa, ours.jobs);
  pair.other->seal(theirs.jobs);
  for (std::size_t i = 0; i < ours.jobs.size(); ++i) {
    ASSERT_TRUE(ours.jobs[i].ok);
    ASSERT_TRUE(ours.memory[i] == theirs.memory[i])
        << "packet " << i << " of " << ours.jobs.size() << ", " << ours.jobs[i].text.size() << " bytes";
  }
  pair.kernel.open(pair.sa, ours.jobs);
  for (std::size_t i = 0; i < ours.jobs.size(); ++i) {
    ASSERT_TRUE(ours.jobs[i].ok) << "packet " << i;
    ASSERT_TRUE(std::ranges::equal(ours.jobs[i].text, plain.jobs[i].text)) << "packet " << i;
  }
}

class ChaChaKernels : public ::testing::TestWithParam<TestedChaCha> {
 protected:
  void SetUp() override {
    if (!GetParam().usable()) GTEST_SKIP() << "this machine lacks the instructions of " << GetParam().name;
  }
};

TEST_P(ChaChaKernels, SealAndOpenAsOpenSslDoes) {
  Chance chance{20261122};
  std::size_t packets = 0;
  for (int round = 0; round < 200; ++round) {
    ChaChaPair pair{*GetParam().kernel(), chance};
    Packets some = some_packets(1 + below(chance, 80), round % 2 == 0 ? 160 : 2001, chance);
    ASSERT_NO_FATAL_FAILURE(expect_like_openssl(pair, some)) << "round " << round;
    packets += some.jobs.size();
  }
  std::printf("%s against OpenSSL: %zu packets\n", GetParam().name, packets);
}

TEST_P(ChaChaKernels, SealAndOpenEveryLengthInSomeNumbers) {
  Chance chance{13};
  ChaChaPair pair{*GetParam().kernel(), chance};
  for (std::size_t text = 0; text <= 600; ++text) {
    for (const std::size_t count : {1U, 7U, 8U, 9U, 16U, 17U}) {
      Packets packets;
      for (std::size_t i = 0; i < count; ++i) packets.add(text % 35, text, 16, chance);
      ASSERT_NO_FATAL_FAILURE(expect_like_openssl(pair, packets)) << count << " packets of " << text << " bytes";
    }
  }
}

TEST_P(ChaChaKernels, SealAndOpenLongOnesAmongShortOnes) {
  Chance chance{14};
  ChaChaPair pair{*GetParam().kernel(), chance};
  for (int round = 0; round < 40; ++round) {
    Packets packets;
    for (std::size_t i = 1 + below(chance, 20); i > 0; --i) {
      packets.add(8, below(chance, below(chance, 3) == 0 ? 100 : 9001), 16, chance);
    }
    ASSERT_NO_FATAL_FAILURE(expect_like_openssl(pair, packets)) << "round " << round;
  }
}

TEST_P(ChaChaKernels, CountBlocksBeyondSixteenBits) {
  Chance chance{10};
  ChaChaPair pair{*GetParam().kernel(), chance};
  Packets packets;
  packets.add(8, (std::size_t{1} << 22U) + 777, 16, chance);
  expect_like_openssl(pair, packets);
}

TEST_P(ChaChaKernels, RefuseTheForgedOnesOfARunAndOnlyThose) {
  Chance chance{7};
  ChaChaPair pair{*GetParam().kernel(), chance};
  for (int round = 0; round < 150; ++round) {
    Packets packets = some_packets(1 + below(chance, 20), round % 2 == 0 ? 160 : 2001, chance);
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
}

TEST_P(ChaChaKernels, RefuseEveryBitOfAForgedTag) {
  Chance chance{8};
  ChaChaPair pair{*GetParam().kernel(), chance};
  Packets packets;
  packets.add(8, 40, 16, chance);
  Job& job = packets.jobs.front();
  pair.kernel.seal(pair.sa, packets.jobs);
  const ByteVector sealed = packets.memory.front();
  for (std::size_t bit = 0; bit < 128; ++bit) {
    packets.memory.front() = sealed;
    job.icv[bit / 8] = static_cast<std::uint8_t>(job.icv[bit / 8] ^ (1U << (bit % 8)));
    pair.kernel.open(pair.sa, packets.jobs);
    ASSERT_FALSE(job.ok) << "bit " << bit;
  }
}

/// Every part, of one packet or of twelve, in front of a page that may not be touched, for every length.
TEST_P(ChaChaKernels, TouchNothingBehindAnyPart) {
  const GuardPage text, aad, iv, icv;
  ASSERT_TRUE(text.ready() && aad.ready() && iv.ready() && icv.ready());
  Chance chance{9};
  ChaChaPair pair{*GetParam().kernel(), chance};
  for (std::size_t length = 0; length <= 2000; length += length < 300 ? 1 : 37) {
    const std::size_t aad_bytes = length % 2 == 0 ? 8 : 12, count = length <= 200 ? 12 : 1;
    std::vector<Job> jobs;
    for (std::size_t i = count; i > 0; --i) {
      jobs.push_back({.aad = aad.last(i * aad_bytes).first(aad_bytes), .iv = iv.last(i * 8).first(8)});
      jobs.back().text = text.last(i * length).first(length);
      jobs.back().icv = icv.last(i * 16).first(16);
    }
    fill(text.last(count * length), chance);
    pair.kernel.seal(pair.sa, jobs);
    pair.other->open(jobs);
    ASSERT_TRUE(std::ranges::all_of(jobs, &Job::ok)) << length;
    pair.other->seal(jobs);
    pair.kernel.open(pair.sa, jobs);
    ASSERT_TRUE(std::ranges::all_of(jobs, &Job::ok)) << length;
  }
}

TEST_P(ChaChaKernels, LeaveAJobOfAnotherShapeAloneAndDoTheOthers) {
  Chance chance{11};
  ChaChaPair pair{*GetParam().kernel(), chance};
  Packets packets;
  for (int i = 0; i < 20; ++i) packets.add(8, 100, 16, chance);
  packets.jobs[3].icv = packets.jobs[3].icv.first(15);
  packets.jobs[7].iv = {};
  const std::vector<ByteVector> before = packets.memory;
  pair.kernel.seal(pair.sa, packets.jobs);
  for (std::size_t i = 0; i < packets.jobs.size(); ++i) {
    const bool odd = i == 3 || i == 7;
    EXPECT_EQ(packets.jobs[i].ok, !odd) << i;
    EXPECT_EQ(packets.memory[i] == before[i], odd) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(, ChaChaKernels, ::testing::ValuesIn(kTestedChaCha),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(Poly1305, CarriesAsTheVectorsDoInPlainNumbers) {
#ifdef __x86_64__
  if (!has_vaes_256()) GTEST_SKIP() << "this machine lacks the instructions that the kernel is compiled for";
  expect_poly1305_vectors<PlainWide>();
#else
  GTEST_SKIP() << "not an amd64";
#endif
}

TEST(ChaCha, IsChosenWhereTheMachineHasTheInstructions) {
  for (const CipherRow& row : ciphers()) {
    const ByteVector key(row.key.max, 1);
    const bool made = make_chacha(row, key) != nullptr;
    EXPECT_EQ(made, row.kind == CipherKind::ChaCha20Poly1305 && has_vaes_512()) << row.name;
  }
}

}  // namespace
}  // namespace testudo::crypto::native
