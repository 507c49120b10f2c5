#pragma once
// The socket of `adminsock`: carries requests of racoonctl to operator.h and its replies back.  SOCK_SEQPACKET: a
// request is one packet.  Requests, clients and what waits to be read are bounded: a client that sends more than one
// request may have, or that does not read, is let go.  One thread.
#include <map>
#include <string>

#include "app/racoon/operator.h"
#include "config/racoon/conf.h"
#include "io/event_loop.h"
#include "io/unix_socket.h"

namespace testudo::app {

/// The socket with its owner and mode.  Failure: a sentence.
Result<io::SeqPacketListener, std::string> listen_for_racoonctl(const config::AdminSocket& conf,
                                                                const std::string& path);

class AdminService {
 public:
  AdminService(io::EventLoop& loop, io::SeqPacketListener listener, Operator& handler);
  void send(Operator::Client client, const std::string& text);

 private:
  static constexpr std::size_t kMostClients = 64, kLongestRequest = 4096;
  struct Client {
    io::SeqPacket socket;
    io::EventLoop::Watch watch{};  ///< last: gone before the socket closes
  };
  void accept();
  void readable(Operator::Client id);
  void drop(Operator::Client id);

  io::EventLoop& loop_;
  io::SeqPacketListener listener_;
  Operator& operator_;
  std::uint64_t next_ = 0;
  std::map<Operator::Client, Client> clients_;
  io::EventLoop::Watch watch_;
};

}  // namespace testudo::app
