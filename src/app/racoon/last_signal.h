#pragma once
// For the end of either process of racoon.  From a terminal or from systemd a signal comes to both, and to one of them
// once more from the other: whoever has begun to end must not die of it while nobody watches for signals any more.
#include <csignal>

namespace testudo::app {

inline void heed_no_more_signals() {
  sigset_t all{};
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace testudo::app
