#pragma once
// Threads for public-key work, so that other peers need not wait for it (ike/work.h).  What they run holds all that it
// needs; what comes back is read in the thread that gave the work, when descriptor() says so.  How much is under way at
// a time the machine limits.  To be made before the filter of system calls, under which no thread can be started.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "ike/event.h"
#include "io/fd.h"

namespace testudo::app {

class Workers {
 public:
  /// At least one.  All have run once what libraries read when they are used first.
  explicit Workers(unsigned threads);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  /// Waits for what is being worked on; the rest is left.
  ~Workers();

  /// As many as pay on this machine.
  static unsigned usual_number();

  void give(ike::Compute work);
  /// Readable when something is done.
  int descriptor() const { return event_.get(); }
  /// What is done, in no particular order.
  std::vector<ike::Computed> take();

 private:
  void run();
  std::optional<ike::Compute> next();

  io::Fd event_;
  std::mutex mutex_;  ///< of all below but the threads
  std::condition_variable given_;
  std::deque<ike::Compute> waiting_;
  std::vector<ike::Computed> done_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace testudo::app
