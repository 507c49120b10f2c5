#include "ike/policy.h"

#include <gtest/gtest.h>

#include "ike/selector_id.h"

namespace testudo::ike {
namespace {

Policy::ChildKey key_for(const char* remote, std::optional<net::Address> client) {
  const auto whole = [](const char* text) { return id_of(*net::Prefix::parse(text), net::protocol::kAny, 0); };
  return {whole("10.0.0.0/8"), whole(remote), Identity{}, 0, client};
}

/// `clientaddr` of racoon.conf(5): the one address that is the peer's, as a host.
TEST(SainfoOfAClient, IsForTheAddressThatThePeerHasAlone) {
  Policy policy;
  policy.sainfos.resize(2);
  policy.sainfos[0].name = "anonymous";
  policy.sainfos[1].name = "clientaddr";
  policy.sainfos[1].client_address = true;
  const auto lent = *net::Address::parse("10.7.0.9");
  EXPECT_EQ(policy.sainfo_for(key_for("10.7.0.9/32", lent))->name, "clientaddr");
  EXPECT_EQ(policy.sainfo_for(key_for("10.7.0.8/32", lent))->name, "anonymous");
  EXPECT_EQ(policy.sainfo_for(key_for("10.7.0.0/16", lent))->name, "anonymous");
  EXPECT_EQ(policy.sainfo_for(key_for("10.7.0.9/32", std::nullopt))->name, "anonymous");
  policy.sainfos.erase(policy.sainfos.begin());
  EXPECT_EQ(policy.sainfo_for(key_for("10.7.0.8/32", lent)), nullptr);
}

}  // namespace
}  // namespace testudo::ike
