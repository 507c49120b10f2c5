#pragma once
// For a process that reads what strangers send: gives up root, all capabilities, and with a filter of its own (seccomp)
// every system call that it has no need of.  For good: what it becomes it stays, and so do programs that it would
// start, which it cannot.  become() before the first thread.  See capabilities(7), seccomp(2), docs/adr/0021.
#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "io/system_error.h"

namespace testudo::io {

struct Identity {
  uid_t user = 0;
  gid_t group = 0;
  std::string chroot;  ///< "": none
};
/// All capabilities go, even where the user stays root; it leaves no core, and nobody may trace it but root.
Status<SystemError> become(const Identity& identity);

/// Ends with its parent, `parent`.  Behind become(), which would undo it.  Failure: the parent is gone already.
Status<SystemError> end_with_parent(pid_t parent);

/// From here on: memory, clocks, random numbers, sockets that are open, and events; new sockets only of rtnetlink and
/// syslog.  Files are not there (EACCES), as libraries look for some.  Any other call ends the process with
/// kForbiddenCall, after its number went to `report` as a message of wire::racoon.  All threads that there are by then
/// are under it; no other can be started.
inline constexpr int kForbiddenCall = 31 + 128;
Status<SystemError> allow_few_calls(int report);

}  // namespace testudo::io
