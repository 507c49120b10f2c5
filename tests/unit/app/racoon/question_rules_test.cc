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

// ---- who judges, and with what

config::RacoonConf conf_with_radius() {
  config::RacoonConf conf;
  conf.radius.auth.push_back({"auth.example.org", 1812, Secret{as_bytes("xyzzy5461")}});
  conf.radius.acct.push_back({"acct.example.org", 1813, Secret{as_bytes("plugh")}});
  conf.radius.timeout = 5;
  conf.radius.retries = 2;
  conf.policy.mode_config.auth_groups = {"vpn"};
  return conf;
}

TEST(QuestionRules, ALoginIsJudgedByWhomTheConfigurationNamesAndInItsGroups) {
  using wire::racoon::Source;
  using Given = ike::ModeConfig::AuthSource;
  config::RacoonConf conf = conf_with_radius();
  const wire::racoon::AskLogin question{7, *net::Address::parse("192.0.2.9"), "anna", Secret{as_bytes("tulip")}};
  const auto by_system = task_of(question, conf);
  EXPECT_EQ(by_system.job, wire::racoon::Job::Judge);
  EXPECT_EQ(by_system.source, Source::System);
  EXPECT_EQ(by_system.user, "anna");
  EXPECT_TRUE(equal_constant_time(by_system.password.expose(), as_bytes("tulip")));
  EXPECT_EQ(by_system.remote.to_string(), "192.0.2.9");
  EXPECT_EQ(by_system.groups, (std::vector<std::string>{"vpn"}));
  EXPECT_TRUE(by_system.servers.empty()) << "secrets go to none that has no need of them";
  conf.policy.mode_config.auth_source = Given::Pam;
  EXPECT_EQ(task_of(question, conf).source, Source::Pam);
  conf.policy.mode_config.auth_source = Given::Radius;
  const auto by_radius = task_of(question, conf);
  EXPECT_EQ(by_radius.source, Source::Radius);
  ASSERT_EQ(by_radius.servers.size(), 1U);
  EXPECT_EQ(by_radius.servers[0].host, "auth.example.org");
  EXPECT_EQ(by_radius.timeout, 5);
  EXPECT_EQ(by_radius.tries, 2);
  EXPECT_TRUE(by_radius.proof_required);
  EXPECT_TRUE(by_radius.directory.url.empty());
  conf.policy.mode_config.auth_source = Given::Ldap;
  conf.ldap.base = "dc=example";
  conf.ldap.bind_password = Secret{as_bytes("swordfish")};
  const auto by_directory = task_of(question, conf);
  EXPECT_EQ(by_directory.source, Source::Ldap);
  EXPECT_TRUE(by_directory.servers.empty());
  EXPECT_EQ(by_directory.directory.url + " " + by_directory.directory.base, "ldap://localhost:389 dc=example");
  EXPECT_TRUE(equal_constant_time(by_directory.directory.bind_password.expose(), as_bytes("swordfish")));
  EXPECT_FALSE(by_directory.directory.has_groups);
  conf.policy.mode_config.group_source = ike::ModeConfig::GroupSource::Ldap;
  EXPECT_TRUE(task_of(question, conf).directory.has_groups);
}

TEST(QuestionRules, AccountsAreKeptByWhomTheConfigurationNamesOrByNobody) {
  using wire::racoon::Source;
  using Given = ike::ModeConfig::Accounting;
  config::RacoonConf conf = conf_with_radius();
  const wire::racoon::AskAccounting question{wire::racoon::Job::CloseSession,   7,  2,     90, "anna",
                                             *net::Address::parse("192.0.2.9"), {}, {1, 2}};
  EXPECT_FALSE(task_of(question, conf)) << "whatever the other process asks";
  conf.policy.mode_config.accounting = Given::System;
  EXPECT_EQ(task_of(question, conf)->source, Source::System);
  conf.policy.mode_config.accounting = Given::Pam;
  EXPECT_EQ(task_of(question, conf)->source, Source::Pam);
  conf.policy.mode_config.accounting = Given::Radius;
  const auto task = task_of(question, conf);
  ASSERT_TRUE(task);
  EXPECT_EQ(task->job, wire::racoon::Job::CloseSession);
  ASSERT_EQ(task->servers.size(), 1U);
  EXPECT_EQ(task->servers[0].host, "acct.example.org");
  EXPECT_EQ(task->session, 7U);
  EXPECT_EQ(task->slot, 2U);
  EXPECT_EQ(task->seconds, 90U);
  EXPECT_EQ(task->token, (ByteVector{1, 2}));
  EXPECT_TRUE(task->groups.empty()) << "who has logged in is not judged again";
}

TEST(QuestionRules, ANameInALogLineHasNoLineBreak) {
  EXPECT_EQ(printable("a\nb\x1b"), "a?b?");
  EXPECT_EQ(printable("anna"), "anna");
}

}  // namespace
}  // namespace testudo::app
