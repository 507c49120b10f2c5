#include "spd/flow_key.h"

#include <algorithm>

#include "base/endian.h"

namespace testudo::spd {
namespace {

constexpr unsigned kSourceFamilyBit = 63, kDestinationFamilyBit = 62;

struct Words {
  std::uint64_t high = 0, low = 0;
};

Words words_of(const net::Address& a) {
  const Bytes b = a.bytes();
  if (a.is_v4()) return {std::uint64_t{be32(b.data())} << 32, 0};
  return {be64(b.data()), be64(b.data() + 8)};
}

std::uint64_t family_bit(const net::Address& a, unsigned bit) {
  return a.is_v4() ? 0 : std::uint64_t{1} << bit;
}

std::uint64_t both_halves(std::uint64_t high, std::uint64_t low) {
  return high << 32 | low;
}

std::uint64_t upper_of(const net::Flow& flow) {
  return std::uint64_t{flow.protocol} << 32 | std::uint64_t{flow.source_port} << 16 | flow.destination_port;
}

std::uint64_t upper_mask(const net::Selector& s) {
  return (s.protocol != net::protocol::kAny ? 0xff00000000U : 0) | (s.source_port != 0 ? 0xffff0000U : 0) |
         (s.destination_port != 0 ? 0xffffU : 0);
}

/// The first n bits of a word.
std::uint64_t leading(unsigned n) {
  return n == 0 ? 0 : ~std::uint64_t{0} << (64 - std::min(n, 64U));
}

std::uint64_t trailing_word(unsigned length) {
  return length > 64 ? leading(length - 64) : 0;
}

std::uint64_t scope_mask(const net::Prefix& prefix) {
  return prefix.address.scope() != 0 ? 0xffffffffU : 0;
}

}  // namespace

FlowKey key_of(const net::Flow& flow) {
  const Words source = words_of(flow.source);
  const Words destination = words_of(flow.destination);
  return {
      source.high,
      source.low,
      destination.high,
      destination.low,
      both_halves(flow.source.scope(), flow.destination.scope()),
      family_bit(flow.source, kSourceFamilyBit) | family_bit(flow.destination, kDestinationFamilyBit) | upper_of(flow)};
}

ShortKey short_key_of(const net::Flow& flow) {
  return {both_halves(be32(flow.source.bytes().data()), be32(flow.destination.bytes().data())), upper_of(flow)};
}

FlowKey mask_of(const net::Selector& s) {
  return {leading(s.source.length),
          trailing_word(s.source.length),
          leading(s.destination.length),
          trailing_word(s.destination.length),
          both_halves(scope_mask(s.source), scope_mask(s.destination)),
          upper_mask(s)};
}

ShortKey short_mask_of(const net::Selector& s) {
  return {
      both_halves(leading(std::min(s.source.length, 32U)) >> 32, leading(std::min(s.destination.length, 32U)) >> 32),
      upper_mask(s)};
}

}  // namespace testudo::spd
