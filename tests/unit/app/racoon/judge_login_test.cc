// The process that judges a login, from its first byte: what it reads, what it answers, and where what else it writes
// goes.  Each is a process of its own, with pipes in the place of those that Logins gives it.
#include "app/racoon/judge_login.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <optional>

namespace testudo::app {
namespace {

using wire::racoon::kLongestTask;
using wire::racoon::Outcome;
using wire::racoon::Task;

struct Said {
  int status = -1;
  ByteVector answer;
};

enum class Output : std::uint8_t { Open, Closed };

[[noreturn]] void be_judge(int input, int output) {
  ::dup2(input, STDIN_FILENO);
  output < 0 ? ::close(STDOUT_FILENO) : ::dup2(output, STDOUT_FILENO);
  const int status = judge_login();
  // As a library would.
  static_cast<void>(::write(STDOUT_FILENO, "noise", 5) < 0);
  ::_exit(status);
}

Said judge(Bytes input, Output output = Output::Open) {
  std::array<int, 2> question{}, answer{};
  EXPECT_EQ(::pipe2(question.data(), O_CLOEXEC), 0);
  EXPECT_EQ(::pipe2(answer.data(), O_CLOEXEC), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(question[1]);
    be_judge(question[0], output == Output::Open ? answer[1] : -1);
  }
  ::close(question[0]);
  ::close(answer[1]);
  // A pipe takes 64 KiB at once, which is more than any task.
  EXPECT_EQ(::write(question[1], input.data(), input.size()), static_cast<ssize_t>(input.size()));
  ::close(question[1]);
  Said said;
  said.answer.resize(2 * wire::racoon::kLongestOutcome);
  std::size_t filled = 0;
  for (ssize_t got = 1; got > 0 && filled < said.answer.size(); filled += static_cast<std::size_t>(got)) {
    got = ::read(answer[0], said.answer.data() + filled, said.answer.size() - filled);
    if (got < 0) got = 0;
  }
  said.answer.resize(filled);
  ::close(answer[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  said.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return said;
}

ByteVector login_of(const char* user) {
  Task task;
  task.user = user;
  task.password = Secret{as_bytes(std::string_view{"guessed"})};
  return compose(task);
}

TEST(JudgeLogin, AnswersWithAnOutcomeAndNothingElse) {
  const Said said = judge(login_of("tdo-nobody-has-this-name"));
  EXPECT_EQ(said.status, EXIT_SUCCESS);
  const auto outcome = wire::racoon::parse_outcome(said.answer);
  ASSERT_TRUE(outcome) << "what libraries write goes elsewhere";
  EXPECT_FALSE(outcome->right);
}

TEST(JudgeLogin, WhatIsNoTaskHasNoAnswer) {
  const ByteVector whole = login_of("tdo-nobody-has-this-name");
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    const Said said = judge(Bytes{whole}.first(size));
    EXPECT_EQ(said.status, EXIT_FAILURE) << size;
    EXPECT_TRUE(said.answer.empty()) << size;
  }
  for (const std::size_t size : {whole.size() + 1, kLongestTask, kLongestTask + 1}) {
    ByteVector longer = whole;
    longer.resize(size);
    const Said said = judge(longer);
    EXPECT_EQ(said.status, EXIT_FAILURE) << size;
    EXPECT_TRUE(said.answer.empty()) << size;
  }
}

TEST(JudgeLogin, WithNobodyToTellNothingIsJudged) {
  const Said said = judge(login_of("tdo-nobody-has-this-name"), Output::Closed);
  EXPECT_EQ(said.status, EXIT_FAILURE);
  EXPECT_TRUE(said.answer.empty());
}

}  // namespace
}  // namespace testudo::app
