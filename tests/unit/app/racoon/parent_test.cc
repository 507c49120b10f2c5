// racoon's privileged process, asked over a real socket pair by somebody who has broken into the other one: what it
// gives, what it refuses, and when it ends.  The child's process only waits, and the test asks in its place.
#include "app/racoon/parent.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "app/racoon/conf_files.h"
#include "app/racoon/questions.h"
#include "io/clock.h"

namespace testudo::app {
namespace {

using namespace wire::racoon;
using Asker = std::function<void(const Questions& asked)>;
using RawAsker = std::function<void(const io::SeqPacket& socket)>;

constexpr const char* kConf = R"(
path pre_shared_key "psk.txt";
listen { isakmp 127.0.0.1 [20500]; isakmp_natt 127.0.0.1 [20501]; adminsock "racoonctl.sock"; }
remote anonymous {
  exchange_mode main;
  script "up.sh" phase1_up;
  proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 14; }
}
)";

/// A directory with a configuration in it, which goes with it.
class Home {
 public:
  Home() {
    std::string name = std::filesystem::temp_directory_path() / "testudo-parent-XXXXXX";
    directory_ = ::mkdtemp(name.data());
    write("racoon.conf", in_place(kConf));
    write("psk.txt", "192.0.2.1 secret\n192.0.2.9 " + std::string(kLongest, 'x') + "\n");
    std::filesystem::permissions(directory_ / "psk.txt", std::filesystem::perms{0600});
  }
  ~Home() { std::filesystem::remove_all(directory_); }
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  void write(const std::string& name, const std::string& text) const { std::ofstream{directory_ / name} << text; }
  /// Its files by their whole names.
  std::string in_place(std::string text) const {
    for (const std::string file : {"psk.txt", "racoonctl.sock"}) {
      const auto at = text.find('"' + file);
      if (at != text.npos) text.replace(at, file.size() + 1, "\"" + (directory_ / file).string());
    }
    return text;
  }
  Options options() const {
    Options options;
    options.file = directory_ / "racoon.conf";
    options.run_dir = directory_;
    options.foreground = true;
    return options;
  }
  bool has(const std::string& name) const { return std::filesystem::exists(directory_ / name); }

 private:
  std::filesystem::path directory_;
};

/// What waits in the child's place; `at_term` is how it ends when it is asked to.
pid_t start_waiter(int at_term = EXIT_SUCCESS) {
  static volatile int status;
  status = at_term;
  sigset_t term{}, before{};
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &term, &before);  // until it is ready for it
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGTERM, [](int) { ::_exit(status); });
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  while (pid == 0) ::pause();
  return pid;
}

