// parse_ip() and flow_of() on anything: every accepted view stays inside the bytes given.
#include <cstdlib>

#include "wire/packet/ip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const testudo::Bytes packet{data, size};
  const auto ip = testudo::wire::packet::parse_ip(packet);
  if (!ip) return 0;
  const bool inside = ip->total_length <= size && ip->upper_offset <= ip->total_length &&
                      ip->transport_offset <= ip->upper_offset && ip->next_header_offset < ip->upper_offset &&
                      ip->transport_next_header_offset < ip->transport_offset;
  if (!inside) std::abort();
  testudo::wire::packet::flow_of(*ip, packet);
  return 0;
}
