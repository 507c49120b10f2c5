#include "sad/listing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "support/packets.h"
#include "support/random.h"

namespace testudo::sad {
namespace {

using Members = Group::Members;

/// A group with one SA, which it has its key from.
struct Peopled {
  explicit Peopled(const SaGroup& key) {
    listing.sa = Sa::larval(key, Spi{1000}, 0, 0, Time{});
    group.by_state[0].push_front(listing);
  }
  Listing listing;
  Group group;
};

SaGroup of_ports(std::uint16_t destination) {
  SaGroup key;
  key.ports = {4500, destination};
  return key;
}

std::vector<const Listing*> all_of(const Members& members) {
  std::vector<const Listing*> out;
  for (const Listing* l = members.front(); l != nullptr; l = Members::after(*l)) out.push_back(l);
  std::vector<const Listing*> backwards;
  for (const Listing* l = members.back(); l != nullptr; l = members.before(*l)) backwards.insert(backwards.begin(), l);
  EXPECT_EQ(out, backwards);
  return out;
}

TEST(Chain, IsAListWhateverComesAndGoes) {
  std::deque<Listing> items(20);
  Members chain;
  std::vector<const Listing*> expected;
  test::SeededRandom random{5};
  for (int step = 0; step < 5000; ++step) {
    Listing& item = items[random.below(20)];
    const auto at = std::find(expected.begin(), expected.end(), &item);
    if (at != expected.end()) {
      chain.erase(item);
      expected.erase(at);
    } else if (const auto place = random.below(3); place == 0) {
      chain.push_front(item);
      expected.insert(expected.begin(), &item);
    } else if (place == 1 || expected.empty()) {
      chain.push_back(item);
      expected.push_back(&item);
    } else {
      const std::size_t before = random.below(static_cast<std::uint32_t>(expected.size()));
      chain.insert(const_cast<Listing*>(expected[before]), item);
      expected.insert(expected.begin() + static_cast<std::ptrdiff_t>(before), &item);
    }
    ASSERT_EQ(all_of(chain), expected) << "step " << step;
    ASSERT_EQ(chain.empty(), expected.empty());
  }
}

TEST(Chain, FindsFromBothEnds) {
  std::deque<Listing> items(3);
  Members chain;
  for (Listing& item : items) chain.push_back(item);
  items[0].serial = items[2].serial = 7;
  const auto seven = [](const Listing& l) { return l.serial == 7; };
  EXPECT_EQ(chain.find(seven), &items[0]);
  EXPECT_EQ(chain.find_last(seven), &items[2]);
  EXPECT_EQ(chain.find([](const Listing& l) { return l.serial == 8; }), nullptr);
}

TEST(GroupChains, AreListsByKeyNewestFirst) {
  std::deque<Peopled> groups;
  for (std::uint32_t i = 0; i < 40; ++i) {
    SaGroup key;
    key.source = net::Address::v4(i % 5);
    key.reqid = ReqId{i};
    groups.emplace_back(key);
  }
  GroupChains<PairOfGroup, &Group::in_pair> chains;
  std::map<std::uint32_t, std::list<const Group*>> expected;
  std::vector<bool> there(40);
  test::SeededRandom random{9};
  for (int step = 0; step < 5000; ++step) {
    const std::uint32_t i = random.below(40);
    std::list<const Group*>& list = expected[i % 5];
    if (there[i]) {
      chains.remove(groups[i].group);
      list.remove(&groups[i].group);
    } else {
      chains.add(groups[i].group);
      list.push_front(&groups[i].group);
    }
    there[i] = !there[i];
    for (const auto& [source, wanted] : expected) {
      std::list<const Group*> found;
      const Group* group = chains.first({SaProtocol::Esp, net::Address::v4(source), net::Address{}});
      for (; group != nullptr; group = chains.after(*group)) found.push_back(group);
      ASSERT_EQ(found, wanted) << "step " << step;
    }
  }
}

TEST(GroupTable, TellsGroupsApartByTheWholeKeyAndRequestsWithoutPorts) {
  Peopled here{of_ports(4500)}, there{of_ports(4501)};
  GroupTable<WholeGroup> whole;
  whole.put(here.group);
  whole.put(there.group);
  EXPECT_EQ(whole.find(of_ports(4500)), &here.group);
  EXPECT_EQ(whole.find(of_ports(4501)), &there.group);
  EXPECT_EQ(whole.find(SaGroup{}), nullptr);
  whole.remove(of_ports(4500));
  EXPECT_EQ(whole.find(of_ports(4500)), nullptr);
  GroupTable<RequestOfGroup> requests;
  requests.put(here.group);
  requests.put(there.group);
  EXPECT_EQ(requests.find(SaGroup{}), &there.group);
}

}  // namespace
}  // namespace testudo::sad
