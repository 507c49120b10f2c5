#pragma once
// Whole packets for tests, of either family by the addresses given, with right lengths and checksums. Written
// without wire/, so that the parsers and checksums there meet bytes that they did not make.
//
//   auto ping = icmp_echo(ip("10.0.1.1"), ip("10.0.2.1"), 7, 1, as_bytes("hello"));
//   auto data = tcp({ip("fd00::1"), 1025}, {ip("fd00::2"), 110}, payload, {.ttl = 3});
//   auto odd  = packet(ip("10.0.0.1"), ip("10.0.0.2"), 253, payload, {.dont_fragment = true});
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "net/flow.h"

namespace testudo::test {

/// The address that the text says; a text that is none ends the test program.
inline net::Address ip(std::string_view text) {
  const auto parsed = net::Address::parse(text);
  if (!parsed) std::abort();
  return *parsed;
}

inline net::Prefix prefix(std::string_view text) {
  const auto parsed = net::Prefix::parse(text);
  if (!parsed) std::abort();
  return *parsed;
}

/// Fields of the IP header that a test may care for.
struct IpFields {
  std::uint8_t ttl = 64;
  std::uint8_t traffic_class = 0;
  std::uint32_t flow_label = 0;       ///< IPv6
  std::uint16_t identification = 1;   ///< IPv4
  bool dont_fragment = false;         ///< IPv4
  bool more_fragments = false;        ///< IPv4
  std::uint16_t fragment_offset = 0;  ///< IPv4, in bytes, a multiple of 8
  ByteVector options = {};  ///< IPv4: options, a multiple of 4; IPv6: extension headers, their next-header bytes right
  std::uint8_t first_extension = 0;  ///< IPv6 with options: the protocol of the first extension header
};

namespace detail {

inline void put16(ByteVector& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

inline void put32(ByteVector& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

inline void put(ByteVector& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

inline void patch16(ByteVector& out, std::size_t offset, std::uint16_t value) {
  out[offset] = static_cast<std::uint8_t>(value >> 8);
  out[offset + 1] = static_cast<std::uint8_t>(value);
}

/// RFC 1071, byte by byte.
inline std::uint16_t internet_checksum(Bytes data) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < data.size(); ++i) sum += i % 2 == 0 ? std::uint64_t{data[i]} << 8 : data[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

/// Over the pseudo header of RFC 793 or RFC 8200 section 8.1 and the upper-layer bytes.
inline std::uint16_t upper_checksum(const net::Address& source, const net::Address& destination, std::uint8_t protocol,
                                    Bytes upper) {
  ByteVector all;
  put(all, source.bytes());
  put(all, destination.bytes());
  put32(all, static_cast<std::uint32_t>(upper.size()));
  put32(all, protocol);
  put(all, upper);
  return internet_checksum(all);
}

}  // namespace detail

/// An IP packet that carries `payload` as `protocol`.
inline ByteVector packet(const net::Address& source, const net::Address& destination, std::uint8_t protocol,
                         Bytes payload, const IpFields& fields = {}) {
  using namespace detail;
  ByteVector out;
  if (source.is_v4()) {
    const std::size_t header = 20 + fields.options.size();
    out = {static_cast<std::uint8_t>(0x40 + header / 4), fields.traffic_class};
    put16(out, header + payload.size());
    put16(out, fields.identification);
    put16(out,
          (fields.dont_fragment ? 0x4000U : 0U) | (fields.more_fragments ? 0x2000U : 0U) | fields.fragment_offset / 8U);
    out.push_back(fields.ttl);
    out.push_back(protocol);
    put16(out, 0);
    put(out, source.bytes());
    put(out, destination.bytes());
    put(out, fields.options);
    patch16(out, 10, internet_checksum(out));
  } else {
    put32(out, 0x60000000U | std::uint32_t{fields.traffic_class} << 20 | fields.flow_label);
    put16(out, fields.options.size() + payload.size());
    out.push_back(fields.options.empty() ? protocol : fields.first_extension);
    out.push_back(fields.ttl);
    put(out, source.bytes());
    put(out, destination.bytes());
    put(out, fields.options);
  }
  put(out, payload);
  return out;
}

inline ByteVector udp(const net::Endpoint& source, const net::Endpoint& destination, Bytes payload,
                      const IpFields& fields = {}) {
  using namespace detail;
  ByteVector upper;
  put16(upper, source.port);
  put16(upper, destination.port);
  put16(upper, 8 + payload.size());
  put16(upper, 0);
  put(upper, payload);
  const std::uint16_t sum = upper_checksum(source.address, destination.address, net::protocol::kUdp, upper);
  patch16(upper, 6, sum == 0 ? 0xffff : sum);
  return packet(source.address, destination.address, net::protocol::kUdp, upper, fields);
}

struct TcpFields {
  std::uint32_t sequence = 1, acknowledgement = 0;
  std::uint8_t flags = 0x18;  ///< PSH, ACK
  ByteVector options = {};    ///< a multiple of 4
};

inline ByteVector tcp(const net::Endpoint& source, const net::Endpoint& destination, Bytes payload,
                      const IpFields& fields = {}, const TcpFields& header = {}) {
  using namespace detail;
  ByteVector upper;
  put16(upper, source.port);
  put16(upper, destination.port);
  put32(upper, header.sequence);
  put32(upper, header.acknowledgement);
  upper.push_back(static_cast<std::uint8_t>((20 + header.options.size()) / 4 << 4));
  upper.push_back(header.flags);
  put16(upper, 65535);
  put32(upper, 0);
  put(upper, header.options);
  put(upper, payload);
  patch16(upper, 16, upper_checksum(source.address, destination.address, net::protocol::kTcp, upper));
  return packet(source.address, destination.address, net::protocol::kTcp, upper, fields);
}

/// An ICMP or ICMPv6 message; `body` is what follows type, code and checksum.
inline ByteVector icmp(const net::Address& source, const net::Address& destination,
                       std::pair<std::uint8_t, std::uint8_t> type_and_code, Bytes body, const IpFields& fields = {}) {
  using namespace detail;
  ByteVector upper{type_and_code.first, type_and_code.second, 0, 0};
  put(upper, body);
  const std::uint8_t protocol = source.is_v4() ? net::protocol::kIcmp : net::protocol::kIcmpv6;
  patch16(upper, 2, source.is_v4() ? internet_checksum(upper) : upper_checksum(source, destination, protocol, upper));
  return packet(source, destination, protocol, upper, fields);
}

/// An echo request.
inline ByteVector icmp_echo(const net::Address& source, const net::Address& destination, std::uint16_t id,
                            std::uint16_t sequence, Bytes data, const IpFields& fields = {}) {
  ByteVector body;
  detail::put16(body, id);
  detail::put16(body, sequence);
  detail::put(body, data);
  const std::uint8_t type = source.is_v4() ? 8 : 128;
  return icmp(source, destination, {type, 0}, body, fields);
}

}  // namespace testudo::test
