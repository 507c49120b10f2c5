#pragma once
// Carries PF_KEY messages between the clients of RUN_DIR/pfkey.sock and the server.
#include <functional>
#include <map>

#include "io/event_loop.h"
#include "io/unix_socket.h"
#include "pfkey/server/server.h"

namespace testudo::app {

class PfkeyService {
 public:
  /// `heard` is told each message after it was dealt with.  `handled` is called after each batch of them and before
  /// their answers go out, so that an answer means that all is in force; false when it is not.
  /// `breathe` is called between two messages: packets may go on.
  struct Listeners {
    std::function<void(Bytes message)> heard;
    std::function<bool()> handled;
    std::function<void()> breathe;
  };
  PfkeyService(io::EventLoop& loop, io::SeqPacketListener listener, pfkey::server::Server& server, Listeners listeners);

  /// Sends what the server has for its clients.
  void pump();

 private:
  struct Client {
    io::SeqPacket socket;
    std::optional<ByteVector> unsent;  ///< taken from the server, and then the socket was full
    bool waiting = false;              ///< for the socket to take data again
    io::EventLoop::Watch watch;        ///< last: gone before the socket closes
  };
  using Id = pfkey::server::ClientId;

  void accept();
  void readable(Id id);
  void pump(Id id, Client& client);
  void wait_for_room(Id id, Client& client);

  io::EventLoop& loop_;
  io::SeqPacketListener listener_;
  pfkey::server::Server& server_;
  Listeners listeners_;
  std::map<Id, Client> clients_;
  io::EventLoop::Watch watch_;
};

}  // namespace testudo::app
