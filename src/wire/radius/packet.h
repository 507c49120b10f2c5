#pragma once
// RADIUS packets as bytes: RFC 2865 section 3 and 5, RFC 2866 section 3.  Nothing here knows a secret or believes
// anything; what proves a packet is radius/proof.h's.  Values of a parsed packet are views.  Pure.
#include <array>
#include <string_view>
#include <vector>

#include "wire/reader.h"

namespace testudo::wire::radius {

inline constexpr std::size_t kHeader = 20, kLongest = 4096, kLongestValue = 253;

enum class Code : std::uint8_t {
  AccessRequest = 1,
  AccessAccept = 2,
  AccessReject = 3,
  AccountingRequest = 4,
  AccountingResponse = 5,
  AccessChallenge = 11,
};

/// Types of attributes: RFC 2865, 2866, 2869 (80) and 3162 (95).
namespace type {
inline constexpr std::uint8_t kUserName = 1, kUserPassword = 2, kNasIpAddress = 4, kNasPort = 5, kServiceType = 6,
                              kFramedIpAddress = 8, kFramedIpNetmask = 9, kReplyMessage = 18, kClass = 25,
                              kCallingStationId = 31, kNasIdentifier = 32, kAcctStatusType = 40, kAcctSessionId = 44,
                              kAcctAuthentic = 45, kAcctSessionTime = 46, kNasPortType = 61, kMessageAuthenticator = 80,
                              kNasIpv6Address = 95;
}

using Authenticator = std::array<std::uint8_t, 16>;

struct Attribute {
  std::uint8_t type = 0;
  Bytes value;
  std::size_t offset = 0;  ///< of the value, from the packet's first byte
};

struct Packet {
  std::uint8_t code = 0, id = 0;
  Authenticator authenticator{};
  std::vector<Attribute> attributes;
  Bytes whole;  ///< without what stands behind its length

  /// The first of this type; null when there is none.
  const Attribute* find(std::uint8_t type) const;
};
/// Section 3: what is behind Length is padding; a datagram shorter than that is none.
Result<Packet, Malformed> parse(Bytes datagram);

/// The attributes of a packet, one after another.
class Attributes {
 public:
  /// False, and nothing added: no attribute carries so much, or nothing.
  bool add(std::uint8_t type, Bytes value);
  bool add(std::uint8_t type, std::string_view text) { return add(type, as_bytes(text)); }
  void add_number(std::uint8_t type, std::uint32_t number);
  Bytes bytes() const { return all_; }

 private:
  ByteVector all_;
};

ByteVector compose(Code code, std::uint8_t id, const Authenticator& authenticator, Bytes attributes);

}  // namespace testudo::wire::radius
