#pragma once
// IKE's UDP sockets: one for each local address, so that answers leave from where the question came, and a second one
// on the port of NAT-T where a remote block asks for it.  There testudod has the port too, for ESP, and messages stand
// behind the non-ESP marker (RFC 3947 section 4), which is put on and taken off here.  What they send carries
// testudod's own mark.  Whoever may, opens them.  Addresses that come later are picked up by refresh().  One thread.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "app/racoon/options.h"
#include "config/racoon/conf.h"
#include "ike/event.h"
#include "io/event_loop.h"
#include "io/udp_socket.h"

namespace testudo::app {

class Sockets {
 public:
  using Sink = std::function<void(const ike::Received& datagram)>;
  /// Opens one; failure: a sentence.
  using Opener = std::function<Result<io::UdpSocket, std::string>(const net::Endpoint& at, bool natt)>;
  Sockets(io::EventLoop& loop, const Options& options, Sink sink, Opener opener)
      : loop_(loop), options_(options), sink_(std::move(sink)), opener_(std::move(opener)) {}

  struct News {
    bool is_error = false;
    std::string text;
  };
  /// Opens what is missing and closes what is gone; says what changed, and once what could not be done.
  std::vector<News> refresh(const config::RacoonConf& conf);
  bool empty() const { return sockets_.empty(); }
  /// Every address that should have a socket has one.
  bool complete() const { return failures_.empty(); }
  /// From the socket of that local address.  Failure: a sentence; IKE repeats what did not leave, as what is lost on
  /// the way.
  Status<std::string> send(const ike::Send& message) const;
  void keep_alive(const ike::KeepAlive& what) const;

 private:
  struct Socket {
    io::UdpSocket udp;
    io::EventLoop::Watch watch;
    bool natt = false;
  };
  /// Where, and whether for NAT-T.
  using Wanted = std::map<net::Endpoint, bool>;
  Wanted wanted(const config::RacoonConf& conf) const;
  /// All of the host's, for who is told none.
  std::vector<net::Address> addresses() const;
  Status<std::string> open(const net::Endpoint& at, bool natt);
  void receive(const Socket& socket, const net::Endpoint& at);
  const Socket* find(const net::Endpoint& local, bool natt) const;

  io::EventLoop& loop_;
  const Options& options_;
  Sink sink_;
  Opener opener_;
  std::map<net::Endpoint, Socket> sockets_;
  std::map<net::Endpoint, std::string> failures_;
};

}  // namespace testudo::app
