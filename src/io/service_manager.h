#pragma once
// Tells the service manager how the daemon is: sd_notify(3)'s datagrams to the socket that NOTIFY_SOCKET names, written
// here so that no library of systemd is needed.  Without that variable every call does nothing.  Never waits and never
// fails: a manager that does not listen is no reason to stop.
#include <string>
#include <string_view>

#include "io/fd.h"

namespace testudo::io {

class ServiceManager {
 public:
  /// Reads NOTIFY_SOCKET and WATCHDOG_USEC, and keeps them from programs that are started later.
  static ServiceManager from_environment();

  /// One or more lines, such as "READY=1\nSTATUS=…".
  void tell(std::string_view state) const;
  /// About once a second; said only to a manager that ends daemons which hang (WatchdogSec=).
  void alive() const {
    if (watched_) tell("WATCHDOG=1");
  }

 private:
  Fd socket_;
  std::string address_;  ///< as the kernel wants it: an abstract name begins with a zero byte
  bool watched_ = false;
};

}  // namespace testudo::io
