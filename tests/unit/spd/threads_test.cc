// Readers look policies up while another thread changes and publishes them: every batch sees the policies of one
// moment, in their order, and all of them.  Says most under ThreadSanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "spd/reader.h"
#include "support/packets.h"
#include "support/random.h"
#include "support/requests.h"

namespace testudo::spd {
namespace {

using test::SeededRandom;

constexpr std::size_t kVersions = 80, kReaders = 2, kFlowsAsked = 40;
constexpr std::uint32_t kNobody = 0;

/// Changes that are the same each time, for selectors that overlap a lot.  A policy is told by its priority.
class Script {
 public:
  /// So many of them, and then the policy by which a reader tells how far they are.
  void make_some(Database& database) {
    for (std::uint32_t i = 1 + random_.below(4); i > 0; --i) make_one(database);
    Policy mark = policy_for(test::selector("192.0.2.1/32", "192.0.2.2/32"));
    mark.priority = ++version_;
    EXPECT_TRUE(database.update(std::move(mark)));
  }

 private:
  static Policy policy_for(const net::Selector& selector) {
    Policy policy;
    policy.selector = selector;
    policy.action = Action::Ipsec;
    policy.requests = {test::request(RequestProtocol::Esp)};
    return policy;
  }
  net::Selector some_selector() {
    const auto prefix = [this](const char* net) {
      const std::uint32_t kind = random_.below(3);
      const std::string host = std::to_string(random_.below(3));
      if (kind == 0) return std::string{net} + ".0.0.0/8";
      return kind == 1 ? net + ("." + host + ".0.0/16") : net + ("." + host + ".0." + host + "/32");
    };
    const auto port = static_cast<std::uint16_t>(random_.chance(30) ? 80 : 0);
    return test::selector(prefix("10").c_str(), prefix("20").c_str(), port == 0 ? net::protocol::kAny : std::uint8_t{6},
                          0, port);
  }
  void make_one(Database& database) {
    Policy policy = policy_for(some_selector());
    policy.priority = ++tag_;
    if (random_.chance(35)) {
      static_cast<void>(database.remove(policy.direction, policy.selector));
    } else {
      EXPECT_TRUE(database.update(std::move(policy)));
    }
  }

