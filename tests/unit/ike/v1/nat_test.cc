// NAT traversal between two machines: RFC 3947, with a NAT in between that changes address and ports.
#include "ike/v1/nat.h"

#include <gtest/gtest.h>

#include "unit/ike/pair.h"

namespace testudo::ike::v1 {
namespace {

using test::address;
using test::default_policy;
using test::Pair;
using test::seconds;
using test::Side;

constexpr const char* kOutside = "198.51.100.9";

Policy natt_policy(NatTraversal how = NatTraversal::On) {
  Policy policy = default_policy();
  policy.remotes[0].nat_traversal = how;
  return policy;
}

/// `a` (192.0.2.1, or what the test says) behind a NAT; the policies of `b` know the outside.
struct Natted : Pair {
  explicit Natted(const Policy& policy = natt_policy()) : Pair(policy) {
    a.here = address("10.1.1.1");
    nat = address(kOutside);
    b.there = *nat;
    b.keys.of = {{kOutside, "the same for both"}};
    a.policies.items = b.policies.items = {{ChildProtocol::Esp, Encapsulation::Tunnel, ReqId{}}};
    // Networks behind the two: no ids are addresses that the NAT changes.
    b.policies.only = {*net::Prefix::parse("10.9.0.0/16"), *net::Prefix::parse("10.8.0.0/16")};
  }
  void start() {
    event(a, Wanted{{7,
                     a.here,
                     a.there,
                     {*net::Prefix::parse("10.8.0.0/16"), *net::Prefix::parse("10.9.0.0/16")},
                     a.policies.items}});
    settle();
  }
};

TEST(NatTraversal, MessagesAndEspGoByPort4500BehindANat) {
  Natted p;
  p.start();
  EXPECT_EQ(p.a.count(Fact::Phase1Established), 1U);
  EXPECT_TRUE(p.keyed_alike());
  ASSERT_EQ(p.a.out.size(), 1U);
  const ChildSa& out = p.a.out.begin()->second;
  ASSERT_TRUE(out.udp);
  EXPECT_EQ(out.udp->source, 4500);
  EXPECT_EQ(out.udp->destination, 4500);
  ASSERT_EQ(p.b.out.size(), 1U);
  const ChildSa& back = p.b.out.begin()->second;
  ASSERT_TRUE(back.udp);
  EXPECT_EQ(back.destination, address(kOutside));
  EXPECT_EQ(back.udp->source, 4500);
  EXPECT_EQ(back.udp->destination, Pair::mapped(4500)) << "where the NAT sends the client's port 4500 from";
  const IkeSa& sa = *p.b.machine().v1().sas().begin()->second;
  EXPECT_TRUE(sa.nat.there);
  EXPECT_FALSE(sa.nat.here);
}

TEST(NatTraversal, NothingFloatsWithoutANat) {
  Pair p{natt_policy()};
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
  EXPECT_FALSE(p.a.out.begin()->second.udp);
  EXPECT_TRUE(p.a.keepalives.empty());
}

TEST(NatTraversal, OffOnEitherSideIsOffOnBoth) {
  for (const bool at_a : {true, false}) {
    Pair p{natt_policy(NatTraversal::Force)};
    (at_a ? p.a : p.b).policy.remotes[0].nat_traversal = NatTraversal::Off;
    p.want(p.a);
    EXPECT_TRUE(p.keyed_alike());
    EXPECT_FALSE(p.a.out.begin()->second.udp);
    EXPECT_FALSE(p.b.out.begin()->second.udp);
  }
}

TEST(NatTraversal, ForceFindsANatOnBothSidesWhereThereIsNone) {
  for (const bool at_a : {true, false}) {
    Pair p{natt_policy()};
    (at_a ? p.a : p.b).policy.remotes[0].nat_traversal = NatTraversal::Force;
    p.want(p.a);
    EXPECT_TRUE(p.keyed_alike());
    ASSERT_TRUE(p.a.out.begin()->second.udp);
    ASSERT_TRUE(p.b.out.begin()->second.udp);
    EXPECT_TRUE(p.a.machine().v1().sas().begin()->second->nat.found());
    EXPECT_TRUE(p.b.machine().v1().sas().begin()->second->nat.found());
  }
}

TEST(NatTraversal, TransportModeTellsTheOriginalAddresses) {
  Pair p{natt_policy(NatTraversal::Force)};
  p.want(p.a);
  const ChildSa& sa = p.b.in.begin()->second;
  ASSERT_TRUE(sa.udp);
  EXPECT_EQ(sa.udp->original_initiator, p.a.here);
  EXPECT_EQ(sa.udp->original_responder, p.b.here);
}

TEST(NatTraversal, PacketsAreCutAtTheSizeOfTheBlock) {
  for (const std::uint16_t size : {std::uint16_t{552}, std::uint16_t{65535}}) {
    Policy policy = natt_policy(NatTraversal::Force);
    policy.remotes[0].esp_frag = size;
    Pair p{policy};
    p.want(p.a);
    ASSERT_TRUE(p.a.out.begin()->second.udp);
    EXPECT_EQ(p.a.out.begin()->second.udp->fragment_size, size);
    EXPECT_EQ(p.b.out.begin()->second.udp->fragment_size, size);
  }
}

/// Takes vendor ids of NAT-T out of message 1 by spoiling them: what remains are the drafts.
TEST(NatTraversal, DraftsAreSpokenWithPeersThatKnowNoRfc) {
  for (const std::size_t spoilt : {1U, 2U, 3U}) {
    Natted p;
    p.link = [&](unsigned number, ByteVector& bytes) {
      if (number != 1) return 1U;
      // Behind the SA payload stand the ids, 20 bytes each, best first.
      const std::size_t sa_length = (static_cast<std::size_t>(bytes[30]) << 8) + bytes[31];
      for (std::size_t i = 0; i < spoilt; ++i) bytes[28 + sa_length + 20 * i + 8] ^= 0xff;
      return 1U;
    };
    p.start();
    EXPECT_TRUE(p.keyed_alike()) << spoilt;
    const IkeSa& sa = *p.b.machine().v1().sas().begin()->second;
    ASSERT_NE(sa.nat.version, nullptr);
    EXPECT_EQ(sa.nat.version->nat_d, v1wire::Payload::NatDDraft) << spoilt;
    EXPECT_TRUE(p.a.out.begin()->second.udp);
  }
}

TEST(NatTraversal, KeepalivesComeFromTheSideBehindTheNatAlone) {
  Natted p;
  p.start();
  p.pass(seconds{65});
  EXPECT_GE(p.a.keepalives.size(), 3U);
  EXPECT_LE(p.a.keepalives.size(), 5U);
  EXPECT_TRUE(p.b.keepalives.empty());
  EXPECT_EQ(p.a.keepalives[0].remote, (net::Endpoint{p.b.here, 4500}));
}

TEST(NatTraversal, KeepalivesCanBeTurnedOff) {
  Policy policy = natt_policy();
  policy.limits.natt_keepalive = {};
  Natted p{policy};
  p.start();
  p.pass(seconds{65});
  EXPECT_TRUE(p.a.keepalives.empty());
}

TEST(NatTraversal, NameOfThePrivateNetworkIsTakenAndAPublicOneIsNot) {
  Natted p;
  p.start();
  EXPECT_TRUE(p.b.refusals.empty()) << "10.1.1.1 means nothing outside of its NAT";
  Natted q;
  q.a.policy.remotes[0].my_identifier = Identity::of(address("203.0.113.77"));
  q.start();
  ASSERT_FALSE(q.b.refusals.empty());
  EXPECT_EQ(q.b.refusals[0].why.attribute, "identifier");
  EXPECT_NE(q.b.refusals[0].why.hint.find("peers_identifier address 203.0.113.77"), std::string::npos);
}

TEST(NatTraversal, NameThatTheFileAsksForIsStillAskedForBehindANat) {
  Natted p;
  p.b.policy.remotes[0].peers_identifiers = {Identity::of(address("10.1.1.2"))};
  p.start();
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_EQ(p.b.refusals[0].why.attribute, "identifier");
}

TEST(NatTraversal, AhIsRefusedByBothAndTheySayWhy) {
  for (const bool begins_behind : {true, false}) {
    Natted p;
    if (!begins_behind) p.start();
    p.a.policies.items = p.b.policies.items = {{ChildProtocol::Ah, Encapsulation::Tunnel, ReqId{}}};
    if (begins_behind) {
      p.start();
    } else {
      const net::Selector back{*net::Prefix::parse("10.9.0.0/16"), *net::Prefix::parse("10.8.0.0/16")};
      p.event(p.b, Wanted{{8, p.b.here, p.b.there, back, p.b.policies.items}});
      p.settle();
    }
    const Side& refuser = begins_behind ? p.a : p.b;
    ASSERT_EQ(refuser.refusals.size(), 1U);
    EXPECT_EQ(refuser.refusals[0].why.ours, "AH");
    EXPECT_NE(sentence(refuser.refusals[0]).find("cannot pass"), std::string::npos);
  }
}

TEST(NatTraversal, PeerIsFollowedToAnotherPortOfItsNatByProvenMessagesOnly) {
  Natted p;
  p.start();
  IkeSa& sa = *p.b.machine().v1().sas().begin()->second;
  const net::Endpoint before = sa.remote;
  p.event(p.b, Received{{p.b.here, 4500}, {*p.nat, 5}, ByteVector(60, 1), true});
  EXPECT_EQ(sa.remote, before);
  // The NAT gives the client's next messages another port: a quick mode of the client tells.
  p.shift = 7;
  p.start();
  EXPECT_EQ(sa.remote.port, before.port + 7);
  EXPECT_TRUE(p.keyed_alike());
}

TEST(NatTraversal, EveryDatagramMayBeLostBehindANat) {
  for (unsigned lost = 1; lost <= 9; ++lost) {
    Natted p;
    p.link = [lost](unsigned number, ByteVector&) { return number == lost ? 0U : 1U; };
    p.start();
    p.pass(seconds{10});
    EXPECT_TRUE(p.keyed_alike()) << "lost " << lost;
    EXPECT_EQ(p.a.in.size(), 1U) << "lost " << lost;
  }
}

/// One side of a phase 1 that knows what it needs to look for NATs.
struct End {
  End(const net::Endpoint& local, const net::Endpoint& remote, NatTraversal how = NatTraversal::On) {
    block.nat_traversal = how;
    sa.block = &block;
    sa.local = local;
    sa.remote = remote;
    sa.cookies = {0x1111111111111111, 0x2222222222222222};
    sa.agreed.hash = crypto::ike::hash_by_name("sha1");
    v1wire::ChainWriter vendors;
    IkeSa other;
    other_block.nat_traversal = NatTraversal::On;
    other.block = &other_block;
    add_nat_vendors(vendors, other);
    const ByteVector bytes = vendors.bytes();
    choose_nat_version(sa, *v1wire::walk(vendors.first(), bytes));
  }
  std::vector<ByteVector> told() const {
    v1wire::ChainWriter out;
    add_nat_detection(out, sa);
    const ByteVector bytes = out.bytes();
    const auto chain = v1wire::walk(out.first(), bytes);
    std::vector<ByteVector> bodies;
    for (const auto& p : chain->payloads) bodies.emplace_back(p.body.begin(), p.body.end());
    return bodies;
  }
  /// What it finds when the peer says this.
  std::pair<bool, bool> here_and_there(const std::vector<ByteVector>& bodies) {
    v1wire::ChainWriter out;
    for (const ByteVector& body : bodies) out.add(v1wire::Payload::NatD, body);
    const ByteVector bytes = out.bytes();
    detect_nat(sa, *v1wire::walk(out.first(), bytes), sa.local, sa.remote);
    return {sa.nat.here, sa.nat.there};
  }
  Remote block, other_block;
  IkeSa sa;
};

net::Endpoint at(const net::Address& host, std::uint16_t port) {
  return {host, port};
}

TEST(NatDetection, ReadsTheFirstAsItselfAndTheOthersAsThePeer) {
  const net::Endpoint near = at(address("192.0.2.1"), 500), far = at(address("192.0.2.2"), 501);
  End us{near, far};
  const std::vector<ByteVector> theirs = End{far, near}.told();
  ASSERT_EQ(theirs.size(), 2U);
  const ByteVector &of_us = theirs[0], &of_peer = theirs[1], of_nobody(20, 7);
  EXPECT_EQ(us.here_and_there({of_us, of_peer}), (std::pair{false, false}));
  EXPECT_EQ(us.here_and_there({of_nobody, of_peer}), (std::pair{true, false}));
  EXPECT_EQ(us.here_and_there({of_us, of_nobody}), (std::pair{false, true}));
  EXPECT_EQ(us.here_and_there({of_us, of_nobody, of_peer}), (std::pair{false, false})) << "one of its addresses";
  EXPECT_EQ(us.here_and_there({of_peer, of_nobody}), (std::pair{true, true})) << "the first is not one of the peer's";
  EXPECT_EQ(us.here_and_there({of_us}), (std::pair{false, false})) << "half of it says nothing";
  EXPECT_EQ(us.here_and_there({}), (std::pair{false, false}));
}

TEST(NatDetection, PortsCountToo) {
  const net::Endpoint near = at(address("192.0.2.1"), 500), far = at(address("192.0.2.2"), 500);
  EXPECT_EQ((End{near, at(far.address, 40500)}.here_and_there(End{far, near}.told())), (std::pair{false, true}));
  EXPECT_EQ((End{at(near.address, 501), far}.here_and_there(End{far, near}.told())), (std::pair{true, false}));
}

TEST(NatDetection, WhoWantsNoneChoosesNoVersion) {
  const net::Endpoint near = at(address("192.0.2.1"), 500), far = at(address("192.0.2.2"), 500);
  EXPECT_NE((End{near, far}.sa.nat.version), nullptr);
  EXPECT_EQ((End{near, far, NatTraversal::Off}.sa.nat.version), nullptr);
}

TEST(NatDetection, OnlyWhoIsBehindANatMayHaveANameOfItsInside) {
  End us{at(address("192.0.2.1"), 500), at(address("192.0.2.2"), 500)};
  const Identity inside = Identity::of(address("10.1.1.1")), outside = Identity::of(address("203.0.113.77"));
  EXPECT_FALSE(is_inside_name(us.sa, inside));
  us.sa.nat.there = true;
  EXPECT_TRUE(is_inside_name(us.sa, inside));
  EXPECT_TRUE(is_inside_name(us.sa, Identity::of(address("fd00::1"))));
  EXPECT_FALSE(is_inside_name(us.sa, outside));
  EXPECT_FALSE(is_inside_name(us.sa, {v1wire::IdType::V4Address, {10, 1, 1}}));
  EXPECT_FALSE(is_inside_name(us.sa, {v1wire::IdType::Fqdn, inside.data}));
}

TEST(NatDetection, NobodyIsFollowedToAnotherAddress) {
  const net::Endpoint near = at(address("192.0.2.1"), 4500), far = at(address("192.0.2.2"), 4500);
  End us{near, far};
  us.sa.nat.there = true;
  follow(us.sa, Received{near, at(address("203.0.113.5"), 4500), {}, true});
  EXPECT_EQ(us.sa.remote, far);
  follow(us.sa, Received{near, at(far.address, 4501), {}, true});
  EXPECT_EQ(us.sa.remote.port, 4501);
}

/// b's view of what a has, once it is established, and what testudod says when the NAT has another port for it.
struct Mapped : Natted {
  Mapped() { start(); }
  net::Endpoint home() const { return {*nat, mapped(4500)}; }
  net::Endpoint moved(std::uint16_t by = 100) const { return {*nat, static_cast<std::uint16_t>(mapped(4500) + by)}; }
  Spi in() const { return Spi{b.in.begin()->first.second}; }
  const IkeSa& sa() { return *b.machine().v1().sas().begin()->second; }
};

TEST(NewMapping, SasOfBothDirectionsAndIkeFollowAGenuinePacket) {
  Mapped p;
  p.event(p.b, NewMapping{p.in(), p.home(), p.moved()});
  ASSERT_EQ(p.b.moves.size(), 2U);
  const net::Endpoint here{p.b.here, 4500};
  const Move &in = p.b.moves[0], &out = p.b.moves[1];
  EXPECT_EQ(in.spi, p.in());
  EXPECT_EQ(in.was.source, p.home());
  EXPECT_EQ(in.now.source, p.moved());
  EXPECT_EQ(in.now.destination, here);
  EXPECT_EQ(out.spi.value, p.b.out.begin()->first.second);
  EXPECT_EQ(out.was.destination, p.home());
  EXPECT_EQ(out.now.destination, p.moved());
  EXPECT_EQ(out.now.source, here);
  EXPECT_EQ(p.sa().remote, p.moved());
  EXPECT_EQ(p.b.count(Fact::PeerMoved), 1U);
  EXPECT_EQ(p.b.machine().v1().children().front().remote, p.moved());
}

TEST(NewMapping, WhatIsNotOfThisPeerMovesNothing) {
  Mapped p;
  const net::Endpoint stranger{address("203.0.113.9"), 4500};
  for (const NewMapping& event :
       {NewMapping{Spi{0x77}, p.home(), p.moved()}, NewMapping{p.in(), p.moved(1), p.moved(2)},
        NewMapping{p.in(), stranger, stranger}, NewMapping{p.in(), stranger, p.moved()},
        NewMapping{Spi{p.b.out.begin()->first.second}, p.home(), p.moved()}}) {
    p.event(p.b, event);
    EXPECT_TRUE(p.b.moves.empty());
    EXPECT_EQ(p.sa().remote, p.home());
  }
}

TEST(NewMapping, AnotherAddressIsSaidAndNotFollowed) {
  Mapped p;
  p.event(p.b, NewMapping{p.in(), p.home(), {address("203.0.113.9"), 4500}});
  EXPECT_TRUE(p.b.moves.empty());
  EXPECT_EQ(p.sa().remote, p.home());
  EXPECT_EQ(p.b.count(Fact::PeerElsewhere), 1U);
}

TEST(NewMapping, AnSaThatLagsBehindGoesAlone) {
  Mapped p;
  p.event(p.b, NewMapping{p.in(), p.home(), p.moved()});
  p.b.moves.clear();
  p.event(p.b, NewMapping{p.in(), p.home(), p.moved()});
  ASSERT_EQ(p.b.moves.size(), 1U);
  EXPECT_EQ(p.b.moves[0].now.source, p.moved());
  EXPECT_EQ(p.b.count(Fact::PeerMoved), 1U);
}

TEST(NewMapping, ProvenMessageOfIkeMovesTheSasToo) {
  Mapped p;
  p.shift = 100;
  p.event(p.a, Expired{ChildProtocol::Esp, Spi{p.a.out.begin()->first.second}, p.a.there, false});
  p.settle();
  EXPECT_EQ(p.sa().remote, p.moved());
  ASSERT_GE(p.b.moves.size(), 2U);
  EXPECT_EQ(p.b.moves[0].now.source, p.moved());
  EXPECT_EQ(p.b.count(Fact::PeerMoved), 1U);
}

/// Each move is work of the key table, and a peer that has proved itself may still be a bad one.
TEST(NewMapping, OneSaOfIkeMovesItsSasOnceASecondAtMost) {
  Mapped p;
  p.shift = 100;
  p.start();
  const auto moved = p.b.moves.size();
  ASSERT_GE(moved, 2U);
  for (const std::uint16_t by : {std::uint16_t{200}, std::uint16_t{300}, std::uint16_t{400}}) {
    p.shift = by;
    p.start();
  }
  EXPECT_EQ(p.b.moves.size(), moved);
  EXPECT_EQ(p.b.count(Fact::PeerMoved), 1U);
  EXPECT_EQ(p.sa().remote, p.moved(400)) << "what answers the last message goes where that came from";
  p.now += seconds{2};
  p.shift = 500;
  p.start();
  EXPECT_EQ(p.b.count(Fact::PeerMoved), 2U);
}

TEST(NewMapping, WhatIsForgedOrToldAgainMovesNothing) {
  Mapped p;
  ByteVector last;
  p.link = [&](unsigned, ByteVector& bytes) {
    last = bytes;
    return 1U;
  };
  p.event(p.a, Expired{ChildProtocol::Esp, Spi{p.a.out.begin()->first.second}, p.a.there, false});
  p.settle();
  const auto before = p.b.moves.size();
  for (ByteVector bytes : {last, ByteVector(last.begin(), last.end() - 16)}) {
    p.event(p.b, Received{{p.b.here, 4500}, p.moved(), bytes, true});
    bytes.back() ^= 1;
    p.event(p.b, Received{{p.b.here, 4500}, p.moved(), bytes, true});
  }
  EXPECT_EQ(p.b.moves.size(), before);
  EXPECT_EQ(p.sa().remote, p.home());
}

}  // namespace
}  // namespace testudo::ike::v1
