#include "spd/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "unit/spd/spd_fixture.h"

namespace testudo::spd {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Time at(std::int64_t second) {
  return Time{seconds{second}};
}

class SpdDatabase : public testing::Test {
 protected:
  std::vector<std::uint32_t> order(Direction direction = Direction::Out) const {
    std::vector<std::uint32_t> ids;
    spd.for_each(direction, [&](const Policy& p) { ids.push_back(p.id.value); });
    return ids;
  }
  std::uint32_t id_for(const net::Flow& f, Direction direction = Direction::Out) const {
    const Policy* p = spd.lookup(direction, f);
    return p == nullptr ? 0 : p->id.value;
  }
  std::uint32_t add(const Policy& p) {
    const auto added = spd.add(p);
    return added ? (*added)->id.value : 0;
  }

  Database spd;
};

// ---- the list
// -----------------------------------------------------------------------------------------------------------

TEST_F(SpdDatabase, TheFirstOfTheListWinsNotTheMostSpecific) {
  const auto wide = add(policy(selector("10.0.0.0/8", "0.0.0.0/0")));
  const auto narrow = add(policy(selector("10.1.0.0/16", "0.0.0.0/0")));
  EXPECT_EQ(id_for(flow("10.1.2.3", "9.9.9.9")), wide);
  ASSERT_TRUE(spd.remove(PolicyId{wide}).has_value());
  EXPECT_EQ(id_for(flow("10.1.2.3", "9.9.9.9")), narrow);
  EXPECT_EQ(id_for(flow("10.2.2.3", "9.9.9.9")), 0U);
}

TEST_F(SpdDatabase, DirectionsAreListsOfTheirOwn) {
  const auto in = add(policy(selector("10.0.0.0/8", "0.0.0.0/0"), Action::Discard, Direction::In));
  EXPECT_EQ(id_for(flow("10.1.2.3", "9.9.9.9")), 0U);
  EXPECT_EQ(id_for(flow("10.1.2.3", "9.9.9.9"), Direction::In), in);
  EXPECT_NE(add(policy(selector("10.0.0.0/8", "0.0.0.0/0"))), 0U);
  EXPECT_EQ(spd.size(Direction::In), 1U);
  EXPECT_EQ(spd.size(), 2U);
}

TEST_F(SpdDatabase, RefusesASelectorTwice) {
  ASSERT_NE(add(policy(selector("10.0.0.0/8", "0.0.0.0/0"))), 0U);
  const auto again = spd.add(policy(selector("10.0.0.0/8", "0.0.0.0/0"), Action::Discard));
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error(), DatabaseError::Exists);
  // Bits beyond the prefix are part of what the user wrote; netipsec compares them too.
  EXPECT_NE(add(policy(selector("10.0.0.1/8", "0.0.0.0/0"))), 0U);
}

TEST_F(SpdDatabase, UpdateKeepsItsPlace) {
  const auto first = add(policy(selector("10.0.0.0/8", "0.0.0.0/0")));
  const auto second = add(policy(selector("10.1.0.0/16", "0.0.0.0/0")));
  const auto updated = spd.update(policy(selector("10.0.0.0/8", "0.0.0.0/0"), Action::Discard));
  ASSERT_TRUE(updated.has_value());
  EXPECT_THAT(order(), ElementsAre(first, second));
  EXPECT_EQ(spd.lookup(Direction::Out, flow("10.1.2.3", "9.9.9.9"))->action, Action::Discard);
}

TEST_F(SpdDatabase, UpdateOfNothingGoesToTheTail) {
  const auto first = add(policy(selector("10.0.0.0/8", "0.0.0.0/0")));
  const auto updated = spd.update(policy(selector("10.1.0.0/16", "0.0.0.0/0")));
  ASSERT_TRUE(updated.has_value());
  EXPECT_THAT(order(), ElementsAre(first, (*updated)->id.value));
}

