#pragma once
// The 28 bytes in front of every ISAKMP and IKE message, the same in both versions: RFC 2408 section 3.1, RFC 7296
// section 3.1.  Whoever reads a datagram looks at `major` first: exchange 34 is IKE_SA_INIT in version 2 and something
// else in version 1.  Judges lengths only; whether flags and exchanges make sense is for ike/.
//
//   |  initiator's cookie (SPI), 8  |  responder's cookie (SPI), 8  |
//   | next payload | major.minor | exchange | flags | message id, 4 | length, 4 |
#include "wire/reader.h"

namespace testudo::wire::ike {

inline constexpr std::size_t kHeaderBytes = 28;
/// No message is longer; a length field beyond it is refused before anything else is done (CVE-2004-0403).
inline constexpr std::size_t kMaxMessage = 65535;

struct Header {
  std::uint64_t initiator = 0, responder = 0;  ///< cookies of version 1, SPIs of version 2
  std::uint8_t next = 0;                       ///< type of the first payload
  std::uint8_t major = 1, minor = 0;
  std::uint8_t exchange = 0, flags = 0;
  std::uint32_t message_id = 0;

  friend bool operator==(const Header&, const Header&) = default;
};

struct Message {
  Header header;
  Bytes body;  ///< payloads, or their ciphertext
};

/// A whole datagram, without a non-ESP marker.  BadLength when the length field does not say what arrived.
Result<Message, Malformed> parse(Bytes datagram);

/// Empty when header and body would be longer than kMaxMessage.
ByteVector compose(const Header& header, Bytes body);

}  // namespace testudo::wire::ike
