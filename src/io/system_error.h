#pragma once
// How a call into the kernel failed: which call, on what, and errno.  Text only when somebody asks for it.
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "base/result.h"

namespace testudo::io {

struct SystemError {
  std::string call;  ///< "socket", "open /dev/net/tun", …
  int number = 0;    ///< errno; 0 when the call explained itself in `call`

  /// "open /dev/net/tun: Permission denied"
  std::string to_string() const { return number == 0 ? call : call + ": " + std::generic_category().message(number); }
};

/// The failure that errno now speaks of.
inline Failure<SystemError> last_error(std::string call) {
  return Failure{SystemError{std::move(call), errno}};
}

}  // namespace testudo::io
