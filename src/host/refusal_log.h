#pragma once
// The packets that our nft rules refused, as far as they were logged to a group of NFLOG: a few a second, and only
// their first bytes.  By NETLINK_NETFILTER (libmnl).  Where the kernel has no NFLOG, or somebody else reads the group,
// packets are refused and counted all the same and none is shown.
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "io/system_error.h"

struct mnl_socket;

namespace testudo::host {

class RefusalLog {
 public:
  static constexpr std::size_t kShown = 128;  ///< bytes of a packet

  static Result<RefusalLog, io::SystemError> open(std::uint16_t group);
  int fd() const;
  /// Takes what waits; the last packet of it, from its IP header on, or nothing.
  ByteVector last();

 private:
  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  using Socket = std::unique_ptr<mnl_socket, Close>;
  explicit RefusalLog(Socket socket) : socket_(std::move(socket)) {}
  Socket socket_;
};

}  // namespace testudo::host