class ParentOf : public testing::Test {
 protected:
  /// The exit status of a parent whose child asks this and then is gone.
  int serve_raw(const RawAsker& ask, int at_term = EXIT_SUCCESS) {
    auto questions = *io::SeqPacket::pair();
    auto signatures = *io::SeqPacket::pair();
    auto news = *io::SeqPacket::pair();
    pid_ = start_waiter(at_term);
    auto supply = load_supply(options_, log_);
    EXPECT_TRUE(supply.supply);
    if (!supply.supply) return -1;
    Background background;
    Parent parent{options_,
                  log_,
                  background,
                  *std::move(supply.supply),
                  {pid_, std::move(questions.first), std::move(signatures.first), std::move(news.first)}};
    std::thread asker{[&] {
      ask(questions.second);
      ::shutdown(questions.second.fd(), SHUT_RDWR);
    }};
    const int status = parent.run();
    ::shutdown(questions.second.fd(), SHUT_RDWR);
    asker.join();
    return status;
  }
  int serve(const Asker& ask) {
    return serve_raw([&](const io::SeqPacket& socket) {
      const Questions questions{io::SeqPacket{io::Fd{::dup(socket.fd())}}, io::SeqPacket{io::Fd{}}, log_};
      ask(questions);
    });
  }
  /// Whoever reaped it.
  bool is_gone() const {
    for (int i = 0; i < 2000; ++i) {
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    return false;
  }

  Home home_;
  Options options_ = home_.options();
  Log log_ = *Log::open(true, "");
  pid_t pid_ = -1;
};

TEST_F(ParentOf, AChildThatClosesItsEndIsKilledAndBothEnd) {
  EXPECT_EQ(serve([](const Questions&) {}), EXIT_FAILURE);
  EXPECT_TRUE(is_gone());
}

TEST_F(ParentOf, AGoodEndOfTheChildIsAGoodEnd) {
  const auto end_child = [&](const io::SeqPacket& socket) {
    ::kill(pid_, SIGTERM);
    static_cast<void>(socket.wait_and_receive());
  };
  EXPECT_EQ(serve_raw(end_child), EXIT_SUCCESS);
  EXPECT_TRUE(is_gone());
  EXPECT_EQ(serve_raw(end_child, 3), EXIT_FAILURE);
}

TEST_F(ParentOf, ASignalToTheParentIsTheChilds) {
  EXPECT_EQ(serve_raw([](const io::SeqPacket& socket) {
              ::kill(::getpid(), SIGTERM);
              static_cast<void>(socket.wait_and_receive());
            }),
            EXIT_SUCCESS);
}

TEST_F(ParentOf, WhatCannotBeReadEndsBoth) {
  ByteVector unknown = compose(Question{AskTable{}}), longer = compose(Question{AskTable{}});
  unknown.front() = 200;
  longer.push_back(0);
  const ByteVector too_long(kLongest + 1, 4);
  for (const ByteVector& message : {unknown, longer, too_long}) {
    bool answered = true;
    EXPECT_EQ(serve_raw([&](const io::SeqPacket& socket) {
                EXPECT_EQ(socket.send(message), io::SeqPacket::Sent::Whole);
                answered = socket.wait_and_receive().has_value();
              }),
              EXIT_FAILURE);
    EXPECT_FALSE(answered);
    EXPECT_TRUE(is_gone());
  }
}

TEST_F(ParentOf, WhoAsksWithoutReadingEnds) {
  EXPECT_EQ(serve_raw([&](const io::SeqPacket& socket) {
              const ByteVector question = compose(Question{AskKey{"192.0.2.1"}});
              while (socket.send(question) != io::SeqPacket::Sent::Broken) std::this_thread::yield();
            }),
            EXIT_FAILURE);
  EXPECT_TRUE(is_gone());
}

TEST_F(ParentOf, ReportsAForbiddenCallAndEnds) {
  EXPECT_EQ(serve([](const Questions& asked) { static_cast<void>(asked.try_ask(SayForbidden{41})); }), EXIT_FAILURE);
}

TEST_F(ParentOf, TheConfigurationIsARecordThatNobodyCanChange) {
  serve([](const Questions& asked) {
    const auto given = asked.ask(AskConfiguration{});
    ASSERT_TRUE(given.granted && given.descriptor);
    EXPECT_TRUE(parse_account(given.value));
    constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    EXPECT_EQ(::fcntl(given.descriptor.get(), F_GET_SEALS) & kSeals, kSeals);
    ByteVector record(1 << 16);
    const ssize_t got = ::read(given.descriptor.get(), record.data(), record.size());
    ASSERT_GT(got, 0);
    record.resize(static_cast<std::size_t>(got));
    EXPECT_TRUE(RecordedFiles::parse(record));
    const std::string text{record.begin(), record.end()};
    EXPECT_NE(text.find("exchange_mode main"), text.npos);
    EXPECT_EQ(text.find("192.0.2.1 secret"), text.npos) << "keys are asked for by name";
  });
}

TEST_F(ParentOf, AnotherConfigurationIsReadAnewAndOneWithErrorsIsRefused) {
  serve([&](const Questions& asked) {
    EXPECT_TRUE(asked.ask(AskConfiguration{}).granted);
    home_.write("racoon.conf", "nonsense {");
    const auto refused = asked.ask(AskConfiguration{});
    EXPECT_FALSE(refused.granted);
    EXPECT_NE(refused.sentence().find("racoon.conf"), std::string::npos) << refused.sentence();
    EXPECT_TRUE(asked.ask(AskSocket{{*net::Address::parse("127.0.0.1"), 20500}, false}).granted)
        << "the one in use stays";
    home_.write("racoon.conf", "listen { isakmp 127.0.0.1 [20502]; }");
    EXPECT_TRUE(asked.ask(AskConfiguration{}).granted);
    EXPECT_FALSE(asked.ask(AskSocket{{*net::Address::parse("127.0.0.1"), 20500}, false}).granted);
  });
}

TEST_F(ParentOf, SocketsAreThoseThatTheConfigurationNames) {
  if (::geteuid() != 0) GTEST_SKIP() << "marks need root";
  serve([](const Questions& asked) {
    const net::Address home = *net::Address::parse("127.0.0.1");
    const auto given = asked.ask(AskSocket{{home, 20500}, false});
    EXPECT_TRUE(given.granted && given.descriptor) << given.sentence();
    EXPECT_TRUE(asked.ask(AskSocket{{home, 20501}, true}).granted);
    EXPECT_FALSE(asked.ask(AskSocket{{home, 20501}, false}).granted) << "another kind";
    EXPECT_FALSE(asked.ask(AskSocket{{home, 53}, false}).granted) << "another port";
    EXPECT_FALSE(asked.ask(AskSocket{{*net::Address::parse("127.0.0.2"), 20500}, false}).granted);
    const auto taken = asked.ask(AskSocket{{home, 20500}, false});
    EXPECT_FALSE(taken.granted);
    EXPECT_NE(taken.sentence().find("bind"), std::string::npos) << taken.sentence();
  });
}

TEST_F(ParentOf, GivesThePreSharedKeyOfANameAndNoOther) {
  serve([&](const Questions& asked) {
    const auto given = asked.ask(AskKey{"192.0.2.1"});
    EXPECT_TRUE(given.granted);
    EXPECT_EQ(given.sentence(), "secret");
    EXPECT_FALSE(asked.ask(AskKey{"192.0.2.2"}).granted);
    EXPECT_FALSE(asked.ask(AskKey{""}).granted);
    EXPECT_FALSE(asked.ask(AskKey{"192.0.2.9"}).granted) << "no answer could carry it";
    home_.write("psk.txt", "192.0.2.2 later\n");
    EXPECT_EQ(asked.ask(AskKey{"192.0.2.2"}).sentence(), "later") << "the file is read each time";
  });
}

TEST_F(ParentOf, WhoTriesNamesIsSlowedDownAndNotRefused) {
  serve([](const Questions& asked) {
    // A thousand at once and one more each millisecond; each beyond that waits for one at least.
    constexpr int kAtOnce = 1000, kMore = 1000;
    int given = 0;
    const Time before = io::now();
    for (int i = 0; i < kAtOnce + kMore; ++i) given += asked.ask(AskKey{"192.0.2.1"}).granted ? 1 : 0;
    EXPECT_EQ(given, kAtOnce + kMore);
    EXPECT_GE(io::now() - before, std::chrono::milliseconds{kMore / 2});
  });
}

TEST_F(ParentOf, NothingIsSignedHere) {
  serve([](const Questions& asked) { EXPECT_FALSE(asked.ask(AskSignature{{}, ByteVector(32, 1)}).granted); });
}

TEST_F(ParentOf, RunsNoScriptThatNoConfigurationNames) {
  home_.write("other.sh", "#!/bin/sh\n");
  serve([](const Questions& asked) {
    AskHook hook{.event = 0, .script = "up.sh", .local = {}, .remote = {}, .peer = "192.0.2.1"};
    EXPECT_TRUE(asked.ask(hook).granted);
    AskHook other = hook, variable = hook, event = hook;
    other.script = "other.sh";
    variable.variables = {{"LD_PRELOAD", "/tmp/evil.so"}};
    event.event = 3;
    for (const AskHook& each : {other, variable, event}) EXPECT_FALSE(asked.ask(each).granted);
  });
}

TEST_F(ParentOf, KeepsNoAccountsWhenThereAreNone) {
  serve([](const Questions& asked) { EXPECT_FALSE(asked.ask(AskAccounting{}).granted); });
}

TEST_F(ParentOf, RacoonctlsSocketIsGivenOnceAndGoesWithTheParent) {
  serve([&](const Questions& asked) {
    const auto first = asked.ask(AskAdminSocket{});
    EXPECT_TRUE(first.granted && first.descriptor) << first.sentence();
    EXPECT_TRUE(home_.has("racoonctl.sock"));
    EXPECT_FALSE(asked.ask(AskAdminSocket{}).granted);
  });
  EXPECT_FALSE(home_.has("racoonctl.sock"));
  home_.write("racoon.conf", "listen { adminsock disabled; }");
  serve([](const Questions& asked) { EXPECT_FALSE(asked.ask(AskAdminSocket{}).granted); });
}

TEST_F(ParentOf, ATableThatIsNotThereIsASentence) {
  serve([](const Questions& asked) {
    const auto refused = asked.ask(AskTable{});
    EXPECT_FALSE(refused.granted);
    EXPECT_FALSE(refused.sentence().empty());
  });
}

/// In a process of its own: what the parent gives up, it never gets back.
TEST_F(ParentOf, WhenTheChildIsReadyRightsGoAndTheSignerComes) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs rights to give up";
  const auto be_ready = [&] {
    const int status = serve([](const Questions& asked) {
      const bool granted = asked.ask(SayReady{}).granted && asked.ask(SayReady{}).granted;
      const bool still_reads = asked.ask(AskKey{"192.0.2.1"}).granted;
      if (!granted || !still_reads) ::_exit(20);
    });
    const bool one_way = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    ::_exit(!one_way ? 21 : status == EXIT_FAILURE ? 22 : 23);  // its child was killed while it was ready
  };
  EXPECT_EXIT(be_ready(), testing::ExitedWithCode(22), "");
}

}  // namespace
}  // namespace testudo::app