TEST_F(SpdDatabase, RemovesBySelectorAndById) {
  const auto first = add(policy(selector("10.0.0.0/8", "0.0.0.0/0"), Action::Discard));
  const auto second = add(policy(selector("10.1.0.0/16", "0.0.0.0/0")));
  const auto removed = spd.remove(Direction::Out, selector("10.0.0.0/8", "0.0.0.0/0"));
  ASSERT_TRUE(removed.has_value());
  EXPECT_EQ((*removed).id, PolicyId{first});
  EXPECT_EQ((*removed).action, Action::Discard);
  EXPECT_EQ(spd.remove(Direction::Out, selector("10.0.0.0/8", "0.0.0.0/0")).error(), DatabaseError::NotFound);
  EXPECT_EQ(spd.remove(Direction::In, selector("10.1.0.0/16", "0.0.0.0/0")).error(), DatabaseError::NotFound);
  EXPECT_TRUE(spd.remove(PolicyId{second}).has_value());
  EXPECT_EQ(spd.remove(PolicyId{second}).error(), DatabaseError::NotFound);
  EXPECT_EQ(spd.size(), 0U);
}

TEST_F(SpdDatabase, FindsByIdAndBySelector) {
  const auto id = add(policy(selector("10.0.0.0/8", "0.0.0.0/0")));
  EXPECT_EQ(spd.find(PolicyId{id})->id, PolicyId{id});
  EXPECT_EQ(spd.find(Direction::Out, selector("10.0.0.0/8", "0.0.0.0/0")), spd.find(PolicyId{id}));
  EXPECT_EQ(spd.find(Direction::In, selector("10.0.0.0/8", "0.0.0.0/0")), nullptr);
  EXPECT_EQ(spd.find(PolicyId{id + 1}), nullptr);
}

TEST_F(SpdDatabase, UsersCannotTouchSystemPolicies) {
  Policy system = policy(selector("10.0.0.0/8", "0.0.0.0/0"));
  system.made_by_system = true;
  const auto id = add(system);
  ASSERT_NE(add(policy(selector("10.1.0.0/16", "0.0.0.0/0"))), 0U);
  EXPECT_EQ(spd.add(policy(selector("10.0.0.0/8", "0.0.0.0/0"))).error(), DatabaseError::Exists);
  EXPECT_EQ(spd.remove(PolicyId{id}).error(), DatabaseError::NotFound);
  EXPECT_EQ(spd.remove(Direction::Out, selector("10.0.0.0/8", "0.0.0.0/0")).error(), DatabaseError::NotFound);
  const auto twin = spd.update(policy(selector("10.0.0.0/8", "0.0.0.0/0"), Action::Discard));
  ASSERT_TRUE(twin.has_value());
  EXPECT_EQ(id_for(flow("10.1.2.3", "9.9.9.9")), id);
  EXPECT_EQ(spd.flush(), 2U);
  EXPECT_THAT(order(), ElementsAre(id));
}

TEST_F(SpdDatabase, WhoMadeASystemPolicyTakesItAwayAgain) {
  Policy system = policy(selector("10.0.0.0/8", "0.0.0.0/0"));
  system.made_by_system = true;
  const PolicyId id{add(system)}, users{add(policy(selector("10.1.0.0/16", "0.0.0.0/0")))};
  EXPECT_FALSE(spd.remove_of_system(users));
  EXPECT_TRUE(spd.remove_of_system(id));
  EXPECT_FALSE(spd.remove_of_system(id));
  EXPECT_THAT(order(), ElementsAre(users.value));
}

TEST_F(SpdDatabase, EveryChangeChangesTheGeneration) {
  std::vector<std::uint64_t> seen{spd.generation()};
  const auto changed = [&] {
    seen.push_back(spd.generation());
    return seen[seen.size() - 1] != seen[seen.size() - 2];
  };
  const auto id = add(policy(selector("10.0.0.0/8", "0.0.0.0/0")));
  EXPECT_TRUE(changed());
  ASSERT_TRUE(spd.update(policy(selector("10.0.0.0/8", "0.0.0.0/0"), Action::Discard)).has_value());
  EXPECT_TRUE(changed());
  id_for(flow("10.1.2.3", "9.9.9.9"));
  EXPECT_FALSE(changed());
  ASSERT_TRUE(spd.remove(PolicyId{id}).has_value());
  EXPECT_TRUE(changed());
}

// ---- reqids
// -----------------------------------------------------------------------------------------------------------

