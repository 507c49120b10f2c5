// parse_icmp_error() on anything: what is quoted lies inside the bytes given.
#include <cstdlib>

#include "wire/packet/icmp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const testudo::Bytes packet{data, size};
  const auto ip = testudo::wire::packet::parse_ip(packet);
  if (!ip) return 0;
  const auto error = testudo::wire::packet::parse_icmp_error(*ip, packet);
  if (error && error->ip.ip.upper_offset > error->quoted.size()) std::abort();
  static_cast<void>(testudo::wire::packet::parse_quoted_ip(packet));
  static_cast<void>(testudo::wire::packet::compose_too_big(ip->destination, packet, *ip, 1400));
  return 0;
}
