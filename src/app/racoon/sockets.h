#pragma once
// IKE's UDP sockets, one for each local address, so that answers leave from where the question came.  What they send
// carries testudod's own mark.  Addresses that come later are picked up by refresh().  One thread.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "app/racoon/options.h"
#include "config/racoon/conf.h"
#include "io/event_loop.h"
#include "io/udp_socket.h"

namespace testudo::app {

class Sockets {
 public:
  using Sink = std::function<void(const net::Endpoint& local, const net::Endpoint& remote, Bytes bytes)>;
  Sockets(io::EventLoop& loop, const Options& options, Sink sink)
      : loop_(loop), options_(options), sink_(std::move(sink)) {}

  struct News {
    bool is_error = false;
    std::string text;
  };
  /// Opens what is missing and closes what is gone; says what changed, and once what could not be done.
  std::vector<News> refresh(const config::Listen& listen);
  bool empty() const { return sockets_.empty(); }
  /// Every address that should have a socket has one.
  bool complete() const { return failures_.empty(); }
  /// From the socket of that local address.  Failure: a sentence; IKE repeats what did not leave, as what is lost on
  /// the way.
  Status<std::string> send(const net::Endpoint& local, const net::Endpoint& remote, Bytes bytes) const;

 private:
  struct Socket {
    io::UdpSocket udp;
    io::EventLoop::Watch watch;
  };
  std::vector<net::Endpoint> wanted(const config::Listen& listen) const;
  Status<io::SystemError> open(const net::Endpoint& at);

  io::EventLoop& loop_;
  const Options& options_;
  Sink sink_;
  std::map<net::Endpoint, Socket> sockets_;
  std::map<net::Endpoint, std::string> failures_;
};

}  // namespace testudo::app
