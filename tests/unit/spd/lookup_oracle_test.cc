// The look-up through tables by shape against the specification: a list that is looked at from the front.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "spd/database.h"
#include "support/random.h"
#include "unit/spd/spd_fixture.h"

namespace testudo::spd {
namespace {

/// The specification: a list, looked at from the front.  It shares Selector with the database but decides by itself
/// what matches, bit by bit.
class PlainList {
 public:
  bool add(const net::Selector& s, std::uint32_t id) {
    if (place_of(s) != entries_.end()) return false;
    entries_.emplace_back(s, id);
    return true;
  }
  bool contains(const net::Selector& s) { return place_of(s) != entries_.end(); }
  bool remove(const net::Selector& s) {
    const auto place = place_of(s);
    if (place == entries_.end()) return false;
    entries_.erase(place);
    return true;
  }
  std::uint32_t lookup(const net::Flow& f) const {
    for (const auto& [s, id] : entries_) {
      if (matches(s, f)) return id;
    }
    return 0;
  }
  std::uint32_t first_for_addresses(const net::Address& source, const net::Address& destination) const {
    for (const auto& [s, id] : entries_) {
      if (inside(s.source, source) && inside(s.destination, destination)) return id;
    }
    return 0;
  }
  const net::Selector& at(std::size_t i) const { return entries_[i].first; }
  std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::vector<std::pair<net::Selector, std::uint32_t>>;

  static bool inside(const net::Prefix& p, const net::Address& a) {
    if (p.address.family() != a.family()) return false;
    if (p.address.scope() != 0 && p.address.scope() != a.scope()) return false;
    const std::uint8_t* x = p.address.bytes().data();
    const std::uint8_t* y = a.bytes().data();
    unsigned bits = p.length;
    for (; bits >= 8; bits -= 8) {
      if (*x++ != *y++) return false;
    }
    return bits == 0 || (*x ^ *y) < (1 << (8 - bits));
  }
  static bool matches(const net::Selector& s, const net::Flow& f) {
    if (s.protocol != 255 && s.protocol != f.protocol) return false;
    if (s.source_port != 0 && s.source_port != f.source_port) return false;
    if (s.destination_port != 0 && s.destination_port != f.destination_port) return false;
    return inside(s.source, f.source) && inside(s.destination, f.destination);
  }
  Entries::iterator place_of(const net::Selector& s) {
    return std::ranges::find_if(entries_, [&](const auto& e) { return e.first == s; });
  }

  Entries entries_;
};

/// Values from small sets, so that selectors overlap and packets hit them.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  net::Address address(bool v4) {
    const auto pick = [&](std::uint32_t n) { return static_cast<std::uint8_t>(random_.below(n)); };
    if (v4)
      return net::Address::v4(std::uint32_t{10} << 24 | std::uint32_t{pick(2)} << 16 | std::uint32_t{pick(2)} << 7 |
                              pick(3));
    const std::array<std::uint8_t, 16> b{
        0xfd, 0, 0, 0, 0, 0, 0, pick(2), static_cast<std::uint8_t>(pick(2) << 7), 0, 0, 0, 0, 0, pick(2), pick(3)};
    return net::Address::v6(b, pick(8) == 0 ? 1U + pick(2) : 0U);
  }
  net::Prefix prefix(bool v4) {
    static constexpr unsigned kShort[] = {0, 8, 15, 16, 24, 25, 31, 32};
    static constexpr unsigned kLong[] = {0, 8, 63, 64, 65, 112, 127, 128};
    return {address(v4), v4 ? kShort[random_.below(8)] : kLong[random_.below(8)]};
  }
  std::uint8_t protocol() {
    static constexpr std::uint8_t kProtocols[] = {255, 6, 17, 1};
    return kProtocols[random_.below(4)];
  }
  std::uint16_t port() { return static_cast<std::uint16_t>(random_.below(3)); }
  net::Selector selector() {
    const bool v4 = random_.chance(60);
    return {prefix(v4), prefix(v4), protocol(), port(), port()};
  }
  net::Flow flow() {
    const bool v4 = random_.chance(60);
    return {address(v4), address(v4), protocol(), port(), port()};
  }
  std::uint32_t below(std::uint32_t n) { return random_.below(n); }

 private:
  test::SeededRandom random_;
};

/// One random change to both, which must agree on whether it is possible.
void change(Database& spd, PlainList& list, Dice& dice) {
  const bool known = list.size() != 0 && dice.below(2) == 0;
  const net::Selector s = known ? list.at(dice.below(static_cast<std::uint32_t>(list.size()))) : dice.selector();
  switch (dice.below(4)) {
    case 0: {
      ASSERT_EQ(spd.remove(Direction::Out, s).has_value(), list.remove(s));
      break;
    }
    case 1: {
      const bool replaces = list.contains(s);
      const std::uint32_t before = replaces ? spd.find(Direction::Out, s)->id.value : 0;
      const auto updated = spd.update(policy(s, Action::Discard));
      ASSERT_TRUE(updated.has_value());
      if (replaces) {
        ASSERT_EQ((*updated)->id.value, before);
      } else {
        list.add(s, (*updated)->id.value);
      }
      break;
    }
    default: {
      const auto added = spd.add(policy(s));
      ASSERT_EQ(added.has_value(), !list.contains(s));
      if (added) list.add(s, (*added)->id.value);
    }
  }
}

