#include "pfkey/client/policy_cache.h"

#include <gtest/gtest.h>

namespace testudo::pfkey::client {
namespace {

using wire::pfkey::Direction;
using wire::pfkey::Message;
using wire::pfkey::PolicyType;
using wire::pfkey::Type;

Message policy(Type type, std::uint32_t id, const char* source, const char* destination) {
  Message m;
  m.type = type;
  const auto from = *net::Prefix::parse(source), to = *net::Prefix::parse(destination);
  m.source = wire::pfkey::AddressExt{{from.address, 0}, 255, static_cast<std::uint8_t>(from.length)};
  m.destination = wire::pfkey::AddressExt{{to.address, 0}, 255, static_cast<std::uint8_t>(to.length)};
  m.policy = wire::pfkey::PolicyExt{};
  m.policy->id = PolicyId{id};
  m.policy->type = PolicyType::Ipsec;
  m.policy->direction = Direction::Out;
  return m;
}

net::Selector selector(const char* source, const char* destination) {
  return {*net::Prefix::parse(source), *net::Prefix::parse(destination)};
}

TEST(PolicyCache, ComesAndGoesWithThePolicies) {
  PolicyCache cache;
  cache.hear(policy(Type::SpdAdd, 7, "10.1.0.0/16", "10.2.0.0/16"));
  EXPECT_NE(cache.find(PolicyId{7}), nullptr);
  EXPECT_NE(cache.find(Direction::Out, selector("10.1.0.0/16", "10.2.0.0/16")), nullptr);
  EXPECT_EQ(cache.find(Direction::In, selector("10.1.0.0/16", "10.2.0.0/16")), nullptr);
  EXPECT_EQ(cache.find(Direction::Out, selector("10.1.0.0/17", "10.2.0.0/16")), nullptr);
  Message failed = policy(Type::SpdDelete, 7, "10.1.0.0/16", "10.2.0.0/16");
  failed.error = 2;
  cache.hear(failed);
  EXPECT_NE(cache.find(PolicyId{7}), nullptr);
  cache.hear(policy(Type::SpdDelete, 7, "10.1.0.0/16", "10.2.0.0/16"));
  EXPECT_EQ(cache.find(PolicyId{7}), nullptr);
}

TEST(PolicyCache, HostBitsBehindThePrefixDoNotMatter) {
  PolicyCache cache;
  cache.hear(policy(Type::SpdAdd, 7, "10.1.2.3/16", "10.2.0.0/16"));
  EXPECT_NE(cache.find(Direction::Out, selector("10.1.0.0/16", "10.2.0.9/16")), nullptr);
}

TEST(PolicyCache, OfSeveralForTheSamePacketsTheFirstIpsecIsFound) {
  PolicyCache cache;
  Message bypass = policy(Type::SpdAdd, 5, "10.1.0.0/16", "10.2.0.0/16");
  bypass.policy->type = PolicyType::None;
  cache.hear(bypass);
  const net::Selector asked = selector("10.1.0.0/16", "10.2.0.0/16");
  EXPECT_EQ(cache.find(Direction::Out, asked), nullptr);
  for (const std::uint32_t id : {9U, 7U, 8U}) cache.hear(policy(Type::SpdAdd, id, "10.1.0.0/16", "10.2.0.0/16"));
  ASSERT_NE(cache.find(Direction::Out, asked), nullptr);
  EXPECT_EQ(cache.find(Direction::Out, asked)->policy.id, PolicyId{7});
  cache.hear(policy(Type::SpdDelete, 7, "10.1.0.0/16", "10.2.0.0/16"));
  EXPECT_EQ(cache.find(Direction::Out, asked)->policy.id, PolicyId{8});
}

TEST(PolicyCache, AnIdThatIsUsedAgainNamesTheNewOne) {
  PolicyCache cache;
  cache.hear(policy(Type::SpdAdd, 7, "10.1.0.0/16", "10.2.0.0/16"));
  cache.hear(policy(Type::SpdUpdate, 7, "10.3.0.0/16", "10.2.0.0/16"));
  EXPECT_EQ(cache.find(Direction::Out, selector("10.1.0.0/16", "10.2.0.0/16")), nullptr);
  EXPECT_NE(cache.find(Direction::Out, selector("10.3.0.0/16", "10.2.0.0/16")), nullptr);
  Message flush;
  flush.type = Type::SpdFlush;
  cache.hear(flush);
  EXPECT_EQ(cache.find(Direction::Out, selector("10.3.0.0/16", "10.2.0.0/16")), nullptr);
  EXPECT_TRUE(cache.entries().empty());
}

}  // namespace
}  // namespace testudo::pfkey::client
