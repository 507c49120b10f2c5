// Messages in pieces: how they are cut and joined, and two machines over a path that drops long datagrams.
#include "ike/v1/fragments.h"

#include <gtest/gtest.h>

#include "base/endian.h"
#include "support/certificates.h"
#include "unit/ike/pair.h"

namespace testudo::ike::v1 {
namespace {

using test::address;
using test::Pair;
using test::Side;
using testudo::test::Party;

ByteVector message_of(std::size_t size, std::uint8_t fill) {
  wire::ike::Header header;
  header.initiator = 0x0102030405060708;
  header.responder = 0x1112131415161718;
  header.exchange = 2;
  header.flags = v1wire::flag::kEncryption;
  return wire::ike::compose(header, ByteVector(size - wire::ike::kHeaderBytes, fill));
}

v1wire::FragmentView piece(std::uint8_t index, bool last, Bytes data, std::uint16_t id = 1) {
  return {id, index, last, data};
}

constexpr std::size_t kMost = 1000;
const ByteVector kA(10, 'a'), kB(10, 'b'), kC(10, 'c');

ByteVector joined(const std::vector<const ByteVector*>& parts) {
  ByteVector all;
  for (const ByteVector* part : parts) all.insert(all.end(), part->begin(), part->end());
  return all;
}

TEST(Fragments, MessageIsCutAsRacoonCutsIt) {
  const ByteVector message = message_of(1300, 0xee);
  const auto pieces = split(message);
  ASSERT_EQ(pieces.size(), 3U);
  // 552 bytes: header 28, generic payload header 4, id 2, number 1, flags 1, data 516.
  const ByteVector head{1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 132, 0x10,
                        2, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x28, 0,    0,    0x02, 0x0c, 0,    1,    1,   0};
  EXPECT_EQ(pieces[0].size(), 552U);
  EXPECT_TRUE(std::ranges::equal(Bytes{pieces[0]}.first(head.size()), head));
  EXPECT_TRUE(std::ranges::equal(Bytes{pieces[0]}.subspan(36), Bytes{message}.first(516)));
  EXPECT_EQ(pieces[2].size(), 36U + 1300 - 2 * 516);
  EXPECT_EQ(pieces[2][34], 3);
  EXPECT_EQ(pieces[2][35], 1) << "the last";
}

TEST(Fragments, ShortMessageStaysWholeAndSoDoesOneOfTooManyPieces) {
  EXPECT_TRUE(split(message_of(552, 1)).empty());
  EXPECT_EQ(split(message_of(553, 1)).size(), 2U);
  EXPECT_EQ(split(message_of(std::size_t{255} * 516, 1)).size(), 0U) << "no message is that long";
  EXPECT_EQ(split(message_of(60000, 1)).size(), 117U);
}

TEST(Reassembly, TakesThePiecesInAnyOrderAndTwice) {
  for (const std::vector<int>& order : {std::vector{1, 2, 3}, {3, 2, 1}, {2, 3, 1}, {1, 1, 2, 2, 3}, {3, 1, 3, 1, 2}}) {
    Reassembly set;
    std::optional<ByteVector> whole;
    for (const int index : order) {
      const ByteVector& data = index == 1 ? kA : index == 2 ? kB : kC;
      EXPECT_FALSE(whole);
      whole = *set.add(piece(static_cast<std::uint8_t>(index), index == 3, data), Time{}, kMost);
    }
    ASSERT_TRUE(whole);
    EXPECT_EQ(*whole, joined({&kA, &kB, &kC}));
    EXPECT_FALSE(set.since()) << "nothing is kept";
  }
}

TEST(Reassembly, OfPiecesThatContradictTheNewerOnesCount) {
  const ByteVector other(7, 'x');
  Reassembly set;  // the third piece of an older message is left over
  EXPECT_FALSE(*set.add(piece(3, true, other), Time{}, kMost));
  EXPECT_FALSE(*set.add(piece(1, false, kA), Time{}, kMost));
  EXPECT_FALSE(*set.add(piece(2, false, kB), Time{}, kMost) == std::optional{joined({&kA, &kB, &kC})});
  Reassembly shorter;
  EXPECT_FALSE(*shorter.add(piece(3, false, other), Time{}, kMost));
  EXPECT_FALSE(*shorter.add(piece(1, false, kA), Time{}, kMost));
  EXPECT_EQ(*shorter.add(piece(2, true, kB), Time{}, kMost), std::optional{joined({&kA, &kB})});
  Reassembly longer;
  EXPECT_FALSE(*longer.add(piece(2, true, other), Time{}, kMost));
  EXPECT_FALSE(*longer.add(piece(3, true, kC), Time{}, kMost));
  EXPECT_FALSE(*longer.add(piece(1, false, kA), Time{}, kMost));
  EXPECT_EQ(*longer.add(piece(2, false, kB), Time{}, kMost), std::optional{joined({&kA, &kB, &kC})});
  Reassembly changed;
  EXPECT_FALSE(*changed.add(piece(1, false, other), Time{}, kMost));
  EXPECT_FALSE(*changed.add(piece(1, false, kA), Time{}, kMost));
  EXPECT_EQ(*changed.add(piece(2, true, kB), Time{}, kMost), std::optional{joined({&kA, &kB})});
  Reassembly renamed;
  EXPECT_FALSE(*renamed.add(piece(1, false, kA, 1), Time{}, kMost));
  EXPECT_FALSE(*renamed.add(piece(2, true, kB, 2), Time{}, kMost)) << "of another message by its number";
}

TEST(Reassembly, RefusesEmptyPiecesAndMoreBytesThanItMayKeep) {
  Reassembly set;
  EXPECT_FALSE(set.add(piece(1, false, {}), Time{}, kMost)) << "CVE-2009-1574";
  const ByteVector large(400, 'l');
  EXPECT_TRUE(set.add(piece(1, false, large), Time{}, kMost));
  EXPECT_TRUE(set.add(piece(2, false, large), Time{}, kMost));
  const auto over = set.add(piece(3, true, large), Time{}, kMost);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error(), "fragments of too many bytes");
  EXPECT_FALSE(set.since());
}

/// The certificates are long, and `b` cannot be reached by datagrams that are.
struct LongPath : Pair {
  explicit LongPath(Fragmentation a_has, Fragmentation b_has) {
    for (Side* side : {&a, &b}) {
      Remote& remote = side->policy.remotes[0];
      remote.proposals[0].authentication = v1wire::oakley::kRsaSignature;
      remote.my_identifier = Identity{v1wire::IdType::DerDn, {}};
      remote.trust = std::make_shared<const crypto::ike::Trust>(*crypto::ike::Trust::load({ca().certificate()}));
    }
    set(a, a_has, anna());
    set(b, b_has, bert());
    link = [this](unsigned, ByteVector& datagram) {
      longest = std::max(longest, datagram.size());
      return datagram.size() > kPath ? 0U : 1U;
    };
  }
  static void set(Side& side, Fragmentation wish, const Party& who) {
    Remote& remote = side.policy.remotes[0];
    remote.ike_frag = wish;
    remote.credentials =
        std::make_shared<const crypto::ike::Credentials>(*crypto::ike::Credentials::load(who.certificate(), who.key()));
  }
  static const Party& ca() {
    static const Party made{{.name = "CA of fragments", .is_ca = true}};
    return made;
  }
  static const Party& anna() {
    static const Party made{{.name = "anna", .issuer = &ca(), .alt_names = names()}};
    return made;
  }
  static const Party& bert() {
    static const Party made{{.name = "bert", .issuer = &ca(), .alt_names = names()}};
    return made;
  }
  static std::string names() {
    std::string all = "DNS:a.example";
    for (int i = 0; i < 40; ++i) all += ",DNS:another-name-of-this-host-" + std::to_string(i) + ".example.org";
    return all;
  }
  static constexpr std::size_t kPath = 1200;
  std::size_t longest = 0;
};

TEST(Fragments, CertificatesPassAPathThatDropsLongDatagrams) {
  for (const auto mode : {v1wire::Exchange::Main, v1wire::Exchange::Aggressive, v1wire::Exchange::Base}) {
    for (const auto other : {Fragmentation::On, Fragmentation::Force}) {
      LongPath p{Fragmentation::On, other};
      for (Side* side : {&p.a, &p.b}) side->policy.remotes[0].exchange_modes = {mode};
      p.want(p.a);
      EXPECT_TRUE(p.keyed_alike()) << static_cast<int>(mode);
      EXPECT_LE(p.longest, kFragmentDatagram);
    }
  }
}

TEST(Fragments, NoneAreSentUnlessBothSidesHaveThem) {
  for (const auto& [here, there] :
       {std::pair{Fragmentation::On, Fragmentation::Off}, std::pair{Fragmentation::Off, Fragmentation::On},
        std::pair{Fragmentation::Off, Fragmentation::Off}}) {
    LongPath p{here, there};
    p.link = [&p](unsigned, ByteVector& datagram) { return p.longest = std::max(p.longest, datagram.size()), 1U; };
    p.want(p.a);
    EXPECT_TRUE(p.keyed_alike());
    EXPECT_GT(p.longest, LongPath::kPath);
  }
}

TEST(Fragments, WhenLongDatagramsAreLostBothSidesHearOfFragments) {
  LongPath p{Fragmentation::On, Fragmentation::Off};
  p.want(p.a);
  p.pass(std::chrono::seconds{120});
  for (const Side* side : {&p.a, &p.b}) {
    ASSERT_FALSE(side->refusals.empty());
    EXPECT_NE(sentence(side->refusals[0]).find("ike_frag on at both ends"), std::string::npos)
        << sentence(side->refusals[0]);
  }
}

TEST(Fragments, ForcedOnesAreRefusedWithAReasonWhereTheyAreOff) {
  LongPath p{Fragmentation::Force, Fragmentation::Off};
  p.want(p.a);
  EXPECT_TRUE(p.a.in.empty());
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_EQ(sentence(p.b.refusals[0]).find("fragmentation") != std::string::npos, true);
  EXPECT_NE(sentence(p.b.refusals[0]).find("ike_frag off in remote anonymous"), std::string::npos);
  ASSERT_FALSE(p.a.refusals.empty());
  EXPECT_NE(sentence(p.a.refusals[0]).find("fragmentation is not taken"), std::string::npos)
      << sentence(p.a.refusals[0]);
  EXPECT_EQ(p.b.refusals.size(), 1U) << "not for each piece";
}

TEST(Fragments, FirstMessageMayComeInPieces) {
  LongPath p{Fragmentation::Force, Fragmentation::On};
  for (Side* side : {&p.a, &p.b}) {
    Remote& remote = side->policy.remotes[0];
    remote.exchange_modes = {v1wire::Exchange::Aggressive};
    remote.proposals[0].group = crypto::ike::group_by_name("modp4096");
  }
  bool began_in_pieces = false;
  p.link = [&](unsigned number, ByteVector& datagram) {
    if (number == 1) began_in_pieces = datagram[16] == 132;
    return 1U;
  };
  p.want(p.a);
  EXPECT_TRUE(began_in_pieces);
  EXPECT_TRUE(p.keyed_alike());
  EXPECT_LE(p.longest, kFragmentDatagram);
}

TEST(Fragments, EachMayBeLostOrDoubledOrComeLate) {
  LongPath whole{Fragmentation::On, Fragmentation::On};
  whole.want(whole.a);
  const unsigned all = whole.datagrams;
  ASSERT_GT(all, 12U);
  for (unsigned victim = 1; victim <= all; ++victim) {
    for (const unsigned copies : {0U, 2U, 3U}) {
      LongPath p{Fragmentation::On, Fragmentation::On};
      p.link = [victim, copies](unsigned number, ByteVector&) { return number == victim ? copies : 1U; };
      p.want(p.a);
      p.pass(std::chrono::seconds{20});
      EXPECT_TRUE(p.keyed_alike()) << victim << " " << copies;
    }
  }
  LongPath doubled{Fragmentation::On, Fragmentation::On};
  doubled.link = [](unsigned, ByteVector&) { return 2U; };
  doubled.want(doubled.a);
  EXPECT_TRUE(doubled.keyed_alike()) << "without waiting for a repetition";
}

ByteVector first_piece(std::uint64_t cookie, std::uint8_t index, bool last, Bytes data) {
  wire::ike::Header header;
  header.initiator = cookie;
  header.exchange = static_cast<std::uint8_t>(v1wire::Exchange::Main);
  header.next = static_cast<std::uint8_t>(v1wire::Payload::Fragment);
  v1wire::ChainWriter payload;
  payload.add(v1wire::Payload::Fragment, v1wire::compose_fragment({1, index, last, data}));
  return wire::ike::compose(header, payload.bytes());
}

/// What a stranger says in two pieces; `cookie` stands in both headers.
struct Stranger {
  std::uint64_t cookie;
  net::Endpoint from;
  ByteVector message;

