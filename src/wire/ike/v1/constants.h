#pragma once
// Numbers of IKEv1: RFC 2408 (ISAKMP), RFC 2407 (IPsec DOI), RFC 2409 (IKE), RFC 3947 (NAT-T), RFC 3706 (DPD), the
// NAT-T drafts 00-03, mode-config and XAUTH drafts.  An enum here may hold values without a name: they come from
// strangers.
#include <cstdint>
#include <string_view>

namespace testudo::wire::ike::v1 {

enum class Exchange : std::uint8_t {
  None = 0,
  Base = 1,
  Main = 2,  ///< "identity protection"
  AuthenticationOnly = 3,
  Aggressive = 4,
  Informational = 5,
  Transaction = 6,  ///< mode-config
  Quick = 32,
  NewGroup = 33,
};

enum class Payload : std::uint8_t {
  None = 0,
  Sa = 1,
  Proposal = 2,
  Transform = 3,
  KeyExchange = 4,
  Identification = 5,
  Certificate = 6,
  CertificateRequest = 7,
  Hash = 8,
  Signature = 9,
  Nonce = 10,
  Notification = 11,
  Delete = 12,
  VendorId = 13,
  Attributes = 14,
  NatD = 20,
  NatOa = 21,
  Gss = 129,
  NatDDraft = 130,
  NatOaDraft = 131,
  Fragment = 132,
};

namespace flag {
inline constexpr std::uint8_t kEncryption = 0x01, kCommit = 0x02, kAuthenticationOnly = 0x04;
}  // namespace flag

enum class Protocol : std::uint8_t { None = 0, Isakmp = 1, Ah = 2, Esp = 3, Ipcomp = 4 };

inline constexpr std::uint32_t kDoiGeneric = 0, kDoiIpsec = 1;
inline constexpr std::uint32_t kSituationIdentityOnly = 1;
/// The only transform of protocol ISAKMP: KEY_IKE.
inline constexpr std::uint8_t kKeyIke = 1;

/// Attributes of phase 1: RFC 2409 appendix A.
namespace oakley {
inline constexpr std::uint16_t kEncryption = 1, kHash = 2, kAuthentication = 3, kGroup = 4, kLifeType = 11,
                               kLifeDuration = 12, kKeyLength = 14;
inline constexpr std::uint16_t kSeconds = 1;
inline constexpr std::uint16_t kPreSharedKey = 1, kDssSignature = 2, kRsaSignature = 3;
/// With XAUTH behind them; the side that has to log in is in the name.
inline constexpr std::uint16_t kHybridInitiatorRsa = 64221, kHybridResponderRsa = 64222;
inline constexpr std::uint16_t kXauthInitiatorKey = 65001, kXauthResponderKey = 65002, kXauthInitiatorRsa = 65005,
                               kXauthResponderRsa = 65006;
}  // namespace oakley

/// Attributes of the transaction exchange: mode-config draft 05 section 3.4, XAUTH draft 06 section 6.2.
namespace config {
inline constexpr std::uint16_t kAddress4 = 1, kNetmask4 = 2, kDns4 = 3, kWins4 = 4, kVersion = 7;
inline constexpr std::uint16_t kXauthType = 16520, kXauthUser = 16521, kXauthPassword = 16522, kXauthPasscode = 16523,
                               kXauthMessage = 16524, kXauthChallenge = 16525, kXauthDomain = 16526,
                               kXauthStatus = 16527;
/// Cisco's Unity.
inline constexpr std::uint16_t kUnityBanner = 28672, kUnitySavePassword = 28673, kUnityDomain = 28674,
                               kUnitySplitDns = 28675, kUnityInclude = 28676, kUnityLocalLan = 28678, kUnityPfs = 28679;
inline constexpr std::uint16_t kXauthGeneric = 0, kXauthFailed = 0, kXauthPassed = 1;
}  // namespace config

/// Attributes of phase 2: RFC 2407 section 4.5.
namespace ipsec {
inline constexpr std::uint16_t kLifeType = 1, kLifeDuration = 2, kGroup = 3, kEncapsulation = 4, kAuthentication = 5,
                               kKeyLength = 6, kKeyRounds = 7, kExtendedSequence = 11;
inline constexpr std::uint16_t kTunnel = 1, kTransport = 2, kUdpTunnel = 3, kUdpTransport = 4;
/// Of the NAT-T drafts 00 to 03.
inline constexpr std::uint16_t kDraftUdpTunnel = 61443, kDraftUdpTransport = 61444;
}  // namespace ipsec

enum class Notify : std::uint16_t {
  InvalidPayloadType = 1,
  DoiNotSupported = 2,
  SituationNotSupported = 3,
  InvalidCookie = 4,
  InvalidMajorVersion = 5,
  InvalidMinorVersion = 6,
  InvalidExchangeType = 7,
  InvalidFlags = 8,
  InvalidMessageId = 9,
  InvalidProtocolId = 10,
  InvalidSpi = 11,
  InvalidTransformId = 12,
  AttributesNotSupported = 13,
  NoProposalChosen = 14,
  BadProposalSyntax = 15,
  PayloadMalformed = 16,
  InvalidKeyInformation = 17,
  InvalidIdInformation = 18,
  InvalidCertEncoding = 19,
  InvalidCertificate = 20,
  CertTypeUnsupported = 21,
  InvalidCertAuthority = 22,
  InvalidHashInformation = 23,
  AuthenticationFailed = 24,
  InvalidSignature = 25,
  AddressNotification = 26,
  NotifySaLifetime = 27,
  CertificateUnavailable = 28,
  UnsupportedExchangeType = 29,
  UnequalPayloadLengths = 30,
  Connected = 16384,
  ResponderLifetime = 24576,
  ReplayStatus = 24577,
  InitialContact = 24578,
  RUThere = 36136,
  RUThereAck = 36137,
};
/// RFC 2408 section 3.14.1: below this a notification is an error, from it on a status.
inline constexpr std::uint16_t kFirstStatus = 16384;

enum class IdType : std::uint8_t {
  None = 0,
  V4Address = 1,
  Fqdn = 2,
  UserFqdn = 3,
  V4Subnet = 4,
  V6Address = 5,
  V6Subnet = 6,
  V4Range = 7,
  V6Range = 8,
  DerDn = 9,
  DerGn = 10,
  KeyId = 11,
};

/// As the RFCs write them ("NO-PROPOSAL-CHOSEN", "main mode", "NONCE"); "" for a number that has no name.
std::string_view name_of(Notify type);
std::string_view name_of(Exchange exchange);
std::string_view name_of(Payload type);
std::string_view name_of(Protocol protocol);
std::string_view name_of(IdType type);

}  // namespace testudo::wire::ike::v1
