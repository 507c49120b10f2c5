// XAUTH: who may log in, what both sides say when nobody may, and what has to wait until somebody has.
#include <gtest/gtest.h>

#include "ike/throttle.h"
#include "ike/v1/xauth.h"
#include "support/ike_tamper.h"

namespace testudo::ike::v1 {
namespace {

using test::default_policy;
using test::Pair;
using test::seconds;
using test::Side;
using test::Tamper;
using v1wire::Attribute;
namespace config = v1wire::config;

/// `a` is the client anna of the server `b`.
struct Xauthed : Pair {
  explicit Xauthed(v1wire::Exchange mode = v1wire::Exchange::Main) : Pair(default_policy()) {
    for (Side* side : {&a, &b}) block(*side).exchange_modes = {mode};
    block(a).proposals[0].xauth = Xauth::Client;
    block(b).proposals[0].xauth = Xauth::Server;
    block(a).xauth_login = "anna";
    a.keys.of["anna"] = "tulip";
    b.accounts["anna"] = "tulip";
  }
  static Remote& block(Side& side) { return side.policy.remotes[0]; }
  bool said(const Side& side, const std::string& words) const {
    return std::ranges::any_of(side.refusals,
                               [&](const Refusal& r) { return sentence(r).find(words) != std::string::npos; });
  }
  bool nothing_came_of_it() {
    return a.in.empty() && a.out.empty() && b.in.empty() && b.out.empty() && a.machine().v1().sas().empty() &&
           b.machine().v1().sas().empty();
  }
};

class LoginIn : public testing::TestWithParam<v1wire::Exchange> {};
INSTANTIATE_TEST_SUITE_P(Modes, LoginIn,
                         testing::Values(v1wire::Exchange::Main, v1wire::Exchange::Aggressive, v1wire::Exchange::Base));

TEST_P(LoginIn, TheRightPasswordOpensPhase2) {
  Xauthed p{GetParam()};
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
  EXPECT_EQ(p.a.count(Fact::LoggedIn), 1U);
  EXPECT_EQ(p.b.count(Fact::LoggedIn), 1U);
  ASSERT_EQ(p.b.questions.size(), 1U);
  EXPECT_EQ(p.b.questions[0].user, "anna");
  EXPECT_TRUE(p.a.refusals.empty());
  EXPECT_TRUE(p.b.refusals.empty());
  p.pass(seconds{120});
  EXPECT_TRUE(p.keyed_alike()) << "nothing is left that times out";
}

TEST_P(LoginIn, AWrongPasswordEndsPhase1WithAReasonAtBothEnds) {
  Xauthed p{GetParam()};
  p.a.keys.of["anna"] = "rose";
  p.want(p.a);
  p.pass(seconds{5});
  EXPECT_TRUE(p.nothing_came_of_it());
  EXPECT_TRUE(p.said(p.b, "login is not accepted; ours: unknown, or not with this password; theirs: user anna"));
  EXPECT_TRUE(p.said(p.a, "login is not accepted; ours: user anna; theirs: refused"));
  EXPECT_TRUE(p.said(p.a, "login failed: unknown user or wrong password"));
  EXPECT_EQ(p.a.count(Fact::LoginFailed), 1U);
  EXPECT_EQ(p.b.count(Fact::LoginFailed), 1U);
  EXPECT_EQ(p.a.abandoned.size(), 1U) << "who waits is told";
}

TEST(Login, AnUnknownUserIsToldNothingElse) {
  Xauthed wrong, unknown;
  wrong.a.keys.of["anna"] = "rose";
  unknown.b.accounts.clear();
  for (Xauthed* p : {&wrong, &unknown}) p->want(p->a);
  ASSERT_FALSE(wrong.a.refusals.empty());
  ASSERT_FALSE(unknown.a.refusals.empty());
  EXPECT_EQ(sentence(wrong.a.refusals[0]), sentence(unknown.a.refusals[0]));
}

TEST(Login, WithoutAPasswordTheClientGivesUpAndSaysWhy) {
  Xauthed p;
  p.a.keys.of.erase("anna");
  p.want(p.a);
  p.pass(seconds{1});
  EXPECT_TRUE(p.nothing_came_of_it());
  EXPECT_TRUE(p.said(p.a, "no password was found for login anna"));
  EXPECT_TRUE(p.said(p.b, "the client gave up"));
  EXPECT_TRUE(p.b.questions.empty());
}

TEST(Login, WithoutANameTheClientSaysHowToGiveOne) {
  Xauthed p;
  Xauthed::block(p.a).xauth_login.clear();
  p.want(p.a);
  EXPECT_TRUE(p.said(p.a, "add xauth_login \"NAME\"; to remote anonymous here"));
}

TEST(Login, WhatAnAdministratorGivesComesBeforeTheConfiguration) {
  Xauthed p;
  p.b.accounts["berta"] = "lily";
  auto login = std::make_shared<UserPassword>();
  login->user = "berta";
  login->password = Secret{as_bytes("lily")};
  p.event(p.a, Connect{p.a.here, p.a.there, login});
  p.settle();
  ASSERT_EQ(p.b.questions.size(), 1U);
  EXPECT_EQ(p.b.questions[0].user, "berta");
  EXPECT_EQ(p.a.count(Fact::Phase1Ready), 1U);
}

TEST(Login, NothingOfPhase2IsTakenBeforeIt) {
  Xauthed p;
  p.b.judges = false;
  Xauthed::block(p.a).proposals[0].xauth = Xauth::Client;
  p.want(p.a);
  EXPECT_EQ(p.a.count(Fact::Phase1Established), 1U);
  EXPECT_EQ(p.a.count(Fact::Phase1Ready), 0U);
  EXPECT_EQ(p.a.count(Fact::Phase2Started), 0U) << "the client waits";
  EXPECT_EQ(p.b.count(Fact::Phase1Ready), 0U);
  // A client that does not wait: its machine takes the login for done.
  for (const auto& [cookie, sa] : p.a.machine().v1().sas()) {
    sa->login.state = v1::Login::State::Passed;
  }
  ChildRequest wanted = p.request();
  wanted.outbound.protocol = 6;
  p.event(p.a, Wanted{wanted});
  p.settle();
  EXPECT_TRUE(p.b.in.empty());
  EXPECT_TRUE(p.said(p.b, "Attempt to start phase 2 whereas Xauth failed"));
  EXPECT_TRUE(p.said(p.a, "XAUTH is not done"));
}

TEST(Login, OnlyAServerThatAsksIsAnswered) {
  Xauthed p;
  // Both are clients of the same method: the number on the wire says that the initiator logs in.
  Xauthed::block(p.b).proposals[0].xauth = Xauth::Client;
  p.want(p.a);
  EXPECT_TRUE(p.said(p.b, "authentication method does not match; ours: xauth_psk_client; theirs: xauth_psk_client"));
}

TEST(Login, APlainServerIsNotEnoughForAClient) {
  Xauthed p;
  Xauthed::block(p.b).proposals[0].xauth = Xauth::None;
  p.want(p.a);
  EXPECT_TRUE(p.said(p.b, "authentication method does not match; ours: pre_shared_key; theirs: xauth_psk_client"));
}

TEST(Login, AServerThatNeverAsksIsGivenUp) {
  Xauthed p;
  // From message 7 on, which is the question, nothing of the server arrives.
  p.link = [](unsigned n, ByteVector&) { return n >= 7 ? 0U : 1U; };
  p.want(p.a);
  p.pass(seconds{90});
  EXPECT_TRUE(p.nothing_came_of_it());
  EXPECT_TRUE(p.said(p.a, "XAUTH does not come"));
  EXPECT_TRUE(p.said(p.b, "XAUTH asks for a user's name and password"));
}

TEST(Login, EveryMessageMayBeLostOnce) {
  for (unsigned lost = 7; lost <= 10; ++lost) {
    Xauthed p;
    p.link = [lost](unsigned n, ByteVector&) { return n == lost ? 0U : 1U; };
    p.want(p.a);
    p.pass(seconds{10});
    EXPECT_TRUE(p.keyed_alike()) << "message " << lost;
    EXPECT_EQ(p.b.questions.size(), 1U) << "asked once";
  }
}

TEST(Login, EveryMessageMayComeTwice) {
  Xauthed p;
  p.link = [](unsigned, ByteVector&) { return 2U; };
  p.want(p.a);
  p.pass(seconds{60});
  EXPECT_TRUE(p.keyed_alike());
  EXPECT_EQ(p.b.questions.size(), 1U);
}

TEST(Login, AWrongHashIsNoAnswer) {
  Xauthed p;
  Tamper tamper{p};
  p.link = [&](unsigned n, ByteVector& datagram) {
    const auto flip = [](ByteVector& plain) { plain[4] ^= 1; };  // the first byte of HASH
    static_cast<void>(tamper.under_encryption(datagram, n == 8 ? Tamper::Change{flip} : Tamper::Change{}));
    return 1U;
  };
  p.want(p.a);
  EXPECT_TRUE(p.b.questions.empty());
  EXPECT_EQ(p.b.count(Fact::LoginFailed), 0U);
}

TEST(Login, AnotherKindOfLoginIsRefused) {
  Configuration question = login_question();
  UserPassword login;
  login.user = "anna";
  ASSERT_TRUE(login_answer(question, login));
  question.attributes[0] = Attribute::of(config::kXauthType, 2);
  EXPECT_FALSE(login_answer(question, login));
  question = login_question();
  question.attributes.push_back(Attribute::of(config::kXauthChallenge, as_bytes("12345")));
  EXPECT_FALSE(login_answer(question, login));
}

TEST(Login, WhatCannotBeANameOrAPasswordIsRefused) {
  const auto answer = [](Bytes user, Bytes password) {
    return Configuration{Configuration::Type::Reply,
                         1,
                         {Attribute::of(config::kXauthUser, user), Attribute::of(config::kXauthPassword, password)}};
  };
  EXPECT_TRUE(read_login(answer(as_bytes("anna"), as_bytes("tulip"))));
  EXPECT_FALSE(read_login(answer(as_bytes(""), as_bytes("tulip"))));
  EXPECT_FALSE(read_login(answer(as_bytes("an\nna"), as_bytes("tulip"))));
  EXPECT_FALSE(read_login(answer(as_bytes(std::string_view{"an\0na", 5}), as_bytes("tulip"))));
  EXPECT_FALSE(read_login(answer(as_bytes("anna"), as_bytes(std::string_view{"tu\0lip", 6}))));
  EXPECT_FALSE(read_login(answer(as_bytes(std::string(256, 'a')), as_bytes("tulip"))));
  EXPECT_FALSE(read_login(answer(as_bytes("anna"), as_bytes(std::string(1025, 'a')))));
  Configuration none = answer(as_bytes("anna"), {});
  none.attributes.pop_back();
  EXPECT_FALSE(read_login(none));
}

TEST(Login, WrongPasswordsMakeTheNextOneWait) {
  Xauthed p;
  p.a.keys.of["anna"] = "rose";
  for (Side* side : {&p.a, &p.b}) side->policy.mode_config.auth_throttle = seconds{3};
  p.want(p.a);
  EXPECT_EQ(p.b.questions.size(), 1U);
  p.a.keys.of["anna"] = "tulip";
  p.want(p.a);
  EXPECT_EQ(p.b.questions.size(), 1U) << "not yet";
  EXPECT_EQ(p.b.count(Fact::LoginDelayed), 1U);
  p.pass(seconds{4});
  EXPECT_EQ(p.b.questions.size(), 2U);
  EXPECT_TRUE(p.keyed_alike());
}

TEST(Login, AClientThatEndsWhileItIsJudgedHarmsNobody) {
  Xauthed p;
  p.b.judges = false;
  p.want(p.a);
  ASSERT_EQ(p.b.questions.size(), 1U);
  p.event(p.a, Disconnect{{}, {}, true, true, {}});
  p.settle();
  EXPECT_TRUE(p.b.machine().v1().sas().empty());
  p.event(p.b, LoginJudged{p.b.questions[0].login, true, ""});
  p.settle();
  EXPECT_EQ(p.b.count(Fact::LoggedIn), 0U);
}

TEST(Login, TheHooksHaveTheUser) {
  Xauthed p;
  Xauthed::block(p.a).scripts.up = "up";
  Xauthed::block(p.b).scripts.up = "up";
  p.want(p.a);
  for (Side* side : {&p.a, &p.b}) {
    ASSERT_EQ(side->hooks.size(), 1U);
    EXPECT_EQ(side->hooks[0].variables, (Variables{{"XAUTH_USER", "anna"}}));
  }
}

TEST(Login, NoHookRunsForWhoDidNotLogIn) {
  Xauthed p;
  for (Side* side : {&p.a, &p.b}) Xauthed::block(*side).scripts = {"up", "down", "dead"};
  p.a.keys.of["anna"] = "rose";
  p.want(p.a);
  EXPECT_TRUE(p.a.hooks.empty());
  EXPECT_TRUE(p.b.hooks.empty());
}

TEST(Login, OnlyWhoHasLoggedInEndsSasOfTheSameIdentity) {
  Xauthed p;
  p.want(p.a);
  ASSERT_TRUE(p.keyed_alike());
  // Another host of the group with the same key and identifier, that says INITIAL-CONTACT and has no password.
  p.a.made.reset();
  p.a.in.clear();
  p.a.out.clear();
  p.a.keys.of["anna"] = "rose";
  p.want(p.a);
  EXPECT_FALSE(p.b.out.empty()) << "what anna uses stays";
  EXPECT_EQ(p.b.count(Fact::InitialContact), 1U) << "anna's own";
}

TEST(Throttle, AddsUpAndForgets) {
  Throttle throttle;
  const net::Address who = test::address("192.0.2.9");
  const Time now{seconds{100}};
  EXPECT_EQ(throttle.until(who, now), now);
  throttle.failed(who, now, seconds{2});
  throttle.failed(who, now, seconds{2});
  EXPECT_EQ(throttle.until(who, now), now + seconds{4});
  EXPECT_EQ(throttle.until(test::address("192.0.2.8"), now), now);
  EXPECT_EQ(throttle.until(who, now + seconds{9}), now + seconds{9});
  for (int i = 0; i < 100; ++i) throttle.failed(who, now, seconds{2});
  EXPECT_EQ(throttle.until(who, now), now + seconds{60}) << "never longer than a minute";
  throttle.failed(who, now, {});
  EXPECT_EQ(throttle.until(who, now), now + seconds{60});
}

}  // namespace
}  // namespace testudo::ike::v1
