#include "spd/flow_key.h"

#include "base/endian.h"

namespace testudo::spd {
namespace {

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

}  // namespace

FlowKey key_of(const net::Flow& flow) {
  const Words source = words_of(flow.source);
  const Words destination = words_of(flow.destination);
  return {source.high,
          source.low,
          destination.high,
          destination.low,
          std::uint64_t{flow.source.scope()} << 32 | flow.destination.scope(),
          family_bit(flow.source, kSourceFamilyBit) | family_bit(flow.destination, kDestinationFamilyBit) |
              std::uint64_t{flow.protocol} << 32 | std::uint64_t{flow.source_port} << 16 | flow.destination_port};
}

}  // namespace testudo::spd
