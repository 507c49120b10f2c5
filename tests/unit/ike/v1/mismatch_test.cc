// The table of mismatches: what differs, and that BOTH ends can read why.  One row each for cipher, hash, group, mode
// of phase 1, pre-shared key, identifier, networks, PFS, encapsulation mode, lifetime and the key table; those that
// need more than two configurations have tests of their own: certificates in signature_test.cc, an identifier behind a
// NAT in nat_test.cc, the version below.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/endian.h"
#include "unit/ike/pair.h"

namespace testudo::ike::v1 {
namespace {

using test::Pair;
using test::seconds;
using test::Side;
using test::transform;
using testing::HasSubstr;

struct MismatchRow {
  const char* what;
  void (*change)(Pair&);                 ///< a begins, b refuses
  const char *attribute, *here, *there;  ///< at b: what differs, b's wish, a's
  std::vector<const char*> at_a;         ///< words of the sentence that a's administrator reads
};

const std::vector<MismatchRow>& rows() {
  static const std::vector<MismatchRow> all{
      {"cipher",
       [](Pair& p) { p.a.remote().proposals = {transform("3des", 192, "sha256", "curve25519")}; },
       "encryption algorithm",
       "aes 128",
       "3des 192",
       {"proposal", "ours: 3des", "NO-PROPOSAL-CHOSEN"}},
      {"hash",
       [](Pair& p) { p.a.remote().proposals = {transform("aes", 128, "sha1", "curve25519")}; },
       "hash algorithm",
       "sha2_256",
       "sha1",
       {"proposal", "sha1", "NO-PROPOSAL-CHOSEN"}},
      {"group",
       [](Pair& p) { p.a.remote().proposals = {transform("aes", 128, "sha256", "ecp256")}; },
       "DH group",
       "curve25519",
       "ecp256",
       {"proposal", "ecp256", "NO-PROPOSAL-CHOSEN"}},
      {"lifetime of phase 1",
       [](Pair& p) { p.a.remote().proposals[0].lifetime = 40000; },
       "lifetime",
       "28800",
       "40000",
       {"proposal", "40000 s", "NO-PROPOSAL-CHOSEN"}},
      {"mode of phase 1",
       [](Pair& p) { p.b.remote().exchange_modes = {v1wire::Exchange::Aggressive}; },
       "exchange mode",
       "aggressive",
       "main",
       {"exchange mode", "INVALID-EXCHANGE-TYPE", "ours: main mode"}},
      {"pre-shared key",
       [](Pair& p) { p.a.keys.of["192.0.2.2"] = "another"; },
       "pre-shared key",
       "",
       "",
       {"pre-shared key", "192.0.2.2"}},
      {"identifier",
       [](Pair& p) {
         p.b.remote().verify_identifier = true;
         p.b.remote().peers_identifiers = {Identity::of(test::address("198.51.100.9"))};
       },
       "identifier",
       "198.51.100.9",
       "192.0.2.1",
       {"identifier", "ours: 192.0.2.1", "INVALID-ID-INFORMATION"}},
      {"networks",
       [](Pair& p) {
         p.b.policies.only = net::Selector{*net::Prefix::parse("10.9.0.0/16"), *net::Prefix::parse("10.8.0.0/16")};
       },
       "networks",
       "10.9.0.0/16 to 10.8.0.0/16",
       "192.0.2.2 to 192.0.2.1",
       {"networks", "192.0.2.1 to 192.0.2.2"}},
      {"sainfo",
       [](Pair& p) { p.b.policy.sainfos.clear(); },
       "sainfo",
       "none",
       "192.0.2.2 to 192.0.2.1",
       {"the peer says \"sainfo does not match"}},
      {"algorithms of ESP",
       [](Pair& p) {
         p.a.policy.sainfos[0].encryption = {{crypto::cipher_by_name("aes-gcm"), 128}};
       },
       "algorithms",
       "aes-cbc",
       "aes-gcm",
       {"the peer says \"algorithms", "here: aes-cbc", "asked: aes-gcm"}},
      {"PFS",
       [](Pair& p) { p.b.policy.sainfos[0].pfs_group = crypto::ike::group_by_name("modp1024"); },
       "PFS group",
       "modp1024",
       "none",
       {"the peer says \"PFS group does not match; here: modp1024; asked: none"}},
      {"encapsulation mode",
       [](Pair& p) { p.b.policies.items[0].mode = Encapsulation::Tunnel; },
       "encapsulation mode",
       "tunnel",
       "transport",
       {"the peer says \"encapsulation mode does not match; here: tunnel"}},
      {"lifetime of phase 2",
       [](Pair& p) {
         p.a.policy.sainfos[0].lifetime = 40000;
         p.b.remote().proposal_check = Check::Exact;
       },
       "lifetime",
       "28800",
       "40000",
       {"the peer says \"lifetime does not match", "asked: 40000"}},
      {"no SPI", [](Pair& p) { p.b.gives_spis = false; }, "SPI", "", "", {"the peer says \"SPI"}},
  };
  return all;
}

std::string all_of(const Side& side) {
  std::string text;
  for (const Refusal& refusal : side.refusals) text += sentence(refusal) + "\n";
  return text;
}

TEST(Mismatch, BothEndsReadTheReason) {
  for (const MismatchRow& row : rows()) {
    SCOPED_TRACE(row.what);
    Pair p;
    row.change(p);
    p.want(p.a);
    ASSERT_FALSE(p.b.refusals.empty());
    const Refusal& there = p.b.refusals[0];
    EXPECT_EQ(there.role, Role::Responder);
    EXPECT_EQ(there.why.attribute, row.attribute);
    EXPECT_THAT(there.why.ours, HasSubstr(row.here));
    EXPECT_THAT(there.why.theirs, HasSubstr(row.there));
    EXPECT_NE(there.why.hint, "") << "what to change";
    ASSERT_FALSE(p.a.refusals.empty());
    EXPECT_EQ(p.a.refusals[0].role, Role::Initiator);
    for (const char* words : row.at_a) EXPECT_THAT(all_of(p.a), HasSubstr(words));
    p.pass(seconds{120});
    EXPECT_TRUE(p.a.in.empty() && p.b.in.empty()) << "nothing came about";
    EXPECT_EQ(p.a.abandoned.size(), 1U) << "what waited for it is let go";
  }
}

TEST(Mismatch, KeyTableThatRefusesAnSaIsToldToThePeer) {
  for (const bool at_initiator : {false, true}) {
    SCOPED_TRACE(at_initiator);
    Pair p;
    p.want(p.a);
    ASSERT_TRUE(p.keyed_alike());
    Side &refuser = at_initiator ? p.a : p.b, &other = at_initiator ? p.b : p.a;
    p.event(refuser, InstallRefused{refuser.in.begin()->second.child, "No such file or directory"});
    p.settle();
    ASSERT_EQ(refuser.refusals.size(), 1U);
    EXPECT_EQ(refuser.refusals[0].why.attribute, "the key table");
    EXPECT_TRUE(refuser.refusals[0].networks);
    ASSERT_EQ(other.refusals.size(), 1U);
    EXPECT_THAT(sentence(other.refusals[0]), HasSubstr("the peer says \"the key table refuses the SA\""));
    EXPECT_TRUE(p.a.in.empty() && p.a.out.empty() && p.b.in.empty() && p.b.out.empty());
  }
}

TEST(Mismatch, AnswerThatTheInitiatorRefusesIsToldToTheResponder) {
  Pair p;
  p.a.policy.sainfos[0].lifetime = 600;
  p.want(p.a);
  ASSERT_TRUE(p.keyed_alike());
  // The initiator's configuration is another one when the answer comes: it alone sees what differs.
  Pair q;
  q.b.policies.items[0].mode = Encapsulation::Transport;
  bool changed = false;
  q.link = [&](unsigned number, ByteVector&) {
    // Message 2 of quick mode.
    if (number == 8 && !changed) {
      changed = true;
      const auto& sa = q.a.machine().v1().sas().begin()->second;
      sa->quicks[0].request.items[0].mode = Encapsulation::Tunnel;
    }
    return 1U;
  };
  q.want(q.a);
  ASSERT_TRUE(changed);
  ASSERT_FALSE(q.a.refusals.empty());
  ASSERT_FALSE(q.b.refusals.empty());
  EXPECT_THAT(sentence(q.b.refusals[0]), HasSubstr("the peer says \"" + q.a.refusals[0].why.attribute));
  EXPECT_TRUE(q.b.in.empty()) << "what it had installed is gone at once";
}

TEST(Mismatch, SilenceIsAReasonToo) {
  Pair p;
  p.want(p.a);
  p.a.refusals.clear();
  p.link = [](unsigned, ByteVector&) { return 0U; };
  p.event(p.a, Disconnect{{}, {}, false, true, {}});
  p.want(p.a);
  p.pass(seconds{120});
  ASSERT_EQ(p.a.refusals.size(), 1U);
  EXPECT_EQ(p.a.refusals[0].phase, 2);
  EXPECT_EQ(p.a.refusals[0].why.attribute, "answer");
  EXPECT_EQ(p.a.refusals[0].networks, p.request().outbound);
}

TEST(Mismatch, ResponderSaysThatThePeerDidNotGoOn) {
  Pair p;
  p.link = [](unsigned number, ByteVector&) { return number == 1 ? 1U : 0U; };
  p.want(p.a);
  p.pass(seconds{120});
  ASSERT_EQ(p.b.refusals.size(), 1U);
  EXPECT_EQ(p.b.refusals[0].why.attribute, "answer");
  EXPECT_TRUE(p.b.refusals[0].by_stranger());
}

ByteVector version_2(std::size_t size, std::uint8_t exchange = 34) {
  ByteVector init(size);
  init[0] = 1;
  init[17] = 0x20;
  init[18] = exchange;
  init[26] = static_cast<std::uint8_t>(size >> 8);
  init[27] = static_cast<std::uint8_t>(size);
  return init;
}

TEST(Mismatch, VersionIsNamedAtBothEnds) {
  Pair p;
  ByteVector said;
  p.link = [&](unsigned, ByteVector& bytes) {
    said = bytes;
    return 0U;
  };
  p.event(p.b, Received{{p.b.here, 500}, {p.a.here, 500}, version_2(200)});
  ASSERT_EQ(p.b.refusals.size(), 1U);
  EXPECT_EQ(p.b.refusals[0].why.attribute, "IKE version");
  EXPECT_TRUE(p.b.refusals[0].by_stranger());
  EXPECT_EQ(p.b.sent, 1U) << "RFC 7296 section 2.5: the version that is spoken here";
  // The same answer to one who began with version 1.
  Pair q;
  q.link = [](unsigned, ByteVector&) { return 0U; };
  q.event(q.a, Connect{q.a.here, q.a.there});
  const std::uint64_t cookie = q.a.machine().v1().sas().begin()->first;
  put_be64(said.data(), cookie);
  q.event(q.a, Received{{q.a.here, 500}, {q.b.here, 500}, said});
  ASSERT_EQ(q.a.refusals.size(), 1U);
  EXPECT_EQ(q.a.refusals[0].why.attribute, "IKE version");
  EXPECT_TRUE(q.a.refusals[0].hearsay);
}

TEST(Mismatch, NoAnswerIsLongerThanItsQuestion) {
  Pair p;
  p.event(p.b, Received{{p.b.here, 500}, {p.a.here, 500}, version_2(28)});
  p.event(p.b, Received{{p.b.here, 500}, {p.a.here, 500}, version_2(200, 36)});
  EXPECT_EQ(p.b.sent, 0U) << "nor does what is no first message get one";
  EXPECT_EQ(p.b.refusals.size(), 2U);
}

TEST(Mismatch, WordsOfThePeerAreShownOnlyWhenTheyArePlain) {
  const auto read = [](std::string_view text) { return reason_of_peer(as_bytes(text)); };
  EXPECT_EQ(read("PFS group does not match"), "PFS group does not match");
  EXPECT_EQ(read("a\x1b[2Jb"), "");
  EXPECT_EQ(read("a \"quote\""), "");
  EXPECT_EQ(read(std::string(5000, 'a')), "");
  const std::string made =
      reason_for_peer({"identifier", "\x1b\xff", std::string(5000, 'b'), "", "", v1wire::Notify{}});
  EXPECT_EQ(made.size(), 240U);
  EXPECT_EQ(read(made), made);
  EXPECT_EQ(reason_for_peer({"networks", "our secret networks", "10.0.0.0/8", "", "", v1wire::Notify{}}),
            "networks does not match; asked: 10.0.0.0/8");
}

}  // namespace
}  // namespace testudo::ike::v1
