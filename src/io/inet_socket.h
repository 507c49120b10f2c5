#pragma once
// What a descriptor of somebody else's turns out to be, as the kernel says, not as they say.
#include <cstdint>
#include <optional>

#include "io/fd.h"

namespace testudo::io {

struct InetSocket {
  bool ipv6 = false;
  std::uint8_t protocol = 0;
  std::uint32_t mark = 0;
  std::uint64_t cookie = 0;
  std::uint16_t port = 0;  ///< that it is bound to, if any
};

/// Nothing for what is no TCP or UDP socket of this network namespace.
std::optional<InetSocket> inspect_socket(const Fd& descriptor);
bool set_mark(const Fd& socket, std::uint32_t mark);

}  // namespace testudo::io
