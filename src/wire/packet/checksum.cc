#include "wire/packet/checksum.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace testudo::wire::packet {
namespace {

// RFC 1071 section 2 (B): the sum does not care for byte order, until the end.
std::uint16_t fold(std::uint64_t native_sum, std::uint32_t initial) {
  while (native_sum >> 16 != 0) native_sum = (native_sum & 0xffff) + (native_sum >> 16);
  const bool little = std::endian::native == std::endian::little;
  std::uint64_t sum = little ? ((native_sum & 0xff) << 8) | (native_sum >> 8) : native_sum;
  for (sum += initial; sum >> 16 != 0;) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

template <typename Word>
Word load(const std::uint8_t* p) {
  Word word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// Sums of 32-bit words are congruent to sums of 16-bit words modulo 65535; 2^32 of them fit.  The compiler makes
// vectors of these loops, as wide as the function that they stand in allows.
[[gnu::always_inline]] inline std::uint64_t add_words(const std::uint8_t* p, std::size_t words) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < words; ++i) sum += load<std::uint32_t>(p + 4 * i);
  return sum;
}

[[gnu::always_inline]] inline std::uint64_t move_and_add_words(std::uint8_t* __restrict to,
                                                               const std::uint8_t* __restrict p, std::size_t words) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < words; ++i) {
    const auto word = load<std::uint32_t>(p + 4 * i);
    std::memcpy(to + 4 * i, &word, sizeof word);
    sum += word;
  }
  return sum;
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] std::uint64_t add_words_avx2(const std::uint8_t* p, std::size_t words) {
  return add_words(p, words);
}
[[gnu::target("avx2")]] std::uint64_t move_and_add_words_avx2(std::uint8_t* to, const std::uint8_t* p,
                                                              std::size_t words) {
  return move_and_add_words(to, p, words);
}
bool has_avx2() {
  return __builtin_cpu_supports("avx2") != 0;
}
#else
constexpr auto add_words_avx2 = add_words;
constexpr auto move_and_add_words_avx2 = move_and_add_words;
bool has_avx2() {
  return false;
}
#endif

std::uint64_t sum_of_rest(Bytes rest) {
  std::uint64_t sum = 0;
  if (rest.size() >= 2) sum += load<std::uint16_t>(rest.data());
  if (rest.size() % 2 == 0) return sum;
  const std::uint8_t padded[2] = {rest.back(), 0};
  return sum + load<std::uint16_t>(padded);
}

}  // namespace

std::uint16_t sum_of(Bytes data, std::uint32_t initial) {
  const std::size_t words = data.size() / 4;
  const std::uint64_t sum = has_avx2() ? add_words_avx2(data.data(), words) : add_words(data.data(), words);
  return fold(sum + sum_of_rest(data.subspan(4 * words)), initial);
}

std::uint16_t copy_and_sum(MutableBytes to, Bytes data, std::uint32_t initial) {
  const std::size_t words = data.size() / 4;
  const std::uint64_t sum = has_avx2() ? move_and_add_words_avx2(to.data(), data.data(), words)
                                       : move_and_add_words(to.data(), data.data(), words);
  const Bytes rest = data.subspan(4 * words);
  std::ranges::copy(rest, to.data() + 4 * words);
  return fold(sum + sum_of_rest(rest), initial);
}

std::uint32_t pseudo_header_sum(const net::Address& source, const net::Address& destination, std::uint8_t protocol,
                                std::size_t length) {
  // The length is 16 bits in IPv4 and 32 bits in IPv6.
  std::uint32_t sum = protocol + static_cast<std::uint32_t>(length >> 16) + static_cast<std::uint32_t>(length & 0xffff);
  sum = sum_of(source.bytes(), sum);
  return sum_of(destination.bytes(), sum);
}

}  // namespace testudo::wire::packet
