#pragma once
// The bodies of the payloads that have an inner form; KE, NONCE, HASH, SIG, VENDOR ID and NAT-D are bytes as they are.
// RFC 2408 section 3, RFC 2407 section 4.6, RFC 3947 section 5.2, mode-config draft section 3.2, and the fragments that
// Microsoft and Cisco brought.  Judges form only; views point into the message.
#include <vector>

#include "net/address.h"
#include "wire/ike/v1/attribute.h"
#include "wire/ike/v1/constants.h"

namespace testudo::wire::ike::v1 {

struct Identification {
  IdType type = IdType::None;
  std::uint8_t protocol = 0;  ///< IP protocol; 0 is any
  std::uint16_t port = 0;     ///< 0 is any
  ByteVector data;

  friend bool operator==(const Identification&, const Identification&) = default;
};
/// BadLength when an address, subnet or range has not the length of its type, Truncated when nothing is there.
Result<Identification, Malformed> parse_identification(Bytes body);
ByteVector compose_identification(const Identification& id);

struct Notification {
  std::uint32_t doi = kDoiIpsec;
  Protocol protocol = Protocol::None;
  Notify type{};
  ByteVector spi, data;
};
Result<Notification, Malformed> parse_notification(Bytes body);
ByteVector compose_notification(const Notification& notification);

struct Deletion {
  std::uint32_t doi = kDoiIpsec;
  Protocol protocol = Protocol::None;
  std::vector<ByteVector> spis;  ///< all of one size
};
Result<Deletion, Malformed> parse_deletion(Bytes body);
ByteVector compose_deletion(const Deletion& deletion);

/// CERT and CERTREQ.
struct CertificateView {
  std::uint8_t encoding = 0;
  Bytes data;
};
Result<CertificateView, Malformed> parse_certificate(Bytes body);
ByteVector compose_certificate(std::uint8_t encoding, Bytes data);

struct Configuration {
  enum class Type : std::uint8_t { Request = 1, Reply = 2, Set = 3, Ack = 4 };
  Type type = Type::Request;
  std::uint16_t identifier = 0;
  std::vector<Attribute> attributes;
};
Result<Configuration, Malformed> parse_configuration(Bytes body);
ByteVector compose_configuration(const Configuration& configuration);

Result<net::Address, Malformed> parse_original_address(Bytes body);
ByteVector compose_original_address(const net::Address& address);

struct FragmentView {
  std::uint16_t id = 0;
  std::uint8_t index = 0;  ///< from 1
  bool last = false;
  Bytes data;
};
/// BadValue for index 0: there is none.
Result<FragmentView, Malformed> parse_fragment(Bytes body);
ByteVector compose_fragment(const FragmentView& fragment);

}  // namespace testudo::wire::ike::v1
