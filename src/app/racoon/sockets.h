#pragma once
// UDP sockets of IKE, one for each local address, so that answers leave from where the question came.  What they send
// carries testudod's own mark and so passes all policies, as racoon's sockets do by IP_IPSEC_POLICY bypass.  Addresses
// that come later are picked up by refresh().  One thread.
#include <functional>
#include <map>
#include <vector>

#include "app/racoon/options.h"
#include "config/racoon/conf.h"
#include "io/event_loop.h"
#include "io/fd.h"

namespace testudo::app {

class Sockets {
 public:
  using Sink = std::function<void(const net::Endpoint& local, const net::Endpoint& remote, Bytes bytes)>;
  Sockets(io::EventLoop& loop, const Options& options, Sink sink)
      : loop_(loop), options_(options), sink_(std::move(sink)) {}

  /// Opens what is missing and closes what is gone; the sentences say what changed or could not be done.
  std::vector<std::string> refresh(const config::Listen& listen);
  void send(const net::Endpoint& local, const net::Endpoint& remote, Bytes bytes);

 private:
  struct Socket {
    io::Fd fd;
    io::EventLoop::Watch watch;
  };
  Status<std::string> open(const net::Endpoint& at);
  void read(const net::Endpoint& local, int fd);

  io::EventLoop& loop_;
  const Options& options_;
  Sink sink_;
  std::map<net::Endpoint, Socket> sockets_;
};

}  // namespace testudo::app
