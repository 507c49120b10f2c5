#include "wire/racoon_question.h"

#include <gtest/gtest.h>

#include "wire/writer.h"

namespace testudo::wire::racoon {
namespace {

constexpr std::uint8_t kKey = 4, kSignature = 5, kHook = 6, kLogin = 7, kReady = 8, kForbidden = 9, kAccounting = 10;

net::Endpoint endpoint_of(const char* address, std::uint16_t port) {
  return {*net::Address::parse(address), port};
}

template <typename T>
T there_and_back(T question) {
  auto parsed = parse_question(compose(Question{std::move(question)}));
  EXPECT_TRUE(parsed);
  EXPECT_TRUE(std::holds_alternative<T>(*parsed));
  return std::get<T>(*std::move(parsed));
}

AskHook a_hook() {
  return {1, "/etc/racoon/up",  endpoint_of("192.0.2.1", 500),   endpoint_of("2001:db8::2", 4500), 7,
          8, "vpn.example.org", {{"INTERNAL_ADDR4", "10.0.0.1"}}};
}

AskAccounting an_account() {
  return {Job::CloseSession, 7, 2, 90, "anna", *net::Address::parse("2001:db8::9"), net::Address::parse("10.77.0.9"),
          {1, 0, 2}};
}

TEST(RacoonQuestion, WhatIsAskedIsReadAsItWasMeant) {
  const auto socket = there_and_back(AskSocket{endpoint_of("fe80::1%2", 4500), true});
  EXPECT_EQ(socket.at, endpoint_of("fe80::1%2", 4500));
  EXPECT_TRUE(socket.natt);
  EXPECT_EQ(there_and_back(AskKey{"192.0.2.1"}).name, "192.0.2.1");
  AskSignature signature;
  signature.key.fill(7);
  signature.hash = {1, 2, 3};
  EXPECT_EQ(there_and_back(signature).key, signature.key);
  EXPECT_EQ(there_and_back(signature).hash, signature.hash);
  const AskHook hook = there_and_back(a_hook());
  EXPECT_EQ(hook.event, 1);
  EXPECT_EQ(hook.script, "/etc/racoon/up");
  EXPECT_EQ(hook.local, endpoint_of("192.0.2.1", 500));
  EXPECT_EQ(hook.remote, endpoint_of("2001:db8::2", 4500));
  EXPECT_EQ(hook.initiator_cookie, 7U);
  EXPECT_EQ(hook.responder_cookie, 8U);
  EXPECT_EQ(hook.peer, "vpn.example.org");
  EXPECT_EQ(hook.variables, a_hook().variables);
  const AskLogin login = there_and_back(AskLogin{9, *net::Address::parse("192.0.2.9"), "anna", Secret{as_bytes("pw")}});
  EXPECT_EQ(login.login, 9U);
  EXPECT_EQ(login.remote.to_string(), "192.0.2.9");
  EXPECT_EQ(login.user, "anna");
  EXPECT_TRUE(equal_constant_time(login.password.expose(), as_bytes("pw")));
  EXPECT_EQ(there_and_back(SayForbidden{59}).call, 59U);
  const AskAccounting account = there_and_back(an_account());
  EXPECT_EQ(account.job, Job::CloseSession);
  EXPECT_EQ(account.session, 7U);
  EXPECT_EQ(account.slot, 2U);
  EXPECT_EQ(account.seconds, 90U);
  EXPECT_EQ(account.user, "anna");
  EXPECT_EQ(account.remote.to_string(), "2001:db8::9");
  EXPECT_EQ(account.address->to_string(), "10.77.0.9");
  EXPECT_EQ(account.token, (ByteVector{1, 0, 2}));
  EXPECT_FALSE(there_and_back(AskAccounting{}).address);
  there_and_back(AskConfiguration{});
  there_and_back(AskTable{});
  there_and_back(AskAdminSocket{});
  there_and_back(SayReady{});
}

TEST(RacoonQuestion, AReportOfAForbiddenCallIsFiveBytesThatASignalHandlerCanWrite) {
  EXPECT_EQ(compose(Question{SayForbidden{0x01020304}}), (ByteVector{kForbidden, 1, 2, 3, 4}));
}

TEST(RacoonQuestion, EachQuestionThatIsCutAnywhereOrLongerIsRefused) {
  std::vector<Question> all;
  all.emplace_back(AskConfiguration{});
  all.emplace_back(AskSocket{endpoint_of("192.0.2.1", 500), false});
  all.emplace_back(AskKey{"name"});
  all.emplace_back(AskSignature{{}, {1, 2}});
  all.emplace_back(a_hook());
  all.emplace_back(AskLogin{1, {}, "u", Secret{as_bytes("p")}});
  all.emplace_back(SayForbidden{1});
  all.emplace_back(an_account());
  for (const Question& question : all) {
    ByteVector message = compose(question);
    for (std::size_t length = 0; length < message.size(); ++length) {
      EXPECT_FALSE(parse_question(Bytes{message}.first(length))) << question.index() << " cut to " << length;
    }
    message.push_back(0);
    EXPECT_FALSE(parse_question(message)) << question.index();
  }
}

TEST(RacoonQuestion, KindsThatAreNoneAreRefused) {
  for (unsigned kind = kAccounting + 1; kind < 256; ++kind) {
    EXPECT_FALSE(parse_question(ByteVector{static_cast<std::uint8_t>(kind), 0, 0, 0, 0})) << kind;
  }
  EXPECT_TRUE(parse_question(ByteVector{kReady}));
}

TEST(RacoonQuestion, EachPartHasAGreatestLength) {
  const auto is_asked = [](Question question) { return parse_question(compose(question)).has_value(); };
  EXPECT_TRUE(is_asked(AskKey{std::string(256, 'k')}));
  EXPECT_FALSE(is_asked(AskKey{std::string(257, 'k')}));
  EXPECT_FALSE(is_asked(AskKey{std::string(70000, 'k')}));
  EXPECT_TRUE(is_asked(AskSignature{{}, ByteVector(64)}));
  EXPECT_FALSE(is_asked(AskSignature{{}, ByteVector(65)}));
  EXPECT_FALSE(is_asked(AskSignature{{}, {}}));
  EXPECT_TRUE(is_asked(AskLogin{1, {}, std::string(256, 'u'), Secret{ByteVector(2048, 1)}}));
  EXPECT_FALSE(is_asked(AskLogin{1, {}, std::string(257, 'u'), Secret{}}));
  EXPECT_FALSE(is_asked(AskLogin{1, {}, "u", Secret{ByteVector(2049, 1)}}));
  AskHook hook = a_hook();
  hook.variables.assign(32, {"DEFAULT_DOMAIN", "x"});
  EXPECT_TRUE(is_asked(hook));
  hook.variables.emplace_back("DEFAULT_DOMAIN", "x");
  EXPECT_FALSE(is_asked(hook));
  hook = a_hook();
  hook.script = std::string(4097, 's');
  EXPECT_FALSE(is_asked(hook));
  hook = a_hook();
  hook.peer = std::string(kLongest, 'p');
  EXPECT_FALSE(is_asked(hook));
}

TEST(RacoonQuestion, ATextWithAZeroByteIsRefusedForItWouldEndThereForTheSystem) {
  const std::string zero{"a\0b", 3};
  EXPECT_FALSE(parse_question(compose(Question{AskKey{zero}})));
  EXPECT_FALSE(parse_question(compose(Question{AskLogin{1, {}, zero, Secret{}}})));
  EXPECT_FALSE(parse_question(compose(Question{AskLogin{1, {}, "u", Secret{as_bytes(zero)}}})));
  AskHook hook = a_hook();
  hook.script = zero;
  EXPECT_FALSE(parse_question(compose(Question{hook})));
  hook = a_hook();
  hook.variables = {{"DEFAULT_DOMAIN", zero}};
  EXPECT_FALSE(parse_question(compose(Question{hook})));
}

TEST(RacoonQuestion, AddressesOfOtherFamiliesAreRefused) {
  ByteVector message = compose(Question{AskSocket{endpoint_of("192.0.2.1", 500), false}});
  message.at(1) = 5;
  EXPECT_FALSE(parse_question(message));
  message = compose(Question{AskSocket{endpoint_of("192.0.2.1", 500), false}});
  message.back() = 2;  // neither with NAT-T nor without
  EXPECT_FALSE(parse_question(message));
}

TEST(RacoonQuestion, AnswersAccountsAndNewsComeBackOrAreRefused) {
  const auto answer = parse_answer(compose(Answer{true, {1, 2}}));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->granted);
  EXPECT_EQ(answer->value, (ByteVector{1, 2}));
  EXPECT_FALSE(parse_answer(ByteVector{}));
  EXPECT_FALSE(parse_answer(ByteVector{2}));
  EXPECT_FALSE(parse_answer(ByteVector(kLongest + 1, 1)));
  const auto account = parse_account(compose(Account{65534, 100, true, "/var/empty"}));
  ASSERT_TRUE(account);
  EXPECT_EQ(account->user, 65534U);
  EXPECT_EQ(account->group, 100U);
  EXPECT_TRUE(account->required);
  EXPECT_EQ(account->chroot, "/var/empty");
  const auto news = parse_login_news(compose(LoginNews{3, {true, "why"}}));
  ASSERT_TRUE(news);
  EXPECT_EQ(news->login, 3U);
  EXPECT_TRUE(news->outcome.right);
  EXPECT_EQ(news->outcome.why, "why");
  ByteVector longer = compose(LoginNews{3, {true, "why"}});
  longer.push_back(0);
  EXPECT_FALSE(parse_login_news(longer));
}

}  // namespace
}  // namespace testudo::wire::racoon
