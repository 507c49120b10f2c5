// Workers and the keeper at one gate: what the keeper changes is never seen half changed, nobody is kept out for ever.
// Says most under ThreadSanitizer.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "base/gate.h"
#include "base/token_bucket.h"

namespace testudo {
namespace {

constexpr int kChanges = 2000;

/// Two numbers that only the keeper writes, and that are equal whenever the gate is open.
struct Pair {
  int left = 0, right = 0;
};

/// A thread that visits again and again.
class Visitor {
 public:
  Visitor(Gate& gate, Gate::Seat& seat, const Pair& pair)
      : thread_([this, &gate, &seat, &pair] {
          while (!done_) {
            gate.enter(seat);
            if (pair.left != pair.right) torn_ = true;
            gate.leave(seat);
            ++visits_;
          }
        }) {}
  void end() {
    done_ = true;
    thread_.join();
  }
  bool has_seen_half() const { return torn_; }
  int visits() const { return visits_; }

 private:
  std::atomic<bool> done_{false}, torn_{false};
  std::atomic<int> visits_{0};
  std::thread thread_;  // last: it uses the others
};

TEST(TokenBucket, GivesThreadsTogetherNoMoreThanOneOfThem) {
  TokenBucket bucket{{.a_second = 1000, .burst = kChanges}};
  std::atomic<int> taken{0};
  const auto take_all = [&] {
    for (int i = 0; i < kChanges; ++i) taken += bucket.take(Time{std::chrono::seconds{9}}) ? 1 : 0;
  };
  std::thread other{take_all};
  take_all();
  other.join();
  EXPECT_EQ(taken, kChanges);
}

TEST(Gate, LetsNobodySeeAChangeThatIsHalfMade) {
  Gate gate;
  std::array<Gate::Seat, 2> seats;
  for (Gate::Seat& seat : seats) gate.add(seat);
  Pair pair;
  Visitor first{gate, seats[0], pair}, second{gate, seats[1], pair};
  for (int i = 0; i < kChanges; ++i) {
    gate.close();
    ++pair.left;
    std::this_thread::yield();
    ++pair.right;
    gate.open();
  }
  for (Visitor* visitor : {&first, &second}) {
    visitor->end();
    EXPECT_FALSE(visitor->has_seen_half());
  }
}

TEST(Gate, LetsWhoWaitsInBetweenTwoPartsOfLongWork) {
  Gate gate;
  Gate::Seat seat;
  gate.add(seat);
  Pair pair;
  gate.close();
  Visitor visitor{gate, seat, pair};
  // Would go on for ever if breathing let nobody in.
  while (visitor.visits() < 3) {
    ++pair.left;
    ++pair.right;
    gate.breathe();
  }
  gate.open();
  visitor.end();
  EXPECT_FALSE(visitor.has_seen_half());
}

TEST(Gate, LetsWhoWaitsInBeforeItIsClosedAgain) {
  Gate gate;
  Gate::Seat seat;
  gate.add(seat);
  Pair pair;
  Visitor visitor{gate, seat, pair};
  // Open for no time at all, and still not one round in vain for the other for ever.
  while (visitor.visits() < 100) {
    gate.close();
    gate.open();
  }
  visitor.end();
  EXPECT_GE(visitor.visits(), 100);
}

TEST(Gate, IsOpenForWhatIsDoneAside) {
  Gate gate;
  Gate::Seat seat;
  gate.add(seat);
  Pair pair;
  gate.close();
  const int visits = gate.aside([&] {
    Visitor visitor{gate, seat, pair};
    while (visitor.visits() == 0) std::this_thread::yield();
    visitor.end();
    return visitor.visits();
  });
  EXPECT_GT(visits, 0);
  Visitor visitor{gate, seat, pair};
  for (int i = 0; i < kChanges; ++i) ++pair.left;  // nobody is inside any more
  EXPECT_EQ(visitor.visits(), 0);
  for (int i = 0; i < kChanges; ++i) ++pair.right;
  gate.open();
  visitor.end();
  EXPECT_FALSE(visitor.has_seen_half());
}

TEST(Gate, StaysOpenForWhatIsDoneAsideOfNothing) {
  Gate gate;
  Gate::Seat seat;
  gate.add(seat);
  gate.aside([] {});
  gate.breathe();
  gate.enter(seat);  // would wait for ever at a closed one
  gate.leave(seat);
  SUCCEED();
}

}  // namespace
}  // namespace testudo
