// What the table of children says by its indexes is what a walk through all of them would find.
#include "ike/v1/child_table.h"

#include <gtest/gtest.h>

#include <array>

#include "support/random.h"

namespace testudo::ike::v1 {
namespace {

constexpr std::array kPeerAddresses{"192.0.2.1", "192.0.2.2", "2001:db8::1"};
constexpr std::array kPeerNetworks{"10.1.0.0/16", "10.2.0.0/16", "10.2.0.0/24"};

Child child_of(std::uint32_t id, const char* peer, const char* network, std::uint32_t in, std::uint32_t out) {
  Child child;
  child.id = ChildId{id};
  child.request.local = *net::Address::parse("192.0.2.9");
  child.request.remote = *net::Address::parse(peer);
  child.request.outbound = {*net::Prefix::parse("10.9.0.0/16"), *net::Prefix::parse(network)};
  child.pairs = {{ChildProtocol::Esp, Spi{in}, Spi{out}}};
  return child;
}

template <typename Which>
std::vector<Child*> those(const ChildTable& table, const Which& which) {
  std::vector<Child*> found;
  for (const Child& each : table.all()) {
    if (which(each)) found.push_back(table.find(each.id));
  }
  return found;
}

TEST(ChildTable, SaysWhatAWalkWouldFind) {
  testudo::test::SeededRandom random{3};
  const auto drawn = [&](std::size_t below) { return random.between(0, static_cast<std::uint32_t>(below - 1)); };
  ChildTable table;
  for (std::uint32_t step = 1; step < 1500; ++step) {
    // Not in the order of their ids: some take longer.
    const std::uint32_t id = step ^ 3U;
    Child added =
        child_of(id, kPeerAddresses.at(drawn(3)), kPeerNetworks.at(drawn(3)), 0x1000 + drawn(40), 0x1000 + drawn(40));
    added.behind_nat = drawn(3) == 0;
    table.add(std::move(added));
    if (Child* const some = table.find(ChildId{drawn(step) + 1})) {
      table.set_last_chance(*some, drawn(2) == 0 ? std::nullopt : std::optional{Time{std::chrono::seconds{drawn(90)}}});
    }
    if (drawn(3) != 0) table.erase(ChildId{drawn(step) + 1});
    const net::Address peer = *net::Address::parse(kPeerAddresses.at(drawn(3)));
    ASSERT_EQ(table.with(peer), those(table, [&](const Child& c) { return c.request.remote == peer; })) << step;
    const net::Selector outbound = child_of(0, kPeerAddresses[0], kPeerNetworks.at(drawn(3)), 0, 0).request.outbound;
    ASSERT_EQ(table.with(outbound), those(table, [&](const Child& c) { return c.request.outbound == outbound; }));
    const Spi spi{0x1000 + drawn(40)};
    const auto has_spi = [&](const Child& c) { return c.pairs[0].in == spi || c.pairs[0].out == spi; };
    ASSERT_EQ(table.with(ChildProtocol::Esp, spi), those(table, has_spi)) << step;
    ASSERT_TRUE(table.with(ChildProtocol::Ah, spi).empty());
    const Time now{std::chrono::seconds{drawn(90)}};
    ASSERT_EQ(table.at_last_chance(now),
              those(table, [&](const Child& c) { return c.last_chance && *c.last_chance <= now; }))
        << step;
    ASSERT_EQ(table.behind_nat().size(), those(table, [](const Child& c) { return c.behind_nat; }).size());
    ASSERT_EQ(table.next_last_chance().has_value(),
              !those(table, [](const Child& c) { return c.last_chance.has_value(); }).empty());
  }
}

TEST(ChildTable, OneThatComesAgainIsTheLast) {
  ChildTable table;
  table.add(child_of(1, kPeerAddresses[0], kPeerNetworks[0], 1, 2));
  table.add(child_of(2, kPeerAddresses[0], kPeerNetworks[0], 3, 4));
  table.add(child_of(1, kPeerAddresses[1], kPeerNetworks[0], 5, 6));
  EXPECT_EQ(table.all().size(), 2U);
  EXPECT_EQ(table.all().back().id, ChildId{1});
  EXPECT_TRUE(table.with(ChildProtocol::Esp, Spi{1}).empty());
  EXPECT_EQ(table.with(*net::Address::parse(kPeerAddresses[0])).size(), 1U);
  table.clear();
  EXPECT_TRUE(table.all().empty());
  EXPECT_EQ(table.find(ChildId{1}), nullptr);
}

}  // namespace
}  // namespace testudo::ike::v1