  Stranger(Pair& p, std::uint64_t own, const char* source) : cookie(own), from{address(source), 500} {
    p.b.policy.remotes[0].ike_frag = Fragmentation::On;
    message = test::caught(p, 1);
    p.link = [](unsigned, ByteVector&) { return 0U; };
    put_be64(message.data(), cookie);
  }
  void say(Pair& p, std::uint8_t index) const {
    const Bytes half = index == 1 ? Bytes{message}.first(40) : Bytes{message}.subspan(40);
    p.event(p.b, Received{{p.b.here, 500}, from, first_piece(cookie, index, index == 2, half)});
  }
};

TEST(Fragments, OfStrangersFewAreKeptAndTheNewestOnes) {
  Pair p;
  p.b.policy.limits.first_fragments_per_source = 2;
  p.b.policy.limits.first_fragments_total = 3;
  const Stranger first{p, 1, "198.51.100.1"};
  std::vector<Stranger> more;
  for (std::uint64_t i = 2; i <= 3; ++i) more.emplace_back(first).cookie = i;
  for (Stranger& each : more) put_be64(each.message.data(), each.cookie);
  first.say(p, 1);
  for (const Stranger& each : more) each.say(p, 1);
  first.say(p, 2);
  EXPECT_EQ(p.b.machine().v1().sas().size(), 0U) << "it had made room for those of its address";
  more[1].say(p, 2);
  EXPECT_EQ(p.b.machine().v1().sas().size(), 1U);
}

TEST(Fragments, PiecesOfStrangersDoNotWaitForEver) {
  Pair p;
  const Stranger stranger{p, 1, "198.51.100.1"};
  stranger.say(p, 1);
  p.now += p.b.policy.limits.fragments;
  stranger.say(p, 2);
  EXPECT_EQ(p.b.machine().v1().sas().size(), 0U);
  stranger.say(p, 1);
  EXPECT_EQ(p.b.machine().v1().sas().size(), 1U);
}

TEST(Fragments, PiecesThatMakeAMessageOfAnotherOrMorePiecesAreDropped) {
  Pair p;
  Stranger stranger{p, 1, "198.51.100.1"};
  put_be64(stranger.message.data(), 2);
  stranger.say(p, 1);
  stranger.say(p, 2);
  ASSERT_FALSE(p.b.told.empty());
  EXPECT_EQ(p.b.told.back().text, "fragments that are no message of theirs");
  stranger.message = first_piece(1, 1, true, ByteVector(50, 1));
  stranger.say(p, 1);
  stranger.say(p, 2);
  EXPECT_EQ(p.b.told.back().text, "fragments that are no message of theirs");
  EXPECT_EQ(p.b.machine().v1().sas().size(), 0U);
}

}  // namespace
}  // namespace testudo::ike::v1