TEST(SpdOracle, TenMillionRandomPacketsMeetTheSamePolicyAsInAPlainList) {
  constexpr int kSets = 500;
  constexpr int kRounds = 40;
  constexpr int kPackets = 500;
  static_assert(kSets * kRounds * kPackets == 10'000'000);
  std::uint64_t hits = 0;
  for (int set = 0; set < kSets; ++set) {
    Dice dice{static_cast<std::uint64_t>(set) + 1};
    Database spd;
    PlainList list;
    for (int round = 0; round < kRounds; ++round) {
      for (int i = 0; i < 3; ++i) ASSERT_NO_FATAL_FAILURE(change(spd, list, dice));
      ASSERT_EQ(spd.size(), list.size());
      for (int i = 0; i < kPackets; ++i) {
        const net::Flow f = dice.flow();
        const Policy* found = spd.lookup(Direction::Out, f);
        const std::uint32_t expected = list.lookup(f);
        ASSERT_EQ(found == nullptr ? 0 : found->id.value, expected) << "set " << set << ": " << f.to_string();
        hits += expected != 0 ? 1 : 0;
      }
    }
  }
  // Neither always nor never: otherwise the test would say little.
  EXPECT_GT(hits, 2'000'000U);
  EXPECT_LT(hits, 9'800'000U);
}

TEST(SpdOracle, AMillionPairsOfAddressesMeetTheSameFirstPolicyAsInAPlainList) {
  constexpr int kSets = 100;
  constexpr int kRounds = 100;
  constexpr int kPairs = 100;
  static_assert(kSets * kRounds * kPairs == 1'000'000);
  std::uint64_t hits = 0, unlike_lookup = 0;
  for (int set = 0; set < kSets; ++set) {
    Dice dice{static_cast<std::uint64_t>(set) + 1'000'000};
    Database spd;
    PlainList list;
    for (int round = 0; round < kRounds; ++round) {
      for (int i = 0; i < 3; ++i) ASSERT_NO_FATAL_FAILURE(change(spd, list, dice));
      for (int i = 0; i < kPairs; ++i) {
        // One in some pairs is of two families.
        const net::Flow f = dice.flow(), g = dice.below(8) == 0 ? dice.flow() : f;
        const Policy* found = spd.first_for_addresses(Direction::Out, f.source, g.destination);
        const std::uint32_t expected = list.first_for_addresses(f.source, g.destination);
        ASSERT_EQ(found == nullptr ? 0 : found->id.value, expected) << "set " << set << ": " << f.to_string();
        ASSERT_EQ(spd.first_for_addresses(Direction::In, f.source, g.destination), nullptr);
        hits += expected != 0 ? 1 : 0;
        unlike_lookup += expected != list.lookup(f) ? 1 : 0;
      }
    }
  }
  // Neither always nor never: otherwise the test would say little.
  EXPECT_GT(hits, 250'000U);
  EXPECT_LT(hits, 990'000U);
  EXPECT_GT(unlike_lookup, 100'000U);
}

TEST(SpdScale, ManyPortsBetweenTwoHostsAreOneLookUpByAddresses) {
  Database spd;
  constexpr std::uint16_t kCount = 60'000;
  std::vector<PolicyId> ids;
  for (std::uint16_t port = 1; port <= kCount; ++port) {
    const auto added = spd.add(policy({prefix("10.0.0.1"), prefix("10.0.0.2"), net::protocol::kTcp, 0, port}));
    ASSERT_TRUE(added.has_value());
    ids.push_back((*added)->id);
  }
  for (const PolicyId id : ids) {
    const Policy* first = spd.first_for_addresses(Direction::Out, ip("10.0.0.1"), ip("10.0.0.2"));
    ASSERT_NE(first, nullptr);
    ASSERT_EQ(first->id, id);
    ASSERT_TRUE(spd.remove(id).has_value());
  }
  EXPECT_EQ(spd.first_for_addresses(Direction::Out, ip("10.0.0.1"), ip("10.0.0.2")), nullptr);
}

TEST(SpdScale, AHundredThousandPoliciesAreAddedFoundAndRemoved) {
  Database spd;
  constexpr std::uint32_t kCount = 100'000;
  const auto host = [](std::uint32_t i) { return net::Address::v4(0x0a000000U + i); };
  for (std::uint32_t i = 0; i < kCount; ++i) {
    Policy p = policy({net::Prefix::host(host(i)), prefix("20.0.0.0/8"), 255, 0, 0}, Action::Ipsec);
    p.requests.push_back(request(Level::Unique, 0));
    ASSERT_TRUE(spd.add(std::move(p)).has_value());
  }
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const Policy* found = spd.lookup(Direction::Out, {host(i), ip("20.1.2.3"), 6, 1, 2});
    ASSERT_NE(found, nullptr);
    ASSERT_EQ(found->selector.source.address, host(i));
  }
  EXPECT_EQ(spd.lookup(Direction::Out, {host(kCount), ip("20.1.2.3"), 6, 1, 2}), nullptr);
  std::vector<std::uint32_t> reqids;
  spd.for_each(Direction::Out, [&](const Policy& p) { reqids.push_back(p.requests[0].reqid.value); });
  std::ranges::sort(reqids);
  EXPECT_EQ(std::ranges::adjacent_find(reqids), reqids.end()) << "two policies share a reqid";
  EXPECT_EQ(spd.flush(), kCount);
  EXPECT_EQ(spd.size(), 0U);
}

}  // namespace
}  // namespace testudo::spd
