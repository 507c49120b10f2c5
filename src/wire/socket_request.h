#pragma once
// What libtestudo-preload says to testudod about one socket, and hears: setsockopt and getsockopt of IP_IPSEC_POLICY
// and IPV6_IPSEC_POLICY, and of UDP_ENCAP.  The socket itself comes beside the request (SCM_RIGHTS).  Anybody may send
// these bytes.
//
//   request   version u8 | what u8 | level u8 | zero u8 | sadb_x_policy …      (in Get its first 16 bytes: the
//   direction) reply     errno u32 | sadb_x_policy …                                      (in host order; the policy
//   for Get alone)
//
// Of UDP_ENCAP the value, an int in host order, takes the policy's place; Get sends none.
#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/pfkey/constants.h"
#include "wire/reader.h"

namespace testudo::wire {

struct SocketRequest {
  enum class What : std::uint8_t { Get = 1, Set = 2 };
  /// Of the option: IPPROTO_IP, IPPROTO_IPV6 or IPPROTO_UDP.
  enum class Level : std::uint8_t { Ip = 4, Ipv6 = 6, Udp = 17 };

  static constexpr std::uint8_t kVersion = 1;
  static constexpr std::size_t kHeader = 4;
  /// Sixteen requests with two IPv6 addresses are 1168 bytes.
  static constexpr std::size_t kMaxPolicy = 2048;

  What what = What::Get;
  Level level = Level::Ip;
  Bytes policy;  ///< as it came: not judged here

  friend bool operator==(const SocketRequest& a, const SocketRequest& b) {
    return a.what == b.what && a.level == b.level && std::ranges::equal(a.policy, b.policy);
  }
};

/// A view of the bytes.
Result<SocketRequest, Malformed> parse_socket_request(Bytes message);

/// The value of UDP_ENCAP: 0 (off), 1 or 2 (linux/udp.h).  Nothing for those that are not IPsec's.
std::optional<std::uint8_t> socket_encapsulation(Bytes value);
ByteVector compose_socket_encapsulation(std::uint8_t value);

/// The direction in the first bytes of a policy extension: what Get is asked for.
Result<pfkey::Direction, Malformed> socket_policy_direction(Bytes policy);

ByteVector compose_socket_reply(std::uint32_t error, Bytes policy);

}  // namespace testudo::wire
