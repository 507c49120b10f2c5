#pragma once
// The values of sadb_msg_errno.  RFC 2367 section 2.1 leaves them to the system: they are Linux's.
#include <cerrno>
#include <cstdint>

#include "base/result.h"

namespace testudo::pfkey::server {

enum class Errno : std::uint8_t {
  NotPermitted = EPERM,
  NoEntry = ENOENT,
  Exists = EEXIST,
  Invalid = EINVAL,
  NoBuffers = ENOBUFS,
  NotSupported = EOPNOTSUPP,
  ProtocolNotSupported = EPROTONOSUPPORT,
  FamilyNotSupported = EAFNOSUPPORT,
  InProgress = EINPROGRESS,  ///< the SPD has changed, and the host does not follow it yet
};

/// What a handler says: done, and all replies are queued, or the errno with which the request is echoed.
using Outcome = Status<Errno>;

}  // namespace testudo::pfkey::server
