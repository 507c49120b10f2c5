#pragma once
// Numbers of PF_KEY version 2: RFC 2367 with Linux's numbering (<linux/pfkeyv2.h>, <linux/ipsec.h>), KAME's values for
// what Linux lacks, and our own extensions from 64 up (docs/adr/0004).  Spelled out here so that the wire does not
// depend on the headers of the build machine; a test compares them with the system's.
#include <cstdint>

namespace testudo::wire::pfkey {

inline constexpr std::uint8_t kVersion = 2;

enum class Type : std::uint8_t {
  Reserved = 0,
  GetSpi = 1,
  Update = 2,
  Add = 3,
  Delete = 4,
  Get = 5,
  Acquire = 6,
  Register = 7,
  Expire = 8,
  Flush = 9,
  Dump = 10,
  Promisc = 11,
  PChange = 12,
  SpdUpdate = 13,
  SpdAdd = 14,
  SpdDelete = 15,
  SpdGet = 16,
  SpdAcquire = 17,
  SpdDump = 18,
  SpdFlush = 19,
  SpdSetIdx = 20,
  SpdExpire = 21,
  SpdDelete2 = 22,
  NatTNewMapping = 23,
  Migrate = 24,
};
inline constexpr std::uint8_t kTypeMax = 24;

enum class SaType : std::uint8_t {
  Unspec = 0,
  PromiscOn = 1,
  Ah = 2,
  Esp = 3,
  Rsvp = 5,
  Ospfv2 = 6,
  Ripv2 = 7,
  Mip = 8,
  Ipcomp = 9,
  TcpSignature = 11
};
inline constexpr std::uint8_t kSaTypeMax = 12;

enum class Ext : std::uint16_t {
  Reserved = 0,
  Sa = 1,
  LifetimeCurrent = 2,
  LifetimeHard = 3,
  LifetimeSoft = 4,
  AddressSrc = 5,
  AddressDst = 6,
  AddressProxy = 7,
  KeyAuth = 8,
  KeyEncrypt = 9,
  IdentitySrc = 10,
  IdentityDst = 11,
  Sensitivity = 12,
  Proposal = 13,
  SupportedAuth = 14,
  SupportedEncrypt = 15,
  SpiRange = 16,
  KmPrivate = 17,
  Policy = 18,
  Sa2 = 19,
  NatTType = 20,
  NatTSport = 21,
  NatTDport = 22,
  NatTOa = 23,
  SecCtx = 24,
  KmAddress = 25,
  Filter = 26,
  // Ours.
  Replay = 64,    ///< sadb_x_replay: len, exttype, window u32 in packets: windows beyond the 8 x 255 of sadb_sa_replay
  NatTFrag = 65,  ///< sadb_x_nat_t_frag of NetBSD, whose number 25 is KMADDRESS on Linux
  NatTOar = 66,   ///< the responder's original address, NetBSD's 24
};

enum class SaState : std::uint8_t { Larval = 0, Mature = 1, Dying = 2, Dead = 3 };

/// sadb_sa_flags, KAME's.  On BSD this word also holds SADB_SAFLAGS_PFS in bit 0.
namespace saflag {
inline constexpr std::uint32_t kOld = 0x0001, kIv4b = 0x0010, kDeriv = 0x0020, kCycSeq = 0x0040, kRawCpi = 0x0080,
                               kPadRandom = 0x0100, kPadZero = 0x0200, kPadMask = 0x0300, kEsn = 0x0400 /* ours */,
                               kMax = 0x0fff;
}  // namespace saflag

enum class Mode : std::uint8_t { Any = 0, Transport = 1, Tunnel = 2, TcpMd5 = 3 };
enum class Direction : std::uint8_t { Any = 0, In = 1, Out = 2, Fwd = 3 };
enum class PolicyType : std::uint16_t { Discard = 0, None = 1, Ipsec = 2, Entrust = 3, Bypass = 4 };
enum class Level : std::uint8_t { Default = 0, Use = 1, Require = 2, Unique = 3 };
inline constexpr std::uint8_t kPolicyFlagKernel = 0x80;  ///< NetBSD >= 2022: made by the system, immune to users
inline constexpr std::uint32_t kManualReqIdMax = 0x3fff;
inline constexpr std::uint8_t kEncapNonIke = 1, kEncapEspInUdp = 2;  ///< sadb_x_nat_t_type: UDP_ENCAP_*

enum class IdentityType : std::uint16_t { Reserved = 0, Prefix = 1, Fqdn = 2, UserFqdn = 3, Address = 4 };

}  // namespace testudo::wire::pfkey
