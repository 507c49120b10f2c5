#pragma once
// Letting go of descriptors of somebody else's without waiting for them.  Others can see to it that ours is the last
// one, and that close() waits then: a socket for SO_LINGER, a file for a file system of their own.
#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>

#include "io/fd.h"

namespace testudo::io {

/// While it lives, no socket makes this thread wait for more than some milliseconds when its last descriptor goes: when
/// we close it, and as well when we take a message and leave a descriptor beside it alone, or close a connection in
/// which one still waits.
///
///   A timer interrupts the thread (SIGVTALRM) again and again until the destructor; sockets stop waiting for that.
///   So does every other system call: nothing else belongs here.
class Haste {
 public:
  Haste();
  ~Haste();
  Haste(const Haste&) = delete;
  Haste& operator=(const Haste&) = delete;

 private:
  void* timer_ = nullptr;
  bool armed_ = false;
};

/// Closes what is no socket of the Internet's on a thread beside, because no signal ends what a file system does.  One
/// thread calls it.
class ForeignClose {
 public:
  void close(Fd descriptor);
  /// True while so many wait that those behind them are only kept.
  bool is_late();

 private:
  static constexpr int kMostThreads = 8;
  bool close_beside(Fd& descriptor);
  std::shared_ptr<std::atomic<int>> waiting_ = std::make_shared<std::atomic<int>>(0);
  std::deque<Fd> later_;
};

}  // namespace testudo::io
