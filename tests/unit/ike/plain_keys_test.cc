// Which of many plain keys are for a peer, and whether they say who it is.
#include "ike/plain_keys.h"

#include <gtest/gtest.h>

namespace testudo::ike {
namespace {

net::Address address(const char* text) {
  return *net::Address::parse(text);
}

Identity fqdn(const std::string& name) {
  return {v1wire::IdType::Fqdn, {name.begin(), name.end()}};
}

const crypto::ike::RsaPrivateKey& any_key() {
  static const auto made = *crypto::ike::RsaPrivateKey::generate(1024, 65537);
  return made;
}

KeyScope scope(const char* local, const char* peer, const std::string& name = "") {
  const auto side = [](const char* text) { return net::Prefix::parse(text); };
  return {side(local), side(peer), name};
}

const std::vector<KeyScope> kScopes{scope("", ""),
                                    scope("", "10.0.0.0/8"),
                                    scope("", "10.0.0.2"),
                                    scope("", "10.0.0.2"),
                                    scope("192.0.2.1", "10.0.0.3"),
                                    scope("", "10.0.0.3"),
                                    scope("", "", "a.example")};

struct Case {
  const char* what;
  const char* remote;
  Identity claimed;
  std::vector<std::size_t> keys;  ///< places in kScopes
  bool prove_name;
};

TEST(PlainKeys, TheMostSpecialAreForAPeerAndNoOthers) {
  PlainKeys keys;
  for (const KeyScope& each : kScopes) keys.peers.push_back({each, any_key().public_key()});
  const std::vector<Case> cases{
      {"its address has lines of its own", "10.0.0.2", Identity::of(address("10.0.0.2")), {2, 3}, true},
      {"a network has it", "10.0.0.9", Identity::of(address("10.0.0.9")), {1}, true},
      {"it comes from elsewhere and claims an address that has a line",
       "203.0.113.1",
       Identity::of(address("10.0.0.2")),
       {2, 3},
       true},
      {"the line with our address goes first", "10.0.0.3", Identity::of(address("10.0.0.3")), {4}, true},
      {"nothing but the line for anybody", "203.0.113.1", Identity::of(address("203.0.113.1")), {0}, false},
      {"an inside address that no line has", "10.0.0.2", Identity::of(address("192.168.1.2")), {2, 3}, false},
      {"a name with a line", "10.0.0.2", fqdn("a.example"), {6}, true},
      {"a longer name", "203.0.113.1", fqdn("a.example.org"), {0}, false},
      {"a name without a line", "10.0.0.2", fqdn("b.example"), {2, 3}, false},
      {"no name at all", "203.0.113.1", fqdn(""), {0}, false},
      {"an address of a wrong length", "203.0.113.1", {v1wire::IdType::V4Address, {10, 0, 0}}, {0}, false},
  };
  for (const Case& each : cases) {
    const auto found = keys.peers_for(address("192.0.2.1"), address(each.remote), each.claimed);
    std::vector<std::size_t> places;
    for (const auto* key : found.keys) places.push_back(static_cast<std::size_t>(key - keys.peers.data()));
    EXPECT_EQ(places, each.keys) << each.what;
    EXPECT_EQ(found.prove_name, each.prove_name) << each.what;
  }
}

TEST(PlainKeys, OurOwnIsTheMostSpecialForBothAddresses) {
  PlainKeys keys;
  EXPECT_EQ(keys.own_for(address("192.0.2.1"), address("10.0.0.2")), nullptr);
  for (const KeyScope& each : kScopes) {
    if (each.name.empty()) keys.own.push_back({each, any_key()});
  }
  const auto place = [&](const char* local, const char* remote) {
    return keys.own_for(address(local), address(remote)) - keys.own.data();
  };
  EXPECT_EQ(place("192.0.2.1", "203.0.113.1"), 0);
  EXPECT_EQ(place("192.0.2.1", "10.1.2.3"), 1);
  EXPECT_EQ(place("192.0.2.1", "10.0.0.2"), 2) << "the first of equals";
  EXPECT_EQ(place("192.0.2.1", "10.0.0.3"), 4);
  EXPECT_EQ(place("192.0.2.9", "10.0.0.3"), 5);
}

}  // namespace
}  // namespace testudo::ike
