// Mode-config: what a client is given, what it makes of what it reads, and when an address is free again.
#include "ike/v1/mode_config.h"

#include <gtest/gtest.h>

#include "ike/pool.h"
#include "ike/sessions.h"
#include "unit/ike/pair.h"

namespace testudo::ike::v1 {
namespace {

using test::default_policy;
using test::Pair;
using test::seconds;
using test::Side;
using v1wire::Attribute;
namespace config = v1wire::config;

net::Address v4_of(const char* text) {
  return test::address(text);
}

std::string value_of(const Variables& all, const std::string& name) {
  for (const auto& [each, value] : all) {
    if (each == name) return value;
  }
  return "";
}

/// `a` asks the server `b` for an address.
struct Lent : Pair {
  Lent() : Pair(default_policy()) {
    a.policy.remotes[0].mode_cfg = true;
    ModeConfig& conf = b.policy.mode_config;
    conf.network4 = v4_of("10.77.0.1");
    conf.netmask4 = v4_of("255.255.255.0");
    conf.pool_size = 1;
    conf.dns4 = {v4_of("10.77.0.53"), v4_of("10.77.0.54")};
    conf.default_domain = "example.org";
    conf.split_network = {*net::Prefix::parse("10.8.0.0/16"), *net::Prefix::parse("10.9.1.0/24")};
    conf.split_dns = {"example.org", "example.net"};
    conf.banner = "Hello\nthere";
    for (Side* side : {&a, &b}) side->policy.remotes[0].scripts = {"up", "down", "dead"};
  }
  void login() {
    a.policy.remotes[0].proposals[0].xauth = Xauth::Client;
    b.policy.remotes[0].proposals[0].xauth = Xauth::Server;
    a.policy.remotes[0].xauth_login = "anna";
    a.keys.of["anna"] = "tulip";
    b.accounts["anna"] = "tulip";
  }
};

TEST(ModeConfig, ClientHasAllThatTheServerLends) {
  Lent p;
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
  ASSERT_EQ(p.a.hooks.size(), 1U);
  const Variables& all = p.a.hooks[0].variables;
  EXPECT_EQ(value_of(all, "INTERNAL_ADDR4"), "10.77.0.1");
  EXPECT_EQ(value_of(all, "INTERNAL_NETMASK4"), "255.255.255.0");
  EXPECT_EQ(value_of(all, "INTERNAL_MASK4"), "255.255.255.0");
  EXPECT_EQ(value_of(all, "INTERNAL_CIDR4"), "24");
  EXPECT_EQ(value_of(all, "INTERNAL_DNS4"), "10.77.0.53");
  EXPECT_EQ(value_of(all, "INTERNAL_DNS4_LIST"), "10.77.0.53 10.77.0.54");
  EXPECT_EQ(value_of(all, "DEFAULT_DOMAIN"), "example.org");
  EXPECT_EQ(value_of(all, "SPLIT_INCLUDE"), "10.8.0.0/255.255.0.0 10.9.1.0/255.255.255.0");
  EXPECT_EQ(value_of(all, "SPLIT_INCLUDE_CIDR"), "10.8.0.0/16 10.9.1.0/24");
  EXPECT_EQ(value_of(all, "INTERNAL_SPLITDNS_DOMAINS"), "example.org example.net");
  EXPECT_EQ(value_of(all, "SPLIT_LOCAL"), "");
  ASSERT_EQ(p.b.hooks.size(), 1U);
  EXPECT_EQ(value_of(p.b.hooks[0].variables, "INTERNAL_ADDR4"), "10.77.0.1") << "the server's script too";
  const auto ready = std::ranges::find(p.a.told, Fact::Phase1Ready, &Told::fact);
  ASSERT_NE(ready, p.a.told.end());
  EXPECT_EQ(value_of(ready->variables, "BANNER"), "Hello\nthere");
}

TEST(ModeConfig, ComesBehindTheLogin) {
  Lent p;
  p.login();
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
  ASSERT_EQ(p.b.hooks.size(), 1U);
  EXPECT_EQ(value_of(p.b.hooks[0].variables, "XAUTH_USER"), "anna");
  EXPECT_EQ(value_of(p.b.hooks[0].variables, "INTERNAL_ADDR4"), "10.77.0.1");
}

TEST(ModeConfig, WhoHasNotLoggedInGetsNoAddress) {
  Lent p;
  p.login();
  p.a.keys.of["anna"] = "rose";
  p.want(p.a);
  EXPECT_EQ(p.a.count(Fact::Configured), 0U);
  EXPECT_EQ(p.b.count(Fact::Configured), 0U);
}

TEST(ModeConfig, AnEmptyPoolIsAReasonAtBothEnds) {
  Lent p;
  p.b.policy.mode_config.network4.reset();
  p.want(p.a);
  p.pass(seconds{1});
  ASSERT_FALSE(p.a.refusals.empty());
  EXPECT_NE(sentence(p.a.refusals[0]).find("address is missing"), std::string::npos) << sentence(p.a.refusals[0]);
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_NE(sentence(p.b.refusals[0]).find("add network4 to mode_cfg here"), std::string::npos);
  EXPECT_TRUE(p.a.machine().v1().sas().empty());
  EXPECT_EQ(p.a.abandoned.size(), 1U);
  EXPECT_TRUE(p.a.hooks.empty());
}

TEST(ModeConfig, AServerThatDoesNotAnswerIsGivenUp) {
  Lent p;
  p.link = [](unsigned n, ByteVector&) { return n >= 8 ? 0U : 1U; };
  p.want(p.a);
  p.pass(seconds{90});
  ASSERT_FALSE(p.a.refusals.empty());
  EXPECT_NE(sentence(p.a.refusals[0]).find("does the peer give addresses"), std::string::npos);
  EXPECT_EQ(p.a.count(Fact::ConfigurationFailed), 1U);
}

TEST(ModeConfig, LostMessagesAreSaidAgain) {
  for (unsigned lost = 7; lost <= 8; ++lost) {
    Lent p;
    p.link = [lost](unsigned n, ByteVector&) { return n == lost ? 0U : 1U; };
    p.want(p.a);
    p.pass(seconds{5});
    EXPECT_TRUE(p.keyed_alike()) << lost;
    EXPECT_EQ(p.b.count(Fact::Configured), 1U);
  }
}

/// Login and its verdict are messages 7 to 10, the address 11 and 12, quick mode 13 to 15.
TEST(ModeConfig, EveryPairOfMessagesAroundALoginMayBeLost) {
  for (unsigned first = 7; first <= 15; ++first) {
    for (unsigned second = first; second <= 17; ++second) {
      Lent p;
      p.login();
      p.link = [=](unsigned n, ByteVector&) { return n == first || n == second ? 0U : 1U; };
      p.want(p.a);
      p.pass(seconds{25});
      const std::string which = "lost " + std::to_string(first) + " and " + std::to_string(second);
      EXPECT_TRUE(p.keyed_alike()) << which;
      EXPECT_EQ(p.a.in.size(), 1U) << which;
      EXPECT_EQ(p.a.count(Fact::LoggedIn), 1U) << which;
      EXPECT_EQ(p.b.count(Fact::LoggedIn), 1U) << which;
      EXPECT_EQ(p.a.count(Fact::Configured), 1U) << which;
      EXPECT_EQ(p.a.count(Fact::LoginFailed) + p.b.count(Fact::LoginFailed), 0U) << which;
    }
  }
}

TEST(ModeConfig, TheAddressIsFreeWhenPhase1Ends) {
  Lent p;  // which has one address only
  p.login();
  p.a.policy.remotes[0].initial_contact = false;
  p.a.keys.of["berta"] = p.b.accounts["berta"] = "lily";
  const auto connect = [&](const char* user, const char* password) {
    auto login = std::make_shared<UserPassword>();
    login->user = user;
    login->password = Secret{as_bytes(password)};
    p.event(p.a, Connect{p.a.here, p.a.there, std::move(login)});
    p.settle();
  };
  connect("anna", "tulip");
  ASSERT_EQ(p.b.count(Fact::Configured), 1U);
  // The client forgets all without a word: its address stays its own.
  p.a.made.reset();
  connect("berta", "lily");
  EXPECT_EQ(p.b.count(Fact::Configured), 1U);
  EXPECT_NE(sentence(p.b.refusals.at(0)).find("No more addresses available"), std::string::npos);
  p.event(p.b, Logout{"anna"});
  p.settle();
  connect("berta", "lily");
  EXPECT_EQ(p.b.count(Fact::Configured), 2U);
}

TEST(ModeConfig, SasToAnAddressThatIsFreeAgainEnd) {
  Lent p;
  // The client's networks are the address that it was lent.
  p.event(p.a, Connect{p.a.here, p.a.there});
  p.settle();
  ChildRequest wanted = p.request();
  wanted.outbound = {net::Prefix::host(v4_of("10.77.0.1")), net::Prefix::host(v4_of("10.8.0.1"))};
  p.event(p.a, Wanted{wanted});
  p.settle();
  ASSERT_TRUE(p.keyed_alike());
  p.event(p.a, Disconnect{{}, {}, true, false, {}});
  p.settle();
  EXPECT_TRUE(p.b.in.empty());
  EXPECT_TRUE(p.b.out.empty());
}

TEST(ModeConfig, AClientHasNoSasToTheAddressOfAnother) {
  Lent p;
  p.b.policy.mode_config.pool_size = 10;
  p.event(p.a, Connect{p.a.here, p.a.there});
  p.settle();
  ChildRequest wanted = p.request();
  wanted.outbound = {net::Prefix::host(v4_of("10.77.0.2")), net::Prefix::host(v4_of("10.8.0.1"))};
  p.event(p.a, Wanted{wanted});
  p.settle();
  EXPECT_TRUE(p.b.in.empty());
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_NE(sentence(p.b.refusals[0]).find("10.77.0.1 was lent to it; theirs: 10.77.0.2"), std::string::npos)
      << sentence(p.b.refusals[0]);
  ASSERT_FALSE(p.a.refusals.empty());
  EXPECT_NE(sentence(p.a.refusals[0]).find("belong to another client"), std::string::npos);
}

TEST(ModeConfig, NetworksBesideThePoolAreNobodysLoan) {
  ModeConfig conf;
  const auto asked = [](const char* text) { return *net::Prefix::parse(text); };
  EXPECT_FALSE(is_of_another(conf, std::nullopt, asked("10.77.0.1")));
  conf.network4 = v4_of("10.77.0.1");
  conf.pool_size = 10;
  EXPECT_TRUE(is_of_another(conf, std::nullopt, asked("10.77.0.1")));
  EXPECT_FALSE(is_of_another(conf, v4_of("10.77.0.1"), asked("10.77.0.1")));
  EXPECT_TRUE(is_of_another(conf, v4_of("10.77.0.1"), asked("10.77.0.10")));
  EXPECT_FALSE(is_of_another(conf, v4_of("10.77.0.1"), asked("10.77.0.11")));
  EXPECT_FALSE(is_of_another(conf, v4_of("10.77.0.1"), asked("10.77.0.0")));
  EXPECT_TRUE(is_of_another(conf, v4_of("10.77.0.2"), asked("10.77.0.2/31"))) << "more than its own";
  EXPECT_FALSE(is_of_another(conf, v4_of("10.77.0.1"), asked("10.8.0.0/16")));
  EXPECT_FALSE(is_of_another(conf, v4_of("10.77.0.1"), asked("fd00::1")));
}

TEST(ModeConfig, OfThePoolANetworkHoldsNothingButTheOwnAddress) {
  ModeConfig conf;
  const auto reaches = [&](const char* text) {
    return reaches_into_pool(conf, v4_of("10.77.0.2"), *net::Prefix::parse(text));
  };
  EXPECT_FALSE(reaches("0.0.0.0/0")) << "there is no pool";
  conf.network4 = v4_of("10.77.0.1");
  conf.pool_size = 10;
  for (const char* text : {"0.0.0.0/0", "10.0.0.0/8", "10.77.0.0/31", "10.77.0.1/32", "10.77.0.2/31", "10.77.0.10/32"})
    EXPECT_TRUE(reaches(text)) << text;
  for (const char* text :
       {"10.77.0.2/32", "10.77.0.0/32", "10.77.0.11/32", "10.77.0.16/28", "10.78.0.0/16", "fd00::/8"})
    EXPECT_FALSE(reaches(text)) << text;
  EXPECT_TRUE(reaches_into_pool(conf, std::nullopt, *net::Prefix::parse("10.77.0.2/32"))) << "it has borrowed nothing";
}

TEST(ModeConfig, LogoutEndsAllOfAUserAndNothingOfOthers) {
  Lent p;
  p.login();
  p.want(p.a);
  ASSERT_TRUE(p.keyed_alike());
  p.event(p.b, Logout{"berta"});
  p.event(p.b, Logout{""});
  p.settle();
  EXPECT_TRUE(p.keyed_alike());
  p.event(p.b, Logout{"anna"});
  p.settle();
  EXPECT_TRUE(p.a.in.empty());
  EXPECT_TRUE(p.b.in.empty());
  EXPECT_TRUE(p.b.machine().v1().sas().empty());
}

// ---- what a peer says

Assignment assigned(std::uint16_t type, Bytes value) {
  return read_assignment({Configuration::Type::Reply, 1, {Attribute::of(type, value)}});
}

TEST(Assignments, OfAPeerHoldNothingThatAShellWouldMind) {
  EXPECT_EQ(assigned(config::kUnityDomain, as_bytes("example.org")).domain, "example.org");
  for (const char* bad : {"$(reboot)", "a;b", "`x`", "a\nb", "a'b", "-rf", "a/b", "\xc3\xa9"}) {
    EXPECT_EQ(assigned(config::kUnityDomain, as_bytes(bad)).domain, "") << bad;
    EXPECT_TRUE(assigned(config::kUnitySplitDns, as_bytes(bad)).split_domains.empty()) << bad;
  }
  EXPECT_EQ(assigned(config::kUnityBanner, as_bytes("a\x1b[2Jb\nc")).banner, "a[2Jb\nc");
}

TEST(Assignments, OfWrongLengthsAreLeftOut) {
  const ByteVector three{10, 0, 0}, five{10, 0, 0, 1, 2}, zero{0, 0, 0, 0};
  for (const ByteVector& bad : {three, five, zero}) EXPECT_FALSE(assigned(config::kAddress4, bad).address);
  EXPECT_TRUE(assigned(config::kDns4, three).dns.empty());
  EXPECT_TRUE(assigned(config::kUnityInclude, ByteVector(13)).split_include.empty());
  EXPECT_EQ(assigned(config::kUnityInclude, ByteVector(28)).split_include.size(), 2U);
  EXPECT_EQ(assigned(config::kUnityInclude, ByteVector(14 * 100)).split_include.size(), 16U) << "never more";
  const ByteVector holes{10, 0, 0, 0, 255, 0, 255, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_TRUE(assigned(config::kUnityInclude, holes).split_include.empty());
}

// ---- addresses that come with the login

/// RADIUS has one for anna, and anna's session is accounted for.
struct Framed : Lent {
  Framed() {
    login();
    b.policy.mode_config.conf_source = ModeConfig::ConfSource::Radius;
    b.policy.mode_config.accounting = ModeConfig::Accounting::Radius;
    b.given.address = v4_of("172.16.5.5");
    b.given.netmask = v4_of("255.255.0.0");
    b.given.token = {4, 'g', 'o', 'l', 'd'};
  }
  std::string address() { return a.hooks.empty() ? "" : value_of(a.hooks.back().variables, "INTERNAL_ADDR4"); }
};

TEST(ModeConfig, AnAddressThatComesWithTheLoginIsTheClients) {
  Framed p;
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
  EXPECT_EQ(p.address(), "172.16.5.5");
  EXPECT_EQ(value_of(p.a.hooks[0].variables, "INTERNAL_NETMASK4"), "255.255.0.0");
  EXPECT_EQ(value_of(p.a.hooks[0].variables, "INTERNAL_DNS4"), "10.77.0.53") << "the rest is of mode_cfg";
}

TEST(ModeConfig, WithoutNetwork4AddressesComeWithTheLoginAlone) {
  Framed p;
  p.b.policy.mode_config.network4.reset();
  p.want(p.a);
  EXPECT_EQ(p.address(), "172.16.5.5");
}

TEST(ModeConfig, WhereConfSourceIsLocalTheLoginGivesNoAddress) {
  Framed p;
  p.b.policy.mode_config.conf_source = ModeConfig::ConfSource::Local;
  p.want(p.a);
  EXPECT_EQ(p.address(), "10.77.0.1");
}

TEST(ModeConfig, WithoutAnAddressOfTheLoginThePoolHasOne) {
  Framed p;
  p.b.given.address.reset();
  p.want(p.a);
  EXPECT_EQ(p.address(), "10.77.0.1");
}

TEST(ModeConfig, AnAddressOfOneUserIsNotGivenToAnother) {
  Framed p;
  p.want(p.a);
  ASSERT_EQ(p.address(), "172.16.5.5");
  p.a.made.reset();  // who comes now is somebody else
  p.a.policy.remotes[0].xauth_login = "berta";
  p.a.keys.of["berta"] = "rose";
  p.b.accounts["berta"] = "rose";
  p.a.policy.remotes[0].initial_contact = false;
  p.want(p.a);
  EXPECT_EQ(p.a.count(Fact::ConfigurationFailed), 1U);
  const auto refused = std::ranges::find_if(p.b.refusals, [](const Refusal& r) {
    return sentence(r).find("address cannot be given; ours: 172.16.5.5 is in use") != std::string::npos;
  });
  EXPECT_NE(refused, p.b.refusals.end());
}

TEST(ModeConfig, AUserWhoComesFromElsewhereTakesTheAddressAlong) {
  Framed p;
  p.b.policy.remotes[0].peers_identifiers = {Identity::of(p.a.here)};
  p.want(p.a);
  ASSERT_EQ(p.address(), "172.16.5.5");
  ASSERT_EQ(p.b.machine().v1().sas().size(), 1U);
  p.a.made.reset();
  p.nat = v4_of("198.51.100.7");
  p.b.keys.of["198.51.100.7"] = "the same for both";
  p.a.policy.remotes[0].initial_contact = false;
  p.a.hooks.clear();
  p.want(p.a);
  p.pass(seconds{5});
  EXPECT_EQ(p.address(), "172.16.5.5");
  EXPECT_EQ(p.b.machine().v1().sas().size(), 1U) << "what was left behind has ended";
  ASSERT_EQ(p.b.sessions.size(), 3U);
  EXPECT_EQ(p.b.sessions[1].what, Account::What::Ends);
  EXPECT_EQ(p.b.sessions[1].session, p.b.sessions[0].session);
  EXPECT_EQ(p.b.sessions[2].what, Account::What::Begins);
  EXPECT_EQ(p.b.sessions[2].remote, *p.nat);
}

// ---- accounting

TEST(ModeConfig, ASessionIsAccountedForFromItsAddressToItsEnd) {
  Framed p;
  p.want(p.a);
  ASSERT_EQ(p.b.sessions.size(), 1U);
  const Account begun = p.b.sessions[0];
  EXPECT_EQ(begun.what, Account::What::Begins);
  EXPECT_EQ(begun.user, "anna");
  EXPECT_EQ(begun.address, v4_of("172.16.5.5"));
  EXPECT_EQ(begun.remote, p.a.here);
  EXPECT_EQ(begun.token, (ByteVector{4, 'g', 'o', 'l', 'd'}));
  EXPECT_EQ(begun.slot, 0U);
  EXPECT_TRUE(p.a.sessions.empty()) << "a client keeps no accounts";
  p.pass(seconds{90});
  p.event(p.a, Shutdown{});
  p.settle();
  ASSERT_EQ(p.b.sessions.size(), 2U);
  EXPECT_EQ(p.b.sessions[1].what, Account::What::Ends);
  EXPECT_EQ(p.b.sessions[1].session, begun.session);
  EXPECT_EQ(std::chrono::floor<seconds>(p.b.sessions[1].lasted), seconds{90});
}

TEST(ModeConfig, TheEndOfTheServerEndsItsSessions) {
  Framed p;
  p.want(p.a);
  p.event(p.b, Shutdown{});
  ASSERT_EQ(p.b.sessions.size(), 2U);
  EXPECT_EQ(p.b.sessions[1].what, Account::What::Ends);
}

TEST(ModeConfig, WhereNobodyKeepsAccountsNothingIsSaid) {
  Framed p;
  p.b.policy.mode_config.accounting = ModeConfig::Accounting::None;
  p.want(p.a);
  p.event(p.b, Shutdown{});
  EXPECT_TRUE(p.b.sessions.empty());
}

TEST(Sessions, OneLastsAsLongAsAnyPhase1OfItsOwner) {
  Sessions sessions;
  const auto first = sessions.begin("anna", 77, Time{});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->id, 77U);
  EXPECT_FALSE(sessions.begin("anna", 78, Time{} + seconds{9})) << "renewed";
  EXPECT_EQ(sessions.begin("berta", 79, Time{})->slot, 1U);
  EXPECT_FALSE(sessions.end("anna"));
  const auto over = sessions.end("anna");
  ASSERT_TRUE(over);
  EXPECT_EQ(over->id, 77U);
  EXPECT_EQ(over->since, Time{});
  EXPECT_FALSE(sessions.end("anna"));
  EXPECT_EQ(sessions.begin("carla", 80, Time{})->slot, 0U) << "the lowest that is free";
}

TEST(AddressPool, APlaceThatWasClaimedIsLentToNobodyElse) {
  AddressPool pool;
  EXPECT_TRUE(pool.claim("anna", 0));
  EXPECT_TRUE(pool.claim("anna", 0)) << "again, as for a renewed phase 1";
  EXPECT_FALSE(pool.claim("berta", 0));
  EXPECT_TRUE(pool.claim("carla", 4000000000U)) << "behind the pool";
  EXPECT_EQ(pool.take("dora", 2), 1U);
  EXPECT_EQ(pool.take("emma", 2), std::nullopt);
  EXPECT_FALSE(pool.give_back(0));
  EXPECT_TRUE(pool.give_back(0));
  EXPECT_TRUE(pool.claim("berta", 0));
}

TEST(AddressPool, LendsEachPlaceOnceAndTheSameToItsOwner) {
  AddressPool pool;
  EXPECT_EQ(pool.take("anna", 2), 0U);
  EXPECT_EQ(pool.take("berta", 2), 1U);
  EXPECT_EQ(pool.take("carla", 2), std::nullopt);
  EXPECT_EQ(pool.take("anna", 2), 0U);
  EXPECT_FALSE(pool.give_back(0)) << "still in use by the renewed one";
  EXPECT_EQ(pool.take("carla", 2), std::nullopt);
  EXPECT_TRUE(pool.give_back(0));
  EXPECT_FALSE(pool.give_back(0));
  EXPECT_EQ(pool.take("carla", 2), 0U);
  EXPECT_EQ(pool.lent(), 2U);
}

}  // namespace
}  // namespace testudo::ike::v1
