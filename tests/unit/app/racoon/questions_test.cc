// What the unprivileged process asks, over real socket pairs whose other ends the test holds.  An answer may lie ready
// before the question: so one thread is enough.
#include "app/racoon/questions.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

namespace testudo::app {
namespace {

using namespace wire::racoon;

class Asking : public testing::Test {
 protected:
  void lay_ready(const Answer& answer) {
    EXPECT_EQ(questions_.second.send(compose(answer)), io::SeqPacket::Sent::Whole);
  }
  /// What the other side heard; nothing: silence.
  std::optional<Question> heard() {
    const auto message = questions_.second.receive();
    if (!message || message->empty()) return std::nullopt;
    auto question = parse_question(*message);
    EXPECT_TRUE(question);
    return question ? std::optional{*std::move(question)} : std::nullopt;
  }
  void end_other_side() { questions_.second = io::SeqPacket{io::Fd{}}; }

  std::pair<io::SeqPacket, io::SeqPacket> questions_ = *io::SeqPacket::pair(), signatures_ = *io::SeqPacket::pair();
  Log log_ = *Log::open(true, "");
  Questions asker{std::move(questions_.first), std::move(signatures_.first), log_};
};

TEST_F(Asking, AKeyIsWhatTheOtherSideGivesUnderThatName) {
  lay_ready({true, {1, 2, 3}});
  const auto key = asker.pre_shared_key("192.0.2.1");
  ASSERT_TRUE(key);
  EXPECT_TRUE(equal_constant_time(key->expose(), ByteVector{1, 2, 3}));
  const auto question = heard();
  ASSERT_TRUE(question);
  EXPECT_EQ(std::get<AskKey>(*question).name, "192.0.2.1");
  lay_ready({false, {1, 2, 3}});
  EXPECT_FALSE(asker.pre_shared_key("192.0.2.2"));
}

TEST_F(Asking, WhatNoQuestionCanCarryIsRefusedWithoutAQuestion) {
  lay_ready({true, {1, 2, 3}});
  EXPECT_FALSE(asker.pre_shared_key(std::string(kLongestName + 1, 'a')));
  EXPECT_FALSE(heard());
}

TEST_F(Asking, ADescriptorComesWithItsAnswer) {
  const io::Fd some{::dup(STDOUT_FILENO)};
  EXPECT_EQ(questions_.second.send_with_descriptor(compose(Answer{true}), some.get()), io::SeqPacket::Sent::Whole);
  const auto given = asker.try_ask(AskTable{});
  ASSERT_TRUE(given);
  EXPECT_TRUE(given->granted);
  EXPECT_TRUE(given->descriptor);
}

TEST_F(Asking, AnAnswerThatCannotBeReadIsNone) {
  EXPECT_EQ(questions_.second.send(ByteVector{}), io::SeqPacket::Sent::Whole);
  EXPECT_EQ(questions_.second.send(ByteVector{200}), io::SeqPacket::Sent::Whole);
  EXPECT_FALSE(asker.try_ask(AskTable{}));
}

TEST_F(Asking, WithoutTheOtherSideThisOneEnds) {
  end_other_side();
  EXPECT_FALSE(asker.try_ask(AskTable{}));
  EXPECT_EXIT(static_cast<void>(asker.pre_shared_key("192.0.2.1")), testing::ExitedWithCode(EXIT_FAILURE), "");
}

TEST_F(Asking, WhatAPeerSaysReachesScriptsPrintableAndNotTooLong) {
  ike::Hook hook;
  hook.script = "up";
  hook.peer = "a\nb\x7f" + std::string(3000, 'c');
  hook.variables = {{"BANNER", "one\ntwo" + std::string(9000, 'd')}};
  lay_ready({true});
  asker.run(hook);
  const auto question = heard();
  ASSERT_TRUE(question);
  const auto& asked = std::get<AskHook>(*question);
  EXPECT_EQ(asked.peer, "a?b?" + std::string(1020, 'c'));
  ASSERT_EQ(asked.variables.size(), 1U);
  EXPECT_EQ(asked.variables[0].second, "one?two" + std::string(4089, 'd'));
}

TEST_F(Asking, EachThreadGetsItsOwnSignatureBySocketsOfTheirOwn) {
  static constexpr unsigned kThreads = 4, kEach = 50;
  std::thread signer{[&] {
    for (unsigned i = 0; i < kThreads * kEach; ++i) {
      const auto message = signatures_.second.wait_and_receive();
      if (!message) return;
      const auto question = parse_question(*message);
      ByteVector hash = std::get<AskSignature>(*question).hash;
      EXPECT_EQ(signatures_.second.send(compose(Answer{true, std::move(hash)})), io::SeqPacket::Sent::Whole);
    }
  }};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (unsigned i = 0; i < kEach; ++i) {
        const ByteVector hash{static_cast<std::uint8_t>(t), static_cast<std::uint8_t>(i)};
        EXPECT_EQ(asker.sign({}, hash), hash);
      }
    });
  }
  for (std::thread& each : threads) each.join();
  signer.join();
  EXPECT_FALSE(heard());
}

}  // namespace
}  // namespace testudo::app
