// What Logins does with the processes that judge: programs of a few lines stand in their place, which write down what
// they were given and answer what the test says.
#include "app/racoon/logins.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "io/clock.h"

namespace testudo::app {
namespace {

using wire::racoon::Job;
using wire::racoon::Outcome;
using wire::racoon::Source;
using wire::racoon::Task;

constexpr const char* kJudgedBadly = "the password could not be judged";

class LoginsTest : public testing::Test {
 protected:
  LoginsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "tdo-logins-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no directory for the test"};
    directory_ = name;
  }
  ~LoginsTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  std::filesystem::path at(const char* name) const { return directory_ / name; }

  std::string content(const char* name) const {
    std::ifstream file{at(name), std::ios::binary};
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
  }

  /// A shell script in the test's directory; `cat task` of it is what it was handed.
  std::string program(const std::string& lines) const {
    const auto path = at("judge");
    std::ofstream{path} << "#!/bin/sh\nPATH=/usr/bin:/bin\ncd " << directory_.string() << "\ncat > task.$$\n" << lines;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path.string();
  }

  void answers(const Outcome& outcome) const {
    const ByteVector bytes = compose(outcome);
    std::ofstream{at("answer"), std::ios::binary}.write(characters(bytes).data(),
                                                        static_cast<std::streamsize>(bytes.size()));
  }

