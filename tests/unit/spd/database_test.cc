#include "spd/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <utility>

#include "support/packets.h"
#include "support/random.h"

namespace testudo::spd {
namespace {

using std::chrono::seconds;
using test::ip;
using test::prefix;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Time at(std::int64_t second) {
  return Time{seconds{second}};
}

net::Selector selector(std::string_view source, std::string_view destination,
                       std::uint8_t protocol = net::protocol::kAny) {
  return {prefix(source), prefix(destination), protocol, 0, 0};
}

Policy policy(const net::Selector& s, Action action = Action::None, Direction direction = Direction::Out) {
  Policy p;
  p.selector = s;
  p.action = action;
  p.direction = direction;
  return p;
}

Request request(Level level, std::uint32_t reqid) {
  Request r;
  r.level = level;
  r.reqid = ReqId{reqid};
  return r;
}

Policy unique_policy(const net::Selector& s, std::uint32_t reqid) {
  Policy p = policy(s, Action::Ipsec);
  p.requests.push_back(request(Level::Unique, reqid));
  return p;
}

net::Flow flow(std::string_view source, std::string_view destination, std::uint8_t protocol = net::protocol::kAny,
               std::uint16_t source_port = 0, std::uint16_t destination_port = 0) {
  return {ip(source), ip(destination), protocol, source_port, destination_port};
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

}  // namespace
}  // namespace testudo::spd
