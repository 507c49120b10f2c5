// One host and ten thousand peers, each with an address and a machine of its own.  Where a message costs a walk through
// all SAs, this takes minutes instead of seconds.
#include <gtest/gtest.h>

#include <set>

#include "base/endian.h"
#include "unit/ike/pair.h"

namespace testudo::ike::v1 {
namespace {

constexpr std::uint32_t kPeers = 10'000;
constexpr std::uint32_t kNetwork = 0x0a010000;

/// Enough of a host for its machine: what it sends waits in `sent`.
struct Host {
  Host(std::shared_ptr<const Policy> policy, const KeyStore& keys, const PolicyBase& policies)
      : machine(std::move(policy), keys, policies) {}

  void happen(const Event& event, Time now, Random& random) {
    for (Action& action : machine.on(event, now, random)) {
      if (auto* message = std::get_if<Send>(&action)) {
        sent.push_back(std::move(*message));
      } else if (const auto* spi = std::get_if<AllocateSpi>(&action)) {
        happen(SpiAllocated{spi->child, spi->item_index, Spi{next_spi++}}, now, random);
      } else if (const auto* install = std::get_if<Install>(&action)) {
        (install->sa.direction == ChildSa::Direction::In ? in : out).insert(install->sa.spi.value);
      } else if (const auto* remove = std::get_if<Remove>(&action)) {
        in.erase(remove->spi.value);
        out.erase(remove->spi.value);
      }
    }
  }

  Machine machine;
  std::vector<Send> sent;
  std::set<std::uint32_t> in, out;
  std::uint32_t next_spi = 0x10000;
};

class SameKey final : public KeyStore {
 public:
  std::optional<Secret> pre_shared_key(const std::string&) const override {
    return Secret{as_bytes(std::string_view{"the same for all"})};
  }
};

class ManyPeers : public ::testing::Test {
 protected:
  static net::Address address_of(std::uint32_t number) { return net::Address::v4(kNetwork + number); }

  Host& peer(std::uint32_t number) {
    auto& known = peers[number];
    if (known == nullptr) known = std::make_unique<Host>(policy, keys, policies);
    return *known;
  }
  /// Until nothing is on the way between it and the server.
  void settle(std::uint32_t number) {
    Host& other = peer(number);
    while (!other.sent.empty() || !server.sent.empty()) {
      for (const Send& each : std::exchange(other.sent, {})) {
        server.happen(Received{each.remote, each.local, each.bytes}, now, random);
      }
      for (const Send& each : std::exchange(server.sent, {})) {
        ASSERT_EQ(each.remote.address, address_of(number));
        other.happen(Received{each.remote, each.local, each.bytes}, now, random);
      }
    }
  }
  ChildRequest request_of(std::uint32_t number) const {
    const net::Address own = address_of(number);
    return {0, own, here, {net::Prefix::host(own), net::Prefix::host(here)}, policies.items};
  }

  const net::Address here = *net::Address::parse("192.0.2.1");
  const Time now{std::chrono::seconds{1000}};
  std::shared_ptr<const Policy> policy = std::make_shared<const Policy>(test::default_policy());
  SameKey keys;
  test::Policies policies;
  testudo::test::SeededRandom random{7};
  Host server{policy, keys, policies};
  std::map<std::uint32_t, std::unique_ptr<Host>> peers;
};

TEST_F(ManyPeers, AllGetTheirSasAndAllAreToldOfTheEnd) {
  for (std::uint32_t i = 0; i < kPeers; ++i) {
    peer(i).happen(Wanted{request_of(i)}, now, random);
    ASSERT_NO_FATAL_FAILURE(settle(i));
    ASSERT_EQ(peer(i).in.size(), 1U) << i;
  }
  EXPECT_EQ(server.machine.v1().sas().size(), kPeers);
  EXPECT_EQ(server.machine.v1().children().size(), kPeers);
  EXPECT_EQ(server.in.size(), kPeers);
  // Another phase 2 under the phase 1 that is there, begun by the server.
  ChildRequest again = request_of(kPeers / 2);
  std::swap(again.local, again.remote);
  std::swap(again.outbound.source, again.outbound.destination);
  server.happen(Wanted{again}, now, random);
  ASSERT_NO_FATAL_FAILURE(settle(kPeers / 2));
  EXPECT_EQ(server.in.size(), kPeers + 1);
  EXPECT_EQ(server.machine.v1().sas().size(), kPeers);

  server.happen(Shutdown{}, now, random);
  EXPECT_TRUE(server.in.empty());
  EXPECT_TRUE(server.out.empty());
  for (const Send& each : std::exchange(server.sent, {})) {
    const std::uint32_t number = be32(each.remote.address.bytes().data()) - kNetwork;
    peer(number).happen(Received{each.remote, each.local, each.bytes}, now, random);
  }
  for (std::uint32_t i = 0; i < kPeers; ++i) {
    EXPECT_TRUE(peer(i).in.empty()) << i;
    EXPECT_TRUE(peer(i).machine.v1().sas().empty()) << i;
  }
}

}  // namespace
}  // namespace testudo::ike::v1