  SeededRandom random_{5};
  std::uint32_t version_ = 0, tag_ = 1000;
};

const net::Flow kMark{test::ip("192.0.2.1"), test::ip("192.0.2.2"), 6, 1, 1};

std::vector<net::Flow> flows_asked() {
  SeededRandom random{6};
  std::vector<net::Flow> out;
  for (std::size_t i = 0; i < kFlowsAsked; ++i) {
    const std::string a = std::to_string(random.below(4)), b = std::to_string(random.below(4));
    const auto port = static_cast<std::uint16_t>(random.chance(50) ? 80 : 81);
    out.push_back({test::ip("10." + a + ".0." + a), test::ip("20." + b + ".0." + b), 6, 1024, port});
  }
  return out;
}

/// Who decides about each flow: the first in the list, by trying them all.
std::vector<std::uint32_t> answers_of(const Database& database, const std::vector<net::Flow>& flows) {
  std::vector<std::uint32_t> out;
  for (const net::Flow& flow : flows) {
    std::uint32_t first = kNobody;
    database.for_each(Direction::Out, [&](const Policy& policy) {
      if (first == kNobody && policy.selector.matches(flow)) first = policy.priority;
    });
    out.push_back(first);
  }
  return out;
}

/// By version; version 0 is empty.
std::vector<std::vector<std::uint32_t>> expected_answers(const std::vector<net::Flow>& flows) {
  Database database;
  Script script;
  std::vector<std::vector<std::uint32_t>> out{answers_of(database, flows)};
  for (std::size_t i = 0; i < kVersions; ++i) {
    script.make_some(database);
    out.push_back(answers_of(database, flows));
  }
  return out;
}

std::uint32_t priority_of(const Policy* policy) {
  return policy == nullptr ? kNobody : policy->priority;
}

/// Looks until the last version is published; returns how many versions it saw.
std::size_t watch(Reader& reader, const std::vector<net::Flow>& flows,
                  const std::vector<std::vector<std::uint32_t>>& expected) {
  std::size_t seen = 0, wrong = 0;
  for (std::uint32_t version = 0, before = 0; version < kVersions; before = version) {
    const View& view = reader.enter();
    version = priority_of(view.lookup(Direction::Out, kMark));
    EXPECT_GE(version, before);
    if (version != before) ++seen;
    for (std::size_t i = 0; i < flows.size(); ++i) {
      const Policy* const policy = view.lookup(Direction::Out, flows[i]);
      if (priority_of(policy) != expected[version][i]) ++wrong;
      if (policy != nullptr) policy->count(1, Time{});
    }
    reader.leave();
  }
  EXPECT_EQ(wrong, 0U);
  return seen;
}

TEST(SpdReaders, SeeThePoliciesOfOneMomentWhileTheyChange) {
  const std::vector<net::Flow> flows = flows_asked();
  const auto expected = expected_answers(flows);
  Database database;
  {
    std::vector<std::unique_ptr<Reader>> readers;
    for (std::size_t i = 0; i < kReaders; ++i) readers.push_back(std::make_unique<Reader>(database));
    std::latch start{kReaders + 1};
    std::array<std::atomic<std::size_t>, kReaders> seen{};
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kReaders; ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        seen.at(i) = watch(*readers[i], flows, expected);
      });
    }
    start.arrive_and_wait();
    Script script;
    for (std::size_t i = 0; i < kVersions; ++i) {
      script.make_some(database);
      database.publish();
      std::this_thread::yield();
    }
    threads.clear();
    for (const auto& versions : seen) EXPECT_GT(versions, 1U);
  }
  EXPECT_EQ(answers_of(database, flows), expected.back());
}

TEST(SpdReaders, SeeNothingThatIsNotPublishedAndKeepWhatWasRemoved) {
  Database database;
  Policy first = test::policy(Direction::Out, "10.0.0.0/8", "20.0.0.0/8", Action::Discard);
  const net::Selector selector = first.selector;
  const net::Flow flow{test::ip("10.0.0.1"), test::ip("20.0.0.1"), 6, 1, 1};
  ASSERT_TRUE(database.add(std::move(first)));
  Reader reader{database};
  const View& before = reader.enter();
  const Policy* const held = before.lookup(Direction::Out, flow);
  ASSERT_NE(held, nullptr) << "it was there before the reader came";
  ASSERT_TRUE(database.remove(Direction::Out, selector));
  EXPECT_EQ(database.lookup(Direction::Out, flow), nullptr) << "gone for the database's own thread";
  EXPECT_EQ(before.lookup(Direction::Out, flow), held);
  EXPECT_EQ(held->action, Action::Discard) << "and still there to be read";
  EXPECT_EQ(before.size(), 1U);
  reader.leave();
  database.publish();
  EXPECT_EQ(reader.enter().lookup(Direction::Out, flow), nullptr);
  reader.leave();
}

TEST(SpdReaders, OneThatComesLaterSeesTheSame) {
  Database database;
  const net::Flow flow{test::ip("10.0.0.1"), test::ip("20.0.0.1"), 6, 1, 1};
  for (int life = 0; life < 2; ++life) {
    Reader first{database};
    ASSERT_TRUE(database.update(test::policy(Direction::Out, "10.0.0.0/8", "20.0.0.0/8", Action::None)));
    database.publish();
    Reader second{database};
    EXPECT_NE(first.enter().lookup(Direction::Out, flow), nullptr);
    EXPECT_EQ(&first.enter(), &second.enter());
    first.leave();
    second.leave();
  }
  EXPECT_EQ(database.size(), 1U) << "and stays when all readers have gone";
  EXPECT_NE(database.lookup(Direction::Out, flow), nullptr);
}

}  // namespace
}  // namespace testudo::spd
