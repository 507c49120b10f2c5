#include "app/racoon/question_rules.h"

#include <gtest/gtest.h>

namespace testudo::app {
namespace {

using wire::racoon::AskHook;
using wire::racoon::AskSocket;

net::Endpoint place(const char* address, std::uint16_t port) {
  return {*net::Address::parse(address), port};
}

AskHook good_hook() {
  return {0, "up.sh", place("192.0.2.1", 500), place("192.0.2.2", 500),
          1, 2,       "vpn.example.org",       {{"INTERNAL_ADDR4", "10.0.0.1"}, {"XAUTH_USER", "anna"}}};
}

TEST(QuestionRules, AHookOfTheConfigurationRuns) {
  const auto hook = permitted(good_hook(), {"up.sh"});
  ASSERT_TRUE(hook);
  EXPECT_EQ(hook->event, ike::Hook::Event::Phase1Up);
  EXPECT_EQ(hook->script, "up.sh");
  EXPECT_EQ(hook->peer, "vpn.example.org");
  EXPECT_EQ(hook->variables.size(), 2U);
}

TEST(QuestionRules, AScriptThatTheConfigurationDoesNotNameDoesNotRun) {
  for (const char* script : {"", "down.sh", "../up.sh", "./up.sh", "/bin/sh", "up.sh "}) {
    AskHook question = good_hook();
    question.script = script;
    EXPECT_FALSE(permitted(question, {"up.sh"})) << script;
  }
  EXPECT_FALSE(permitted(good_hook(), std::set<std::string>{}));
}

TEST(QuestionRules, AVariableThatNoHookHasDoesNotReachAScript) {
  for (const char* name : {"PATH", "LD_PRELOAD", "BASH_ENV", "IFS", "", "INTERNAL_ADDR4=x\nPATH", "TESTUDO_RUN"}) {
    AskHook question = good_hook();
    question.variables = {{name, "x"}};
    EXPECT_FALSE(permitted(question, {"up.sh"})) << name;
  }
}

TEST(QuestionRules, WhatIsNotPrintableDoesNotReachAScript) {
  AskHook question = good_hook();
  question.variables = {{"DEFAULT_DOMAIN", "a\nb"}};
  EXPECT_FALSE(permitted(question, {"up.sh"}));
  question = good_hook();
  question.peer = "\x1b[2J";
  EXPECT_FALSE(permitted(question, {"up.sh"}));
  question = good_hook();
  question.event = 3;
  EXPECT_FALSE(permitted(question, {"up.sh"}));
}

TEST(QuestionRules, TheScriptsOfAllRemoteBlocksAreKnown) {
  ike::Policy policy;
  policy.remotes.resize(2);
  policy.remotes[0].scripts.up = "a";
  policy.remotes[1].scripts = {"", "b", "c"};
  EXPECT_EQ(scripts_of(policy), (std::set<std::string>{"a", "b", "c"}));
}

TEST(QuestionRules, WithoutListenTheHostsOwnAddressesAreOpenedAtTheTwoPorts) {
  const config::RacoonConf conf;
  const std::vector<net::Address> own{*net::Address::parse("192.0.2.1"), *net::Address::parse("2001:db8::1")};
  EXPECT_TRUE(permitted(AskSocket{place("192.0.2.1", 500), false}, conf, own));
  EXPECT_TRUE(permitted(AskSocket{place("2001:db8::1", 4500), true}, conf, own));
  EXPECT_FALSE(permitted(AskSocket{place("192.0.2.1", 4500), false}, conf, own));
  EXPECT_FALSE(permitted(AskSocket{place("192.0.2.1", 53), false}, conf, own));
  EXPECT_FALSE(permitted(AskSocket{place("192.0.2.2", 500), false}, conf, own));
  EXPECT_FALSE(permitted(AskSocket{place("0.0.0.0", 500), false}, conf, own));
}

TEST(QuestionRules, WithListenOnlyWhatItNames) {
  config::RacoonConf conf;
  conf.listen.isakmp = {place("192.0.2.1", 500)};
  conf.listen.isakmp_natt = {place("192.0.2.1", 4501)};
  const std::vector<net::Address> own{*net::Address::parse("192.0.2.1"), *net::Address::parse("192.0.2.9")};
  EXPECT_TRUE(permitted(AskSocket{place("192.0.2.1", 500), false}, conf, own));
  EXPECT_TRUE(permitted(AskSocket{place("192.0.2.1", 4501), true}, conf, own));
  EXPECT_FALSE(permitted(AskSocket{place("192.0.2.1", 500), true}, conf, own));
  EXPECT_FALSE(permitted(AskSocket{place("192.0.2.9", 500), false}, conf, own));
}

}  // namespace
}  // namespace testudo::app
