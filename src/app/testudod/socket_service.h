#pragma once
// Serves RUN_DIR/socket.sock: one request beside one socket, one reply, and the connection ends
// (wire/socket_request.h). Anybody may connect; who can hand a socket over has it.  The daemon keeps no descriptor of
// it: close() by its owner is the last one.
#include <cstdint>
#include <map>

#include "app/testudod/socket_table.h"
#include "io/event_loop.h"
#include "io/unix_socket.h"

namespace testudo::app {

class SocketService {
 public:
  SocketService(io::EventLoop& loop, io::SeqPacketListener listener, SocketTable& table);

 private:
  static constexpr std::size_t kMostClients = 128;

  struct Client {
    io::SeqPacket socket;
    io::EventLoop::Watch watch;  ///< last: gone before the socket closes
  };

  void accept();
  void readable(std::uint64_t id);
  ByteVector answer(const io::SeqPacket::WithDescriptor& request, bool privileged);

  io::EventLoop& loop_;
  io::SeqPacketListener listener_;
  SocketTable& table_;
  std::map<std::uint64_t, Client> clients_;  ///< the oldest first
  std::uint64_t next_id_ = 0;
  io::EventLoop::Watch watch_;
};

}  // namespace testudo::app
