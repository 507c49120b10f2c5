#include "base/gate.h"

namespace testudo {
namespace {

// What a packet may wait, beside the batches before it.
constexpr std::chrono::microseconds kPart{200};

}  // namespace

// Sequentially consistent, here and in close(): either we see that it is closed, or the keeper sees that we are inside.
void Gate::enter(Seat& seat) {
  seat.inside.store(1);
  if (closed_.load() == 0) return;
  waiting_.fetch_add(1);
  do {
    seat.inside.store(0);
    seat.inside.notify_one();
    closed_.wait(1);
    seat.inside.store(1);
  } while (closed_.load() != 0);
  waiting_.fetch_sub(1);
  waiting_.notify_one();
}

void Gate::leave(Seat& seat) {
  seat.inside.store(0);
  if (closed_.load() != 0) seat.inside.notify_one();
}

/// Those who wait in front of the open gate are inside, or have been.
void Gate::let_in() {
  for (int there = waiting_.load(); there != 0; there = waiting_.load()) waiting_.wait(there);
}

void Gate::close() {
  let_in();
  keeping_ = true;
  closed_.store(1);
  for (Seat* const seat : seats_) {
    while (seat->inside.load() != 0) seat->inside.wait(1);
  }
  since_ = Clock::now();
}

void Gate::open() {
  keeping_ = false;
  closed_.store(0);
  if (waiting_.load() != 0) closed_.notify_all();
}

void Gate::breathe() {
  if (!keeping_ || waiting_.load(std::memory_order_relaxed) == 0 || Clock::now() - since_ < kPart) return;
  open();
  close();
}

}  // namespace testudo
