#pragma once
// The slots in a file, for a daemon that comes after a crash: their sockets live on, and with them their marks.  The
// file is ours; what stands in it is judged like what a program says all the same.
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/system_error.h"
#include "pfkey/server/errno.h"
#include "spd/socket_slots.h"

namespace testudo::app {

/// Whose policy it is to be.
struct SocketOwner {
  bool ipv6 = false;
  bool privileged = false;
};

/// Judges the bytes that a program gave to setsockopt(2).  EPERM for `bypass` without privilege, EINVAL for what makes
/// no sense.
Result<spd::SocketPolicy, pfkey::server::Errno> socket_policy(Bytes bytes, const SocketOwner& owner, Time now);

Status<io::SystemError> write_sockets(const std::string& path, const spd::SocketSlots& slots);
std::vector<std::pair<unsigned, spd::SocketSlots::Slot>> read_sockets(const std::string& path, Time now);

}  // namespace testudo::app
