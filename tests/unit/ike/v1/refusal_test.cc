// Every refusal says why, at both ends: peers-and-users sheet, table of mismatches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/crypto/hex.h"
#include "unit/ike/pair.h"

namespace testudo::ike::v1 {
namespace {

using test::default_policy;
using test::Pair;
using test::seconds;
using test::transform;
using testing::HasSubstr;

struct Phase1Row {
  const char* attribute;
  Phase1Transform theirs;
  const char *in_ours, *in_theirs;
};

TEST(Refusal, Phase1NamesTheAttributeThatDiffers) {
  const Phase1Row rows[] = {
      {"encryption algorithm", transform("3des", 192, "sha256", "curve25519"), "aes 128", "3des 192"},
      {"hash algorithm", transform("aes", 128, "sha1", "curve25519"), "sha2_256", "sha1"},
      {"DH group", transform("aes", 128, "sha256", "modp1024"), "curve25519", "modp1024"},
  };
  for (const Phase1Row& row : rows) {
    Pair p;
    p.a.remote().proposals = {row.theirs};
    p.want(p.a);
    ASSERT_EQ(p.b.refusals.size(), 1U) << row.attribute;
    const Refusal& there = p.b.refusals[0];
    EXPECT_EQ(there.phase, 1);
    EXPECT_EQ(there.message, 1);
    EXPECT_EQ(there.role, Role::Responder);
    EXPECT_EQ(there.why.attribute, row.attribute);
    EXPECT_EQ(there.why.ours, row.in_ours);
    EXPECT_EQ(there.why.theirs, row.in_theirs);
    EXPECT_THAT(there.why.hint, HasSubstr("remote anonymous"));
    EXPECT_FALSE(there.hearsay);

    ASSERT_EQ(p.a.refusals.size(), 1U) << row.attribute;
    const Refusal& here = p.a.refusals[0];
    EXPECT_EQ(here.why.attribute, "proposal");
    EXPECT_THAT(here.why.ours, HasSubstr(row.in_theirs));
    EXPECT_EQ(here.why.theirs, "NO-PROPOSAL-CHOSEN");
    EXPECT_TRUE(here.hearsay) << "it came in clear";
    p.pass(seconds{120});
    EXPECT_FALSE(p.a.refusals.back().hearsay) << "in the end it is believed";
    EXPECT_EQ(p.a.abandoned.size(), 1U);
  }
}

TEST(Refusal, NearestOfSeveralProposalsIsNamed) {
  Pair p;
  p.a.remote().proposals = {transform("des", 64, "md5", "modp1024"), transform("aes", 128, "sha256", "modp2048")};
  p.want(p.a);
  ASSERT_EQ(p.b.refusals.size(), 1U);
  EXPECT_EQ(p.b.refusals[0].why.attribute, "DH group");
  EXPECT_EQ(p.b.refusals[0].why.nearest, "aes 128, sha2_256, pre_shared_key, modp2048, 28800 s");
}

TEST(Refusal, LifetimeAndKeyLengthFollowProposalCheck) {
  struct Row {
    Check check;
    unsigned bits;
    std::uint32_t lifetime;
    bool agreed;
  };
  // Ours: 128 bits, 28800 s.
  for (const auto& [check, bits, lifetime, agreed] :
       {Row{Check::Strict, 128, 28800, true}, Row{Check::Strict, 256, 3600, true},
        Row{Check::Strict, 128, 28801, false}, Row{Check::Exact, 256, 28800, false},
        Row{Check::Exact, 128, 3600, false}, Row{Check::Exact, 128, 28800, true}, Row{Check::Obey, 192, 86400, true},
        Row{Check::Claim, 128, 86400, false}}) {
    Pair p;
    p.a.remote().proposals = {transform("aes", bits, "sha256", "curve25519")};
    p.a.remote().proposals[0].lifetime = lifetime;
    p.b.remote().proposal_check = check;
    p.want(p.a);
    EXPECT_EQ(p.b.count(Fact::Phase1Established), agreed ? 1U : 0U)
        << static_cast<int>(check) << " " << bits << " " << lifetime;
  }
}

TEST(Refusal, WrongPreSharedKeyIsNamedOnBothSides) {
  Pair p;
  p.a.keys.of["192.0.2.2"] = "another";
  p.want(p.a);
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_EQ(p.b.refusals[0].why.attribute, "pre-shared key");
  EXPECT_EQ(p.b.refusals[0].message, 5);
  ASSERT_FALSE(p.a.refusals.empty());
  EXPECT_EQ(p.a.refusals[0].why.attribute, "pre-shared key");
  EXPECT_EQ(p.a.refusals[0].message, 6);
  EXPECT_EQ(p.a.count(Fact::Phase1Established) + p.b.count(Fact::Phase1Established), 0U);
  p.pass(seconds{120});
  EXPECT_EQ(p.a.abandoned.size(), 1U);
  EXPECT_EQ(p.b.refusals.size(), 1U) << "a repeated message is not refused again";
}

TEST(Refusal, MissingPreSharedKeyTellsWhereToAddIt) {
  Pair p;
  p.b.keys.of.clear();
  p.want(p.a);
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_EQ(p.b.refusals[0].why.attribute, "pre-shared key");
  EXPECT_THAT(p.b.refusals[0].why.hint, HasSubstr("pre_shared_key"));
}

TEST(Refusal, UnexpectedIdentifierIsShown) {
  Pair p;
  p.b.remote().verify_identifier = true;
  p.b.remote().peers_identifiers = {Identity::of(test::address("198.51.100.9"))};
  p.want(p.a);
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_EQ(p.b.refusals[0].why.attribute, "identifier");
  EXPECT_EQ(p.b.refusals[0].why.ours, "198.51.100.9");
  EXPECT_EQ(p.b.refusals[0].why.theirs, "192.0.2.1");
  EXPECT_EQ(p.a.count(Fact::Phase1Established), 0U);
}

TEST(Refusal, NameInMainModeWithPreSharedKeysIsRefused) {
  Pair p;
  const std::string name = "a.example.org";
  p.a.remote().my_identifier = Identity{v1wire::IdType::Fqdn, {name.begin(), name.end()}};
  p.want(p.a);
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_EQ(p.b.refusals[0].why.attribute, "identifier");
  EXPECT_EQ(p.b.refusals[0].why.theirs, name);
}

TEST(Refusal, NoRemoteBlockSaysSoAndLetsThePacketsGo) {
  Pair p;
  p.a.policy.remotes.clear();
  p.want(p.a);
  ASSERT_EQ(p.a.refusals.size(), 1U);
  EXPECT_EQ(p.a.refusals[0].why.ours, "no configuration found for 192.0.2.2");
  EXPECT_EQ(p.a.abandoned.size(), 1U);
  EXPECT_EQ(p.datagrams, 0U);
}

TEST(Refusal, Phase2AlgorithmsAreComparedAndToldUnderProtection) {
  Pair p;
  p.a.policy.sainfos[0].authentication = {crypto::mac_by_name("hmac-md5")};
  p.want(p.a);
  ASSERT_EQ(p.b.refusals.size(), 1U);
  EXPECT_EQ(p.b.refusals[0].phase, 2);
  EXPECT_EQ(p.b.refusals[0].why.attribute, "algorithms");
  EXPECT_THAT(p.b.refusals[0].why.ours, HasSubstr("hmac-sha1"));
  EXPECT_THAT(p.b.refusals[0].why.theirs, HasSubstr("hmac-md5"));
  ASSERT_EQ(p.a.refusals.size(), 1U);
  EXPECT_EQ(p.a.refusals[0].phase, 2);
  EXPECT_FALSE(p.a.refusals[0].hearsay) << "it came encrypted";
  EXPECT_EQ(p.a.abandoned.size(), 1U) << "at once, not after a minute";
  EXPECT_TRUE(p.a.in.empty());
}

TEST(Refusal, PfsNetworksAndModeAreNamed) {
  {
    Pair p;
    p.b.policy.sainfos[0].pfs_group = crypto::ike::group_by_name("modp1024");
    p.want(p.a);
    ASSERT_EQ(p.b.refusals.size(), 1U);
    EXPECT_EQ(p.b.refusals[0].why.attribute, "PFS group");
  }
  {
    Pair p;
    p.b.policies.only = net::Selector{*net::Prefix::parse("10.9.0.0/16"), *net::Prefix::parse("10.8.0.0/16")};
    p.want(p.a);
    ASSERT_EQ(p.b.refusals.size(), 1U);
    EXPECT_EQ(p.b.refusals[0].why.attribute, "networks");
    EXPECT_EQ(p.b.refusals[0].why.theirs, "192.0.2.2 to 192.0.2.1");
    ASSERT_EQ(p.a.refusals.size(), 1U);
    EXPECT_EQ(p.a.refusals[0].why.attribute, "networks");
  }
  {
    Pair p;
    p.b.policies.items[0].mode = Encapsulation::Tunnel;
    p.want(p.a);
    ASSERT_EQ(p.b.refusals.size(), 1U);
    EXPECT_EQ(p.b.refusals[0].why.attribute, "encapsulation mode");
    EXPECT_EQ(p.b.refusals[0].why.ours, "tunnel");
    EXPECT_EQ(p.b.refusals[0].why.theirs, "transport");
  }
}

TEST(Refusal, SentenceHoldsAllOfIt) {
  Pair p;
  p.a.remote().proposals = {transform("aes", 128, "sha256", "modp1024")};
  p.want(p.a);
  ASSERT_EQ(p.b.refusals.size(), 1U);
  EXPECT_EQ(sentence(p.b.refusals[0]),
            "phase 1 with 192.0.2.1[500], main mode message 1: DH group does not match; ours: curve25519; theirs: "
            "modp1024; nearest: aes 128, sha2_256, pre_shared_key, modp1024, 28800 s; change dh_group in a proposal of "
            "remote anonymous here, or the peer's proposal, so that both agree");
}

TEST(Refusal, NotificationInClearEndsNothing) {
  Pair p;
  unsigned forged = 0;
  p.link = [&](unsigned number, ByteVector& bytes) {
    if (number != 2) return 1U;
    // Somebody is faster than the responder: the same cookies, NO-PROPOSAL-CHOSEN.
    ByteVector lie(bytes.begin(), bytes.begin() + 28);
    lie[16] = 11;
    lie[18] = 5;
    lie[23] = 1;
    lie[27] = 28 + 12;
    const ByteVector notify = crypto::hex("00 00 000c 00000001 01 00 000e");
    lie.insert(lie.end(), notify.begin(), notify.end());
    ++forged;
    p.event(p.a, Received{{p.a.here, 500}, {p.b.here, 500}, lie});
    return 1U;
  };
  p.want(p.a);
  EXPECT_EQ(forged, 1U);
  EXPECT_EQ(p.a.refusals.size(), 1U);
  EXPECT_TRUE(p.keyed_alike());
}

TEST(Refusal, TheNameOfAnotherHostMustBeAllowed) {
  for (const bool allowed : {false, true}) {
    Pair p;
    const Identity other = Identity::of(test::address("198.51.100.9"));
    p.a.remote().my_identifier = other;
    if (allowed) p.b.remote().peers_identifiers = {other};
    p.want(p.a);
    EXPECT_EQ(p.b.count(Fact::Phase1Established), allowed ? 1U : 0U);
    if (allowed) continue;
    ASSERT_EQ(p.b.refusals.size(), 1U);
    EXPECT_EQ(p.b.refusals[0].why.attribute, "identifier");
    EXPECT_EQ(p.b.refusals[0].why.ours, "192.0.2.1");
    EXPECT_EQ(p.b.refusals[0].why.theirs, "198.51.100.9");
  }
}

TEST(Refusal, IdentifiersAreCutAndNeverReachATerminalAsTheyAre) {
  const ByteVector control{27, '[', '2', 'J'}, endless(60000, 'a');
  EXPECT_EQ((Identity{v1wire::IdType::Fqdn, control}.to_string()), "0x1b5b324a");
  const std::string cut = Identity{v1wire::IdType::Fqdn, endless}.to_string();
  EXPECT_EQ(cut.size(), 131U);
  EXPECT_TRUE(cut.ends_with("aaa..."));
  EXPECT_LT((Identity{v1wire::IdType::DerDn, endless}.to_string().size()), 300U);
}

}  // namespace
}  // namespace testudo::ike::v1