  static std::string characters(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

  /// Also of one that nobody has reaped.
  static bool has_ended(pid_t pid) {
    std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
    std::string number, name, state;
    return !(file >> number >> name >> state) || state == "Z";
  }

  /// How many processes have been handed a task so far.
  std::size_t begun() const {
    const auto has_begun = [](const auto& entry) { return entry.path().filename().string().starts_with("task."); };
    const std::filesystem::directory_iterator all{directory_};
    return static_cast<std::size_t>(std::count_if(begin(all), end(all), has_begun));
  }

  void start(Logins& logins, Task task) {
    logins.start(
        std::move(task), [this](const Outcome& outcome) { outcomes_.push_back(outcome); }, io::now());
  }

  /// Until it is so; the limit is a guard against waiting for ever.
  template <typename Condition>
  static bool comes(Logins& logins, Condition condition) {
    for (int i = 0; i < 6000 && !condition(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
      logins.reap(io::now());
    }
    return condition();
  }
  bool answered(Logins& logins, std::size_t count) {
    return comes(logins, [&] { return outcomes_.size() >= count; });
  }

  std::filesystem::path directory_;
  std::vector<Outcome> outcomes_;
};

Task login_as(const char* user, Source source = Source::System) {
  Task task;
  task.user = user;
  task.source = source;
  task.password = Secret{as_bytes(std::string_view{"guessed"})};
  return task;
}

TEST_F(LoginsTest, HandTheTaskToAProcessAndItsAnswerBack) {
  answers({true, "", net::Address::parse("10.1.2.3"), {}, {1, 2, 3}});
  Logins logins{program("echo \"$0 $*\" > words\nenv > environment\nmv task.$$ given\ncat answer\n")};
  start(logins, login_as("berta"));
  EXPECT_TRUE(outcomes_.empty()) << "it takes its time, and nobody waits for it";
  ASSERT_TRUE(answered(logins, 1));
  EXPECT_TRUE(outcomes_[0].right);
  EXPECT_EQ(outcomes_[0].address, net::Address::parse("10.1.2.3"));
  EXPECT_EQ(outcomes_[0].token, (ByteVector{1, 2, 3}));
  const ByteVector task = compose(login_as("berta"));
  EXPECT_EQ(content("given"), characters(task));
  EXPECT_NE(content("words").find(" --judge-login\n"), std::string::npos) << content("words");
  EXPECT_EQ(content("words").find("guessed"), std::string::npos) << "all may read the arguments of others";
  EXPECT_EQ(content("environment").find("HOME="), std::string::npos) << content("environment");
  logins.reap(io::now());
  EXPECT_EQ(outcomes_.size(), 1U) << "it is told once";
}

TEST_F(LoginsTest, WhatIsNoAnswerIsNoLogin) {
  answers({true, "", {}, {}, {}});
  for (const char* lines : {"cat answer\nexit 1\n", "cat answer\nkill -9 $$\n", "exit 0\n", "echo yes\n",
                            "cat answer answer\n", "head -c 1 answer\n", "head -c 5000 /dev/zero\n"}) {
    outcomes_.clear();
    Logins logins{program(lines)};
    start(logins, login_as("berta"));
    ASSERT_TRUE(answered(logins, 1)) << lines;
    EXPECT_FALSE(outcomes_[0].right) << lines;
    EXPECT_EQ(outcomes_[0].why, kJudgedBadly) << lines;
  }
}

TEST_F(LoginsTest, WhatCannotBeAskedIsAnsweredAtOnce) {
  Logins without{at("nothing").string()};
  start(without, login_as("berta"));
  ASSERT_EQ(outcomes_.size(), 1U);
  EXPECT_EQ(outcomes_[0].why, kJudgedBadly);
  Logins logins{program("cat answer\n")};
  Task long_one = login_as("berta");
  long_one.groups.assign(200, std::string(200, 'g'));
  ASSERT_GT(compose(long_one).size(), wire::racoon::kLongestTask);
  start(logins, std::move(long_one));
  ASSERT_EQ(outcomes_.size(), 2U);
  EXPECT_FALSE(outcomes_[1].right);
  EXPECT_EQ(begun(), 0U);
}

TEST_F(LoginsTest, FourComputeAtATimeTheOthersWaitAndOneTooManyIsRefused) {
  answers({true, "", {}, {}, {}});
  Logins logins{program("until test -e go; do sleep 0.05; done\ncat answer\n")};
  static constexpr std::size_t kComputing = 4, kWaiting = 256;
  for (std::size_t i = 0; i < kComputing + kWaiting; ++i) start(logins, login_as("berta"));
  EXPECT_TRUE(outcomes_.empty());
  start(logins, login_as("one too many"));
  ASSERT_EQ(outcomes_.size(), 1U);
  EXPECT_EQ(outcomes_[0].why, "too many logins at once");
  ASSERT_TRUE(comes(logins, [&] { return begun() == kComputing; }));
  std::ofstream{at("go")} << "now";
  ASSERT_TRUE(answered(logins, 1 + kComputing + 2)) << "the next ones begin when one has ended";
  EXPECT_GT(begun(), kComputing);
  EXPECT_TRUE(outcomes_.back().right);
}

TEST_F(LoginsTest, WhoOnlyWaitsForOthersIsOneOfMore) {
  Logins logins{program("until test -e go; do sleep 0.05; done\n")};
  for (int i = 0; i < 40; ++i) start(logins, login_as("berta", Source::Radius));
  EXPECT_TRUE(comes(logins, [&] { return begun() == 32; })) << begun();
}

TEST_F(LoginsTest, AtTheEndAccountsAreKeptAndPasswordsMatterNoMore) {
  answers({true, "", {}, {}, {}});
  Logins logins{program("case $(cat task.$$ | tr -d '\\000') in *berta*) sleep 1000;; esac\ncat answer\n")};
  start(logins, login_as("berta"));
  Task account = login_as("carla", Source::Pam);
  account.job = Job::CloseSession;
  start(logins, std::move(account));
  ASSERT_TRUE(comes(logins, [&] { return begun() == 2; }));
  logins.finish(io::now() + std::chrono::seconds{60});
  ASSERT_EQ(outcomes_.size(), 2U);
  EXPECT_EQ(outcomes_[0].right + outcomes_[1].right, 1) << "the one that judges was ended";
}

TEST_F(LoginsTest, WhatTakesTooLongIsEndedWithAllThatItStarted) {
  Logins logins{program("sleep 1000 &\necho $! > child.new\nmv child.new child\nwait\n")};
  start(logins, login_as("berta"));
  ASSERT_TRUE(comes(logins, [&] { return std::filesystem::exists(at("child")); }));
  logins.tick(io::now());
  EXPECT_TRUE(outcomes_.empty()) << "twenty seconds have not passed";
  logins.tick(io::now() + std::chrono::seconds{21});
  ASSERT_TRUE(answered(logins, 1));
  EXPECT_EQ(outcomes_[0].why, kJudgedBadly);
  const pid_t child = std::stoi(content("child"));
  EXPECT_TRUE(comes(logins, [&] { return has_ended(child); }));
}

}  // namespace
}  // namespace testudo::app
