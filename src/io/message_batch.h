#pragma once
// What recvmmsg(2) is given and leaves behind, for up to kBatch messages with their addresses and control messages.
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "io/slot.h"

namespace testudo::io {

class MessageBatch {
 public:
  /// Message i is to be received into this room.
  void put(std::size_t i, MutableBytes room) {
    vectors_[i] = {room.data(), room.size()};
    msghdr& m = messages_[i].msg_hdr;
    m = {};
    m.msg_name = &names_[i];
    m.msg_namelen = sizeof names_[i];
    m.msg_iov = &vectors_[i];
    m.msg_iovlen = 1;
    m.msg_control = control_[i].data();
    m.msg_controllen = control_[i].size();
  }
  /// How many of the first `wanted` came; never waits.
  std::size_t receive(int socket, std::size_t wanted) {
    const int n = ::recvmmsg(socket, messages_.data(), static_cast<unsigned>(wanted), MSG_DONTWAIT, nullptr);
    return static_cast<std::size_t>(std::max(n, 0));
  }
  const msghdr& header(std::size_t i) const { return messages_[i].msg_hdr; }
  std::size_t length(std::size_t i) const { return messages_[i].msg_len; }

 private:
  // An IPv6 extension header may take 2048 bytes, and raw sockets give them beside the packet.
  static constexpr std::size_t kControlRoom = 2560;
  std::array<mmsghdr, kBatch> messages_{};
  std::array<iovec, kBatch> vectors_{};
  std::array<sockaddr_in6, kBatch> names_{};
  alignas(cmsghdr) std::array<std::array<std::uint8_t, kControlRoom>, kBatch> control_{};
};

}  // namespace testudo::io
