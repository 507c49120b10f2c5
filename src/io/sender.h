#pragma once
// Sends whole IP packets as they are (IP_HDRINCL, IPV6_HDRINCL), marked as the daemon's own so that the host's rules
// leave them alone.  The kernel only chooses the route; nothing is cut: what is longer than the link's MTU fails with
// EMSGSIZE.  Trains of datagrams may go by UDP sockets that were lent for it (train_sender.h).  One thread.
#include <functional>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "io/fd.h"
#include "io/system_error.h"
#include "io/train_sender.h"

namespace testudo::io {

class Sender {
 public:
  /// `mark` is set on every packet (SO_MARK).
  static Result<Sender, SystemError> open(std::uint32_t mark);
  Sender(Sender&&) noexcept;
  Sender& operator=(Sender&&) noexcept;
  ~Sender();

  /// Trains of datagrams from `port` go out by this UDP socket, which must live as long as this.
  void lend(net::Family family, std::uint16_t port, int socket) { trains_.lend(family, port, socket, mark_); }

  /// Calls `failed` with index and errno for each packet that the kernel refused; the others were sent.  `links`, one
  /// for each packet: the index of the link by which it must leave; 0: the routing table says.
  void send(std::span<const Bytes> packets, std::span<const std::uint32_t> links,
            const std::function<void(std::size_t, int)>& failed);

 private:
  struct Buffers;
  Sender(Fd v4, Fd v6, std::uint32_t mark);
  std::size_t run_length(std::span<const Bytes> packets) const;
  std::size_t send_run(std::span<const Bytes> run, std::span<const std::uint32_t> links);

  Fd v4_, v6_;
  std::uint32_t mark_;
  TrainSender trains_;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace testudo::io