TEST_F(SpdDatabase, UniqueRequestsGetReqidsAndOthersLoseTheirs) {
  struct Row {
    Level level;
    std::uint32_t given, stored;
  };
  constexpr Row kRows[] = {
      {Level::Default, 5, 0},        {Level::Use, 5, 0},
      {Level::Require, 5, 0},        {Level::Unique, 5, 5},
      {Level::Unique, 1, 1},         {Level::Unique, 16383, 16383},
      {Level::Unique, 0, 16385},     {Level::Unique, 16384, 16386},
      {Level::Unique, 70000, 16387},
  };
  std::uint32_t host = 0;
  for (const Row& row : kRows) {
    Policy p = policy({{net::Address::v4(++host), 32}, prefix("0.0.0.0/0")}, Action::Ipsec);
    p.requests.push_back(request(row.level, row.given));
    const auto added = spd.add(p);
    ASSERT_TRUE(added.has_value());
    EXPECT_EQ((*added)->requests[0].reqid.value, row.stored) << row.given;
  }
}

TEST_F(SpdDatabase, TwoUniqueRequestsOfOnePolicyGetTwoReqids) {
  Policy p = unique_policy(selector("10.0.0.0/8", "0.0.0.0/0"), 0);
  p.requests.push_back(p.requests[0]);
  const auto added = spd.add(p);
  ASSERT_TRUE(added.has_value());
  EXPECT_NE((*added)->requests[0].reqid, (*added)->requests[1].reqid);
}

TEST_F(SpdDatabase, ReqidsOfRemovedAndUpdatedPoliciesAreFreeAgain) {
  const auto id = add(unique_policy(selector("10.0.0.0/8", "0.0.0.0/0"), 0));
  ASSERT_TRUE(spd.update(unique_policy(selector("10.0.0.0/8", "0.0.0.0/0"), 0)).has_value());
  EXPECT_EQ(spd.find(PolicyId{id})->requests[0].reqid, ReqId{16386});
  // Once around the range: 16386 is the only one that is held, so it is the only one that is left out.
  std::vector<std::uint32_t> given;
  for (std::uint32_t i = 0; i < 0xffff - 16385; ++i) {
    const auto added = spd.add(unique_policy(selector("11.0.0.0/8", "0.0.0.0/0"), 0));
    given.push_back((*added)->requests[0].reqid.value);
    ASSERT_TRUE(spd.remove((*added)->id).has_value());
  }
  EXPECT_EQ(std::ranges::count(given, 16386U), 0);
  EXPECT_EQ(given.back(), 16385U);
}

TEST_F(SpdDatabase, AnUpdateMayKeepTheReqidThatThePolicyWasGivenAndNoOther) {
  const auto id = add(unique_policy(selector("10.0.0.0/8", "0.0.0.0/0"), 0));
  const auto other = add(unique_policy(selector("11.0.0.0/8", "0.0.0.0/0"), 0));
  const std::uint32_t own = spd.find(PolicyId{id})->requests[0].reqid.value;
  const std::uint32_t others = spd.find(PolicyId{other})->requests[0].reqid.value;
  ASSERT_TRUE(spd.update(unique_policy(selector("10.0.0.0/8", "0.0.0.0/0"), own)).has_value());
  EXPECT_EQ(spd.find(PolicyId{id})->requests[0].reqid, ReqId{own});
  ASSERT_TRUE(spd.update(unique_policy(selector("10.0.0.0/8", "0.0.0.0/0"), others)).has_value());
  EXPECT_NE(spd.find(PolicyId{id})->requests[0].reqid, ReqId{others});
}

// ---- time -----------------------------------------------------------------------------------------------------------

TEST_F(SpdDatabase, EndsByAgeAndByIdlenessStrictly) {
  Policy aging = policy(selector("10.0.0.0/8", "0.0.0.0/0"));
  aging.created = at(100);
  aging.lifetime = 10;
  Policy idling = policy(selector("11.0.0.0/8", "0.0.0.0/0"));
  idling.created = at(100);
  idling.validtime = 5;
  const auto a = add(aging);
  const auto b = add(idling);
  EXPECT_THAT(spd.tick(at(105)), IsEmpty());
  spd.find(PolicyId{b})->last_used = at(103);
  EXPECT_THAT(spd.tick(at(108)), IsEmpty());
  const auto idle = spd.tick(at(109));
  ASSERT_EQ(idle.size(), 1U);
  EXPECT_EQ(idle[0].id, PolicyId{b});
  EXPECT_THAT(spd.tick(at(110)), IsEmpty());
  const auto old = spd.tick(at(111));
  ASSERT_EQ(old.size(), 1U);
  EXPECT_EQ(old[0].id, PolicyId{a});
  EXPECT_EQ(spd.size(), 0U);
}

