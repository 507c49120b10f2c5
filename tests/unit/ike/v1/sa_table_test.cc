#include "ike/v1/sa_table.h"

#include <gtest/gtest.h>

#include <array>

#include "ike/v1/deadline.h"
#include "support/random.h"

namespace testudo::ike::v1 {
namespace {

struct Named {
  Role role = Role::Responder;
  std::uint64_t initiator = 0, responder = 0;
  const char* peer = "192.0.2.1";
  std::uint16_t port = 500;
};

IkeSa& put(SaTable& table, const Named& name) {
  auto sa = std::make_unique<IkeSa>();
  sa->role = name.role;
  sa->cookies = {name.initiator, name.responder};
  sa->remote = {*net::Address::parse(name.peer), name.port};
  sa->policy = std::make_shared<Policy>();
  return table.add(std::move(sa));
}

TEST(SaTable, FindsByTheCookieThatIsOurs) {
  SaTable table;
  IkeSa& answered = put(table, {Role::Responder, 1, 2});
  IkeSa& begun = put(table, {Role::Initiator, 3, 4});
  EXPECT_EQ(table.find(2), &answered);
  EXPECT_EQ(table.find(3), &begun);
  EXPECT_EQ(table.find(1), nullptr);
  EXPECT_EQ(table.find(4), nullptr);
}

TEST(SaTable, AFirstMessageIsKnownByCookieAndSource) {
  SaTable table;
  IkeSa& one = put(table, {Role::Responder, 1, 2, "192.0.2.1", 500});
  IkeSa& other = put(table, {Role::Responder, 1, 3, "192.0.2.1", 501});
  put(table, {Role::Initiator, 9, 0, "192.0.2.1", 500});
  put(table, {Role::Responder, 2, 4, "192.0.2.1", 502});
  const auto from = [](std::uint16_t port) { return net::Endpoint{*net::Address::parse("192.0.2.1"), port}; };
  EXPECT_EQ(table.answer_to(1, from(500)), &one);
  EXPECT_EQ(table.answer_to(1, from(501)), &other);
  EXPECT_EQ(table.answer_to(1, from(502)), nullptr);
  EXPECT_EQ(table.answer_to(3, from(500)), nullptr);
  EXPECT_EQ(table.answer_to(9, from(500)), nullptr) << "what we began answers nobody";
  one.remote.port = 4500;
  EXPECT_EQ(table.answer_to(1, from(4500)), &one) << "its port may change";
}

TEST(SaTable, WhatEndedIsThereUntilItIsReaped) {
  SaTable table;
  IkeSa& sa = put(table, {Role::Responder, 1, 2});
  table.end(sa);
  table.end(sa);
  EXPECT_EQ(table.find(2), &sa);
  EXPECT_EQ(sa.state, State::Dead);
  EXPECT_TRUE(table.half_open().empty());
  table.settle();
  EXPECT_EQ(table.find(2), nullptr);
  EXPECT_TRUE(table.with(*net::Address::parse("192.0.2.1")).empty());
  EXPECT_EQ(table.answer_to(1, {*net::Address::parse("192.0.2.1"), 500}), nullptr);
  table.settle();
}

TEST(SaTable, ACookieThatIsDrawnTwiceNamesTheLastOne) {
  SaTable table;
  put(table, {Role::Responder, 1, 2, "192.0.2.1"});
  IkeSa& last = put(table, {Role::Responder, 3, 2, "192.0.2.2"});
  EXPECT_EQ(table.find(2), &last);
  EXPECT_TRUE(table.with(*net::Address::parse("192.0.2.1")).empty());
  EXPECT_EQ(table.half_open(), std::vector<const IkeSa*>{&last});
}

/// What walks through all of them would find.
class Walk {
 public:
  explicit Walk(const SaTable& table) : table_(table) {}
  std::vector<IkeSa*> with(const net::Address& peer) const {
    return those([&](const IkeSa& sa) { return sa.remote.address == peer; });
  }
  std::vector<const IkeSa*> half_open() const {
    const auto all = those([](const IkeSa& sa) { return is_half_open(sa); });
    return {all.begin(), all.end()};
  }
  /// Of those that have not ended.
  std::vector<IkeSa*> due(Time now) const {
    return those([&](const IkeSa& sa) {
      const auto deadline = deadline_of(sa);
      return deadline && *deadline <= now;
    });
  }
  std::set<std::uint64_t> with_mapping() const {
    std::set<std::uint64_t> cookies;
    for (const IkeSa* sa : those([](const IkeSa& each) { return keeps_mapping(each); }))
      cookies.insert(own_cookie(*sa));
    return cookies;
  }

 private:
  template <typename Which>
  std::vector<IkeSa*> those(const Which& which) const {
    std::vector<IkeSa*> all;
    for (const auto& [cookie, sa] : table_.all()) {
      if (which(*sa)) all.push_back(sa.get());
    }
    return all;
  }
  const SaTable& table_;
};

/// Comes, is established, ends, in any order: what the table says is what a walk would find.
TEST(SaTable, SaysWhatAWalkWouldFind) {
  static constexpr std::array kAddresses{"192.0.2.1", "192.0.2.2", "fe80::1", "fe80::1%2"};
  testudo::test::SeededRandom random{5};
  SaTable table;
  for (std::uint64_t cookie = 1; cookie < 2000; ++cookie) {
    const auto drawn = [&](std::size_t below) { return random.between(0, static_cast<std::uint32_t>(below - 1)); };
    const Role role = drawn(3) == 0 ? Role::Initiator : Role::Responder;
    put(table, {role, cookie, cookie + 10'000, kAddresses.at(drawn(kAddresses.size()))});
    auto some = table.all().begin();
    std::advance(some, drawn(table.all().size()));
    IkeSa& changed = *table.find(some->first);
    drawn(2) == 0 ? table.end(changed) : static_cast<void>(changed.state = State::Established);
    changed.expires = changed.created = Time{std::chrono::seconds{drawn(500)}};
    changed.nat.here = changed.nat.floated = drawn(2) == 0;
    if (drawn(4) == 0) {
      table.settle();
      const Time now{std::chrono::seconds{drawn(500)}};
      ASSERT_EQ(table.due(now), Walk{table}.due(now)) << cookie;
      ASSERT_EQ(table.next_deadline().has_value(), !Walk{table}.due(Time::max()).empty()) << cookie;
      ASSERT_EQ(table.with_mapping(), Walk{table}.with_mapping()) << cookie;
    }
    for (const char* peer : kAddresses) {
      const net::Address at = *net::Address::parse(peer);
      ASSERT_EQ(table.with(at), Walk{table}.with(at)) << cookie;
    }
    ASSERT_EQ(table.half_open(), Walk{table}.half_open()) << cookie;
  }
  table.clear();
  EXPECT_FALSE(table.next_deadline());
  EXPECT_TRUE(table.with_mapping().empty());
  EXPECT_TRUE(table.all().empty());
  EXPECT_TRUE(table.half_open().empty());
}

}  // namespace
}  // namespace testudo::ike::v1
