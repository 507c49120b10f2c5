#pragma once
// Who may touch what packets look at: each worker in its visits, all of them side by side, or the one thread that
// changes things, alone.  A visit is a batch of packets.  The keeper closes the gate, waits until the visitors have
// left, and opens it again; whoever came meanwhile goes in before it is closed the next time, and long work lets them
// in between its parts, so nobody waits longer than one part and nobody for ever.
//
//   worker:  enter() ─ a batch ─ leave()        keeper:  close() ─ changes ─ breathe() ─ changes ─ open()
//                                                                      └ aside(): what touches nothing of theirs
//
// A visit costs its worker two writes of a cache line of its own.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace testudo {

class Gate {
 public:
  /// Where one worker is: in a visit or not.
  struct alignas(64) Seat {
    std::atomic<int> inside{0};
  };

  // -- a worker, with its seat --

  void enter(Seat& seat);
  void leave(Seat& seat);

  // -- the keeper's thread --

  /// Before the worker's thread runs.
  void add(Seat& seat) { seats_.push_back(&seat); }

  void close();
  void open();
  /// Between two parts of long work, where all is as visitors may see it: lets them in when they have waited for a
  /// while.  Nothing while the gate is open.
  void breathe();
  /// Does something slow with the gate open; then it is as it was.
  template <typename Work>
  auto aside(const Work& work) {
    const Opened opened{*this};
    return work();
  }

 private:
  struct Opened {
    explicit Opened(Gate& of) : gate(of), was_closed(of.keeping_) {
      if (was_closed) gate.open();
    }
    ~Opened() {
      if (was_closed) gate.close();
    }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;
    Gate& gate;
    bool was_closed;
  };
  using Clock = std::chrono::steady_clock;

  void let_in();

  std::atomic<int> closed_{0};   ///< 1 while it is
  std::atomic<int> waiting_{0};  ///< workers in front of it
  std::vector<Seat*> seats_;
  bool keeping_ = false;
  Clock::time_point since_{};  ///< it was closed
};

}  // namespace testudo
