#include "wire/ike/v1/constants.h"

#include <algorithm>
#include <array>
#include <utility>

namespace testudo::wire::ike::v1 {
namespace {

template <typename E, std::size_t kRows>
using Names = std::array<std::pair<E, std::string_view>, kRows>;

template <typename E, std::size_t kRows>
std::string_view find(const Names<E, kRows>& names, E value) {
  const auto row = std::ranges::find(names, value, &std::pair<E, std::string_view>::first);
  return row == names.end() ? std::string_view{} : row->second;
}

constexpr Names<Notify, 36> kNotifies{{
    {Notify::InvalidPayloadType, "INVALID-PAYLOAD-TYPE"},
    {Notify::DoiNotSupported, "DOI-NOT-SUPPORTED"},
    {Notify::SituationNotSupported, "SITUATION-NOT-SUPPORTED"},
    {Notify::InvalidCookie, "INVALID-COOKIE"},
    {Notify::InvalidMajorVersion, "INVALID-MAJOR-VERSION"},
    {Notify::InvalidMinorVersion, "INVALID-MINOR-VERSION"},
    {Notify::InvalidExchangeType, "INVALID-EXCHANGE-TYPE"},
    {Notify::InvalidFlags, "INVALID-FLAGS"},
    {Notify::InvalidMessageId, "INVALID-MESSAGE-ID"},
    {Notify::InvalidProtocolId, "INVALID-PROTOCOL-ID"},
    {Notify::InvalidSpi, "INVALID-SPI"},
    {Notify::InvalidTransformId, "INVALID-TRANSFORM-ID"},
    {Notify::AttributesNotSupported, "ATTRIBUTES-NOT-SUPPORTED"},
    {Notify::NoProposalChosen, "NO-PROPOSAL-CHOSEN"},
    {Notify::BadProposalSyntax, "BAD-PROPOSAL-SYNTAX"},
    {Notify::PayloadMalformed, "PAYLOAD-MALFORMED"},
    {Notify::InvalidKeyInformation, "INVALID-KEY-INFORMATION"},
    {Notify::InvalidIdInformation, "INVALID-ID-INFORMATION"},
    {Notify::InvalidCertEncoding, "INVALID-CERT-ENCODING"},
    {Notify::InvalidCertificate, "INVALID-CERTIFICATE"},
    {Notify::CertTypeUnsupported, "CERT-TYPE-UNSUPPORTED"},
    {Notify::InvalidCertAuthority, "INVALID-CERT-AUTHORITY"},
    {Notify::InvalidHashInformation, "INVALID-HASH-INFORMATION"},
    {Notify::AuthenticationFailed, "AUTHENTICATION-FAILED"},
    {Notify::InvalidSignature, "INVALID-SIGNATURE"},
    {Notify::AddressNotification, "ADDRESS-NOTIFICATION"},
    {Notify::NotifySaLifetime, "NOTIFY-SA-LIFETIME"},
    {Notify::CertificateUnavailable, "CERTIFICATE-UNAVAILABLE"},
    {Notify::UnsupportedExchangeType, "UNSUPPORTED-EXCHANGE-TYPE"},
    {Notify::UnequalPayloadLengths, "UNEQUAL-PAYLOAD-LENGTHS"},
    {Notify::Connected, "CONNECTED"},
    {Notify::ResponderLifetime, "RESPONDER-LIFETIME"},
    {Notify::ReplayStatus, "REPLAY-STATUS"},
    {Notify::InitialContact, "INITIAL-CONTACT"},
    {Notify::RUThere, "R-U-THERE"},
    {Notify::RUThereAck, "R-U-THERE-ACK"},
}};

constexpr Names<Exchange, 8> kExchanges{{
    {Exchange::Base, "base mode"},
    {Exchange::Main, "main mode"},
    {Exchange::AuthenticationOnly, "authentication only exchange"},
    {Exchange::Aggressive, "aggressive mode"},
    {Exchange::Informational, "informational exchange"},
    {Exchange::Transaction, "transaction exchange"},
    {Exchange::Quick, "quick mode"},
    {Exchange::NewGroup, "new group mode"},
}};

constexpr Names<Payload, 20> kPayloads{{
    {Payload::Sa, "SA"},
    {Payload::Proposal, "PROPOSAL"},
    {Payload::Transform, "TRANSFORM"},
    {Payload::KeyExchange, "KE"},
    {Payload::Identification, "ID"},
    {Payload::Certificate, "CERT"},
    {Payload::CertificateRequest, "CERTREQ"},
    {Payload::Hash, "HASH"},
    {Payload::Signature, "SIG"},
    {Payload::Nonce, "NONCE"},
    {Payload::Notification, "NOTIFY"},
    {Payload::Delete, "DELETE"},
    {Payload::VendorId, "VENDOR ID"},
    {Payload::Attributes, "ATTRIBUTE"},
    {Payload::NatD, "NAT-D"},
    {Payload::NatOa, "NAT-OA"},
    {Payload::Gss, "GSS"},
    {Payload::NatDDraft, "NAT-D"},
    {Payload::NatOaDraft, "NAT-OA"},
    {Payload::Fragment, "FRAGMENT"},
}};

constexpr Names<Protocol, 4> kProtocols{
    {{Protocol::Isakmp, "ISAKMP"}, {Protocol::Ah, "AH"}, {Protocol::Esp, "ESP"}, {Protocol::Ipcomp, "IPCOMP"}}};

constexpr Names<IdType, 11> kIdTypes{{
    {IdType::V4Address, "IPv4 address"},
    {IdType::Fqdn, "FQDN"},
    {IdType::UserFqdn, "USER_FQDN"},
    {IdType::V4Subnet, "IPv4 subnet"},
    {IdType::V6Address, "IPv6 address"},
    {IdType::V6Subnet, "IPv6 subnet"},
    {IdType::V4Range, "IPv4 range"},
    {IdType::V6Range, "IPv6 range"},
    {IdType::DerDn, "DER_ASN1_DN"},
    {IdType::DerGn, "DER_ASN1_GN"},
    {IdType::KeyId, "KEY_ID"},
}};

}  // namespace

std::string_view name_of(Notify type) {
  return find(kNotifies, type);
}
std::string_view name_of(Exchange exchange) {
  return find(kExchanges, exchange);
}
std::string_view name_of(Payload type) {
  return find(kPayloads, type);
}
std::string_view name_of(Protocol protocol) {
  return find(kProtocols, protocol);
}
std::string_view name_of(IdType type) {
  return find(kIdTypes, type);
}

}  // namespace testudo::wire::ike::v1
