// Our numbers against those of the system's own headers.
#include "wire/pfkey/constants.h"

#include <gtest/gtest.h>
#include <linux/pfkeyv2.h>
// linux/ipsec.h leans on these types and on pfkeyv2.h.
#include <linux/ipsec.h>

#include <type_traits>
#include <vector>

namespace testudo::wire::pfkey {
namespace {

struct Pair {
  std::uint32_t ours, system;
};

template <typename E>
Pair pair(E ours, std::uint32_t system) {
  return {static_cast<std::uint32_t>(ours), system};
}

void expect_equal(const std::vector<Pair>& pairs) {
  for (const Pair& p : pairs) EXPECT_EQ(p.ours, p.system);
}

TEST(PfkeyConstants, MessageTypesAreThoseOfTheSystem) {
  EXPECT_EQ(kVersion, PF_KEY_V2);
  EXPECT_EQ(kTypeMax, SADB_MAX);
  expect_equal({pair(Type::Reserved, SADB_RESERVED),
                pair(Type::GetSpi, SADB_GETSPI),
                pair(Type::Update, SADB_UPDATE),
                pair(Type::Add, SADB_ADD),
                pair(Type::Delete, SADB_DELETE),
                pair(Type::Get, SADB_GET),
                pair(Type::Acquire, SADB_ACQUIRE),
                pair(Type::Register, SADB_REGISTER),
                pair(Type::Expire, SADB_EXPIRE),
                pair(Type::Flush, SADB_FLUSH),
                pair(Type::Dump, SADB_DUMP),
                pair(Type::Promisc, SADB_X_PROMISC),
                pair(Type::PChange, SADB_X_PCHANGE),
                pair(Type::SpdUpdate, SADB_X_SPDUPDATE),
                pair(Type::SpdAdd, SADB_X_SPDADD),
                pair(Type::SpdDelete, SADB_X_SPDDELETE),
                pair(Type::SpdGet, SADB_X_SPDGET),
                pair(Type::SpdAcquire, SADB_X_SPDACQUIRE),
                pair(Type::SpdDump, SADB_X_SPDDUMP),
                pair(Type::SpdFlush, SADB_X_SPDFLUSH),
                pair(Type::SpdSetIdx, SADB_X_SPDSETIDX),
                pair(Type::SpdExpire, SADB_X_SPDEXPIRE),
                pair(Type::SpdDelete2, SADB_X_SPDDELETE2),
                pair(Type::NatTNewMapping, SADB_X_NAT_T_NEW_MAPPING),
                pair(Type::Migrate, SADB_X_MIGRATE)});
}

TEST(PfkeyConstants, ExtensionTypesAreThoseOfTheSystem) {
  expect_equal({pair(Ext::Reserved, SADB_EXT_RESERVED),
                pair(Ext::Sa, SADB_EXT_SA),
                pair(Ext::LifetimeCurrent, SADB_EXT_LIFETIME_CURRENT),
                pair(Ext::LifetimeHard, SADB_EXT_LIFETIME_HARD),
                pair(Ext::LifetimeSoft, SADB_EXT_LIFETIME_SOFT),
                pair(Ext::AddressSrc, SADB_EXT_ADDRESS_SRC),
                pair(Ext::AddressDst, SADB_EXT_ADDRESS_DST),
                pair(Ext::AddressProxy, SADB_EXT_ADDRESS_PROXY),
                pair(Ext::KeyAuth, SADB_EXT_KEY_AUTH),
                pair(Ext::KeyEncrypt, SADB_EXT_KEY_ENCRYPT),
                pair(Ext::IdentitySrc, SADB_EXT_IDENTITY_SRC),
                pair(Ext::IdentityDst, SADB_EXT_IDENTITY_DST),
                pair(Ext::Sensitivity, SADB_EXT_SENSITIVITY),
                pair(Ext::Proposal, SADB_EXT_PROPOSAL),
                pair(Ext::SupportedAuth, SADB_EXT_SUPPORTED_AUTH),
                pair(Ext::SupportedEncrypt, SADB_EXT_SUPPORTED_ENCRYPT),
                pair(Ext::SpiRange, SADB_EXT_SPIRANGE),
                pair(Ext::KmPrivate, SADB_X_EXT_KMPRIVATE),
                pair(Ext::Policy, SADB_X_EXT_POLICY),
                pair(Ext::Sa2, SADB_X_EXT_SA2),
                pair(Ext::NatTType, SADB_X_EXT_NAT_T_TYPE),
                pair(Ext::NatTSport, SADB_X_EXT_NAT_T_SPORT),
                pair(Ext::NatTDport, SADB_X_EXT_NAT_T_DPORT),
                pair(Ext::NatTOa, SADB_X_EXT_NAT_T_OA),
                pair(Ext::SecCtx, SADB_X_EXT_SEC_CTX),
                pair(Ext::KmAddress, SADB_X_EXT_KMADDRESS),
                pair(Ext::Filter, SADB_X_EXT_FILTER)});
}

TEST(PfkeyConstants, OurOwnExtensionsStandBeyondTheSystems) {
  for (const Ext ours : {Ext::Replay, Ext::NatTFrag, Ext::NatTOar})
    EXPECT_GT(static_cast<std::uint16_t>(ours), SADB_EXT_MAX);
}

TEST(PfkeyConstants, SaTypesAndStatesAreThoseOfTheSystem) {
  expect_equal({pair(SaType::Unspec, SADB_SATYPE_UNSPEC), pair(SaType::Ah, SADB_SATYPE_AH),
                pair(SaType::Esp, SADB_SATYPE_ESP), pair(SaType::Rsvp, SADB_SATYPE_RSVP),
                pair(SaType::Ospfv2, SADB_SATYPE_OSPFV2), pair(SaType::Ripv2, SADB_SATYPE_RIPV2),
                pair(SaType::Mip, SADB_SATYPE_MIP), pair(SaType::Ipcomp, SADB_X_SATYPE_IPCOMP),
                pair(SaState::Larval, SADB_SASTATE_LARVAL), pair(SaState::Mature, SADB_SASTATE_MATURE),
                pair(SaState::Dying, SADB_SASTATE_DYING), pair(SaState::Dead, SADB_SASTATE_DEAD)});
}

TEST(PfkeyConstants, PolicyWordsAreThoseOfTheSystem) {
  expect_equal({pair(Mode::Any, IPSEC_MODE_ANY),
                pair(Mode::Transport, IPSEC_MODE_TRANSPORT),
                pair(Mode::Tunnel, IPSEC_MODE_TUNNEL),
                pair(Direction::Any, IPSEC_DIR_ANY),
                pair(Direction::In, IPSEC_DIR_INBOUND),
                pair(Direction::Out, IPSEC_DIR_OUTBOUND),
                pair(Direction::Fwd, IPSEC_DIR_FWD),
                pair(PolicyType::Discard, IPSEC_POLICY_DISCARD),
                pair(PolicyType::None, IPSEC_POLICY_NONE),
                pair(PolicyType::Ipsec, IPSEC_POLICY_IPSEC),
                pair(PolicyType::Entrust, IPSEC_POLICY_ENTRUST),
                pair(PolicyType::Bypass, IPSEC_POLICY_BYPASS),
                pair(Level::Default, IPSEC_LEVEL_DEFAULT),
                pair(Level::Use, IPSEC_LEVEL_USE),
                pair(Level::Require, IPSEC_LEVEL_REQUIRE),
                pair(Level::Unique, IPSEC_LEVEL_UNIQUE),
                pair(kManualReqIdMax, IPSEC_MANUAL_REQID_MAX),
                pair(IdentityType::Prefix, SADB_IDENTTYPE_PREFIX),
                pair(IdentityType::Fqdn, SADB_IDENTTYPE_FQDN),
                pair(IdentityType::UserFqdn, SADB_IDENTTYPE_USERFQDN)});
}

}  // namespace
}  // namespace testudo::wire::pfkey
