#include "wire/packet/checksum.h"

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
// vectors of this loop.
std::uint64_t sum_of_words(const std::uint8_t* p, std::size_t words) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < words; ++i) sum += load<std::uint32_t>(p + 4 * i);
  return sum;
}

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
  return fold(sum_of_words(data.data(), words) + sum_of_rest(data.subspan(4 * words)), initial);
}

std::uint16_t copy_and_sum(MutableBytes to, Bytes data, std::uint32_t initial) {
  if (!data.empty()) std::memcpy(to.data(), data.data(), data.size());
  return sum_of(data, initial);
}

std::uint32_t pseudo_header_sum(const net::Address& source, const net::Address& destination, std::uint8_t protocol,
                                std::size_t length) {
  // The length is 16 bits in IPv4 and 32 bits in IPv6.
  std::uint32_t sum = protocol + static_cast<std::uint32_t>(length >> 16) + static_cast<std::uint32_t>(length & 0xffff);
  sum = sum_of(source.bytes(), sum);
  return sum_of(destination.bytes(), sum);
}

}  // namespace testudo::wire::packet
