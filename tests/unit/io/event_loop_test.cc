#include "io/event_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <string>
#include <thread>

#include "io/fd.h"

namespace testudo::io {
namespace {

struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends.data()), 0);
    a = Fd{ends[0]};
    b = Fd{ends[1]};
  }
  Fd a, b;
};

char take(const Fd& fd) {
  char c = 0;
  return ::recv(fd.get(), &c, 1, 0) == 1 ? c : '\0';
}

TEST(EventLoop, CallsAgainWhileDataIsLeftUnread) {
  Pair pair;
  EventLoop loop;
  std::string seen;
  ASSERT_EQ(::send(pair.a.get(), "x", 1, 0), 1);
  ASSERT_EQ(::send(pair.a.get(), "y", 1, 0), 1);
  const auto watch = loop.watch(pair.b.get(), [&] {
    seen += take(pair.b);  // one a call, so the second waits
    if (seen.size() == 2) loop.stop();
  });
  loop.run();
  EXPECT_EQ(seen, "xy");
}

TEST(EventLoop, AWatchMayEndInsideItsOwnCallback) {
  Pair pair;
  EventLoop loop;
  int calls = 0;
  EventLoop::Watch watch;
  ASSERT_EQ(::send(pair.a.get(), "x", 1, 0), 1);
  watch = loop.watch(pair.b.get(), [&] {
    ++calls;
    watch = EventLoop::Watch{};
  });
  const auto timer = loop.every(std::chrono::milliseconds{20}, [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(take(pair.b), 'x') << "the descriptor is still open";
}

TEST(EventLoop, SaysWhenASocketTakesDataAgain) {
  Pair pair;
  EventLoop loop;
  const std::array<char, 4096> block{};
  while (::send(pair.a.get(), block.data(), block.size(), 0) > 0) continue;
  bool writable = false;
  auto watch = loop.watch(pair.a.get(), [] {});
  watch.when_writable([&] {
    writable = true;
    loop.stop();
  });
  std::array<char, 4096> sink{};
  const auto timer = loop.every(std::chrono::milliseconds{5}, [&] {
    EXPECT_FALSE(writable);
    while (::recv(pair.b.get(), sink.data(), sink.size(), 0) > 0) continue;
  });
  loop.run();
  EXPECT_TRUE(writable);
}

// Spinning, it serves timers, descriptors and stop() as it does asleep.
TEST(EventLoop, SpinsWithoutForgettingAnybody) {
  Pair pair;
  EventLoop loop;
  std::string seen;
  const auto watch = loop.watch(pair.b.get(), [&] {
    seen += take(pair.b);
    if (seen.size() == 3) loop.stop();
  });
  const auto timer = loop.every(std::chrono::milliseconds{5}, [&] { ::send(pair.a.get(), "x", 1, 0); });
  loop.run(std::chrono::milliseconds{2});
  EXPECT_EQ(seen, "xxx");
}

TEST(EventLoop, DoesWhatAnotherThreadAsksItToDo) {
  EventLoop loop;
  const auto runs_it = std::this_thread::get_id();
  std::thread::id did_it;
  const auto keeps_it_running = loop.every(std::chrono::seconds{1}, [] {});
  std::thread other{[&] {
    loop.post([&] {
      did_it = std::this_thread::get_id();
      loop.stop();
    });
  }};
  loop.run();
  other.join();
  EXPECT_EQ(did_it, runs_it);
}

TEST(EventLoop, CallsBackThroughWhatSurroundsIt) {
  Pair pair;
  EventLoop loop;
  std::string seen;
  loop.surround([&](const EventLoop::Callback& callback) {
    seen += '(';
    callback();
    seen += ')';
  });
  const auto watch = loop.watch(pair.b.get(), [&] {
    seen += take(pair.b);
    loop.post([&] { loop.stop(); });
  });
  const auto timer = loop.every(std::chrono::milliseconds{5}, [&] {
    seen += 't';
    if (seen == "(t)(t") ::send(pair.a.get(), "x", 1, 0);
  });
  loop.run();
  EXPECT_TRUE(seen.starts_with("(t)(t)(x)")) << seen;
  EXPECT_EQ(seen.back(), ')');
}

TEST(EventLoop, SignalsAreCallbacks) {
  EventLoop loop;
  int hangups = 0;
  loop.on_signal(SIGHUP, [&] {
    if (++hangups == 2) loop.stop();
  });
  const auto timer = loop.every(std::chrono::milliseconds{5}, [] { std::raise(SIGHUP); });
  loop.run();
  EXPECT_EQ(hangups, 2);
}

}  // namespace
}  // namespace testudo::io
