#pragma once
// Serves RUN_DIR/socket.sock, and the same as a name of the network namespace for who has another root: one request
// beside one socket, one reply, and the connection ends (wire/socket_request.h). Anybody may connect; who can hand a
// socket over has it.  The daemon keeps no descriptor of it: close() by its owner is the last one.
//
// Anybody may keep this thread busy, which is the one of keys and policies, too: users without privilege have a budget
// of time, and who has used it up is heard later.  Packets do not wait for descriptors of others.
#include <cstdint>
#include <map>
#include <optional>

#include "app/testudod/socket_table.h"
#include "base/gate.h"
#include "base/time_budget.h"
#include "io/event_loop.h"
#include "io/foreign_close.h"
#include "io/unix_socket.h"

namespace testudo::app {

class SocketService {
 public:
  /// by_name: who comes there has no privilege, whoever it is; it may be missing.
  SocketService(io::EventLoop& loop, io::SeqPacketListener by_path, std::optional<io::SeqPacketListener> by_name,
                SocketTable& table, Gate& gate);

 private:
  static constexpr std::size_t kMostClients = 128;
  static constexpr int kMostAtOnce = 32;

  struct Client {
    io::SeqPacket socket;
    std::uint32_t uid = 0;
    bool privileged = false;
    bool waits = false;          ///< for its user's budget
    io::EventLoop::Watch watch;  ///< last: gone before the socket closes
  };
  using Clients = std::map<std::uint64_t, Client>;

  enum class Rights : std::uint8_t { OfProcess, None };
  void accept(const io::SeqPacketListener& listener, Rights rights);
  bool may_be_heard(const Client& client);
  void readable(std::uint64_t id);
  void listen_to(std::uint64_t id, Client& client);
  void listen_again();
  bool hear(Client& client);
  void part_from(Clients::iterator client);
  Clients::iterator who_makes_room();
  ByteVector answer(const io::SeqPacket::WithDescriptor& request, const SocketTable::Asker& asker);

  io::EventLoop& loop_;
  io::SeqPacketListener by_path_;
  std::optional<io::SeqPacketListener> by_name_;
  SocketTable& table_;
  Gate& gate_;
  io::ForeignClose closer_;
  TimeBudget budget_;
  Clients clients_;  ///< the oldest first
  std::uint64_t next_id_ = 0;
  io::EventLoop::Timer patience_;
  io::EventLoop::Watch path_watch_, name_watch_;
};

}  // namespace testudo::app
