// Workers key and use suites at the same time, each its own: what the back ends share (libraries loaded on first use,
// tables, the CPU's features) is shared safely.  Says most under ThreadSanitizer.
#include <gtest/gtest.h>

#include <algorithm>
#include <latch>
#include <thread>
#include <vector>

#include "crypto/compressor.h"
#include "unit/crypto/backends.h"

namespace testudo::crypto {
namespace {

constexpr std::size_t kThreads = 4, kRounds = 8;

ByteVector some_bytes(std::size_t count, std::size_t seed) {
  ByteVector bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(7 * i + seed);
  return bytes;
}

/// Runs work() in all threads at once; every one must come to the same bytes.
template <typename Work>
void expect_alike(const Work& work, std::string_view what) {
  std::vector<ByteVector> results(kThreads);
  std::latch start{kThreads};
  std::vector<std::thread> threads;
  for (ByteVector& result : results) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      result = work();
    });
  }
  for (auto& thread : threads) thread.join();
  for (const ByteVector& result : results) EXPECT_EQ(result, results.front()) << what;
}

/// Sealed packets of several lengths, in runs; empty when the suite does not open them again.
ByteVector sealed_by(Suite& suite, const SuiteKeys& keys) {
  const std::size_t icv = keys.cipher->is_aead() ? keys.cipher->icv : keys.mac->esp_icv();
  const ByteVector aad = some_bytes(8, 1), iv = some_bytes(16, 2);
  ByteVector all;
  for (std::size_t round = 1; round <= kRounds; ++round) {
    const std::size_t head = 8U + keys.cipher->iv, length = 48 * round;
    std::vector<ByteVector> packets(round, some_bytes(head + length + icv, round));
    std::vector<Job> jobs;
    for (ByteVector& p : packets) {
      std::copy_n(iv.begin(), keys.cipher->iv, p.begin() + 8);
      const MutableBytes bytes{p};
      jobs.push_back({.aad = aad,
                      .head = bytes.first(head),
                      .iv = bytes.subspan(8, keys.cipher->iv),
                      .text = bytes.subspan(head, length),
                      .icv = bytes.last(icv)});
    }
    suite.seal(jobs);
    for (const ByteVector& p : packets) all.insert(all.end(), p.begin(), p.end());
    suite.open(jobs);
    if (!std::ranges::all_of(jobs, &Job::ok)) return {};
  }
  return all;
}

/// The same by a suite made for it; empty, too, when the back end lacks the suite.
ByteVector sealed_by_a_new_suite(const SuiteKeys& keys, Backend backend) {
  const auto suite = make_suite(keys, backend);
  return suite ? sealed_by(**suite, keys) : ByteVector{};
}

TEST(Threads, KeyAndUseEveryCipherAtOnce) {
  const ByteVector mac_key = some_bytes(32, 5);
  for (const CipherRow& row : ciphers()) {
    const ByteVector key = some_bytes(row.key.max, 3);
    SuiteKeys keys{.cipher = &row, .cipher_key = key};
    if (!row.is_aead()) keys.mac = mac_by_name("hmac-sha256"), keys.mac_key = mac_key;
    for (const Backend backend : {Backend::OpenSsl, Backend::IpsecMb, Backend::Vaes, Backend::Best}) {
      expect_alike([&] { return sealed_by_a_new_suite(keys, backend); }, row.name);
    }
    EXPECT_FALSE(sealed_by_a_new_suite(keys, Backend::Best).empty()) << row.name;
  }
}

TEST(Threads, KeyAndUseEveryMacAtOnce) {
  const ByteVector key = some_bytes(16, 3);
  for (const MacRow& row : macs()) {
    if (row.kind == MacKind::TcpMd5) continue;
    const ByteVector mac_key = some_bytes(row.key.max, 4);
    const SuiteKeys keys{.cipher = cipher_by_name("aes-cbc"), .cipher_key = key, .mac = &row, .mac_key = mac_key};
    for (const Backend backend : {Backend::OpenSsl, Backend::IpsecMb, Backend::Vaes, Backend::Best}) {
      expect_alike([&] { return sealed_by_a_new_suite(keys, backend); }, row.name);
    }
    const auto alone = [&] {
      ByteVector out(row.icv);
      const ByteVector message = some_bytes(1000, 9);
      const Bytes pieces[] = {message};
      if (const auto mac = make_mac(row, mac_key)) (*mac)->compute(pieces, out);
      return out;
    };
    expect_alike(alone, row.name);
  }
}

TEST(Threads, UseClonesOfOneSuiteAtOnce) {
  const ByteVector key = some_bytes(32, 3), mac_key = some_bytes(32, 4);
  const SuiteKeys keys{
      .cipher = cipher_by_name("aes-cbc"), .cipher_key = key, .mac = mac_by_name("hmac-sha256"), .mac_key = mac_key};
  const auto original = *make_suite(keys);
  expect_alike([&] { return sealed_by(*original->clone(), keys); }, "clones");
  EXPECT_EQ(sealed_by(*original->clone(), keys), sealed_by(*original, keys));
  EXPECT_FALSE(sealed_by(*original, keys).empty());
}

TEST(Threads, CompressAndExpandAtOnce) {
  const auto there_and_back = [] {
    const auto deflate = make_deflate();
    const ByteVector text = some_bytes(4000, 1);
    ByteVector packed(8000), again(8000);
    const auto n = deflate->compress(text, packed);
    if (!n) return ByteVector{};
    const auto m = deflate->expand(Bytes{packed}.first(*n), again);
    if (!m || !std::ranges::equal(text, Bytes{again}.first(*m))) return ByteVector{};
    packed.resize(*n);
    return packed;
  };
  expect_alike(there_and_back, "deflate");
  EXPECT_FALSE(there_and_back().empty());
}

}  // namespace
}  // namespace testudo::crypto