TEST_F(SpdDatabase, PoliciesWithoutLimitsStayForEver) {
  ASSERT_NE(add(policy(selector("10.0.0.0/8", "0.0.0.0/0"))), 0U);
  EXPECT_THAT(spd.tick(at(1'000'000'000)), IsEmpty());
}

// ---- what matches
// -----------------------------------------------------------------------------------------------------

TEST_F(SpdDatabase, SelectorsMatchByProtocolAndPorts) {
  struct Row {
    std::uint8_t protocol;
    std::uint16_t source_port, destination_port;
    net::Flow flow;
    bool matches;
  };
  const Row rows[] = {
      {255, 0, 0, flow("10.0.0.1", "10.0.0.2", 6, 1025, 110), true},
      {255, 0, 0, flow("10.0.0.1", "10.0.0.2", 255), true},  // a fragment
      {6, 0, 0, flow("10.0.0.1", "10.0.0.2", 6, 1025, 110), true},
      {6, 0, 0, flow("10.0.0.1", "10.0.0.2", 17, 1025, 110), false},
      {6, 0, 0, flow("10.0.0.1", "10.0.0.2", 255), false},
      {6, 0, 110, flow("10.0.0.1", "10.0.0.2", 6, 1025, 110), true},
      {6, 0, 110, flow("10.0.0.1", "10.0.0.2", 6, 110, 1025), false},
      {6, 110, 0, flow("10.0.0.1", "10.0.0.2", 6, 110, 1025), true},
      {6, 110, 1025, flow("10.0.0.1", "10.0.0.2", 6, 110, 1025), true},
      {6, 110, 1026, flow("10.0.0.1", "10.0.0.2", 6, 110, 1025), false},
      {255, 0, 53, flow("10.0.0.1", "10.0.0.2", 17, 999, 53), true},
      {255, 0, 53, flow("10.0.0.1", "10.0.0.2", 6, 999, 53), true},
      {255, 0, 53, flow("10.0.0.1", "10.0.0.2", 255), false},
      {1, 8, 0, flow("10.0.0.1", "10.0.0.2", 1, 8, 0), true},   // ICMP echo request
      {1, 8, 0, flow("10.0.0.1", "10.0.0.2", 1, 0, 0), false},  // echo reply
      {1, 0, 0, flow("10.0.0.1", "10.0.0.2", 1, 8, 0), true},   // 0 is any, not echo reply
      {1, 3, 4, flow("10.0.0.1", "10.0.0.2", 1, 3, 4), true},   // fragmentation needed
      {1, 3, 4, flow("10.0.0.1", "10.0.0.2", 1, 3, 1), false},
      {58, 135, 0, flow("fd00::1", "fd00::2", 58, 135, 0), true},
      {58, 135, 0, flow("fd00::1", "fd00::2", 58, 136, 0), false},
      {4, 0, 0, flow("10.0.0.1", "10.0.0.2", 4), true},
      {4, 0, 0, flow("10.0.0.1", "10.0.0.2", 41), false},
  };
  for (const Row& row : rows) {
    Database fresh;
    const auto any = row.flow.source.is_v4() ? prefix("0.0.0.0/0") : prefix("::/0");
    ASSERT_TRUE(fresh.add(policy({any, any, row.protocol, row.source_port, row.destination_port})).has_value());
    EXPECT_EQ(fresh.lookup(Direction::Out, row.flow) != nullptr, row.matches)
        << int{row.protocol} << "[" << row.source_port << "," << row.destination_port << "] " << row.flow.to_string();
  }
}

TEST_F(SpdDatabase, SelectorsMatchByPrefixFamilyAndScope) {
  struct Row {
    const char *source, *destination, *from, *to;
    bool matches;
  };
  constexpr Row kRows[] = {
      {"10.0.0.0/8", "0.0.0.0/0", "10.255.255.255", "1.2.3.4", true},
      {"10.0.0.0/8", "0.0.0.0/0", "11.0.0.0", "1.2.3.4", false},
      {"10.0.0.99/8", "0.0.0.0/0", "10.1.1.1", "1.2.3.4", true},  // bits beyond the prefix do not count
      {"10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2", true},
      {"10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.1", false},
      {"10.128.0.0/9", "0.0.0.0/0", "10.127.0.1", "1.2.3.4", false},
      {"0.0.0.0/0", "0.0.0.0/0", "fd00::1", "fd00::2", false},
      {"::/0", "::/0", "10.0.0.1", "10.0.0.2", false},
      {"::/0", "::/0", "fd00::1", "fd00::2", true},
      {"fd00::/64", "::/0", "fd00::ffff:ffff:ffff:ffff", "fe80::1", true},
      {"fd00::/64", "::/0", "fd00:0:0:1::", "fe80::1", false},
      {"fd00::8000:0:0:0/65", "::/0", "fd00::8000:0:0:1", "fe80::1", true},
      {"fd00::8000:0:0:0/65", "::/0", "fd00::7fff:0:0:1", "fe80::1", false},
      {"fe80::1%2", "::/0", "fe80::1%2", "fe80::2%2", true},
      {"fe80::1%2", "::/0", "fe80::1%3", "fe80::2%3", false},
      {"fe80::1", "::/0", "fe80::1%3", "fe80::2%3", true},  // a policy without a scope takes every link
      {"::/0", "fe80::%3/10", "fe80::1%3", "fe80::2%3", true},
      {"::/0", "fe80::%3/10", "fe80::1%2", "fe80::2%2", false},
  };
  for (const Row& row : kRows) {
    Database fresh;
    const auto scoped = [](std::string_view text) {  // "fe80::%3/10": the scope stands before the length
      const auto slash = text.find('/');
      const net::Address a = ip(text.substr(0, slash));
      if (slash == std::string_view::npos) return net::Prefix::host(a);
      return net::Prefix{a, static_cast<unsigned>(std::stoul(std::string{text.substr(slash + 1)}))};
    };
    ASSERT_TRUE(fresh.add(policy({scoped(row.source), scoped(row.destination), 255, 0, 0})).has_value());
    EXPECT_EQ(fresh.lookup(Direction::Out, flow(row.from, row.to)) != nullptr, row.matches)
        << row.source << " " << row.destination << ": " << row.from << " > " << row.to;
  }
}

// The NetBSD FAQ's mail server: the exception stands before the rule, and the other order would make it useless.
TEST_F(SpdDatabase, TheMailServersExceptionWorksOnlyInFrontOfItsRule) {
  const net::Selector pop{prefix("10.0.0.0/8"), prefix("10.1.1.1"), 6, 0, 110};
  const net::Selector excepted{prefix("10.2.2.2"), prefix("10.1.1.1"), 6, 0, 110};
  ASSERT_NE(add(policy(excepted, Action::None)), 0U);
  ASSERT_NE(add(policy(pop, Action::Ipsec)), 0U);
  EXPECT_EQ(spd.lookup(Direction::Out, flow("10.2.2.2", "10.1.1.1", 6, 1025, 110))->action, Action::None);
  EXPECT_EQ(spd.lookup(Direction::Out, flow("10.2.2.3", "10.1.1.1", 6, 1025, 110))->action, Action::Ipsec);
  EXPECT_EQ(spd.lookup(Direction::Out, flow("10.2.2.3", "10.1.1.1", 6, 1025, 25)), nullptr);

  Database swapped;
  ASSERT_TRUE(swapped.add(policy(pop, Action::Ipsec)).has_value());
  ASSERT_TRUE(swapped.add(policy(excepted, Action::None)).has_value());
  EXPECT_EQ(swapped.lookup(Direction::Out, flow("10.2.2.2", "10.1.1.1", 6, 1025, 110))->action, Action::Ipsec);
}

}  // namespace
}  // namespace testudo::spd
