#pragma once
// Sends trains of datagrams (datagram_train.h) with one call each, through the UDP socket on which the encapsulated ESP
// of that port is received; rules of the host give them the port's number on their way out (host/steering.h).  The
// kernel writes their headers as they are in the packets, but for identification and a real checksum: UDP_SEGMENT asks
// for one, and so does UDP_GRO at the other end.
// What cannot go this way (no such socket, a device without checksums, an address that is not ours) is refused, for
// the caller to send another way.  One thread.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "net/address.h"

namespace testudo::io {

class TrainSender {
 public:
  /// Datagrams from `port` go out by this socket, which must outlive its use here; it gets the mark.
  void lend(net::Family family, std::uint16_t port, int socket, std::uint32_t mark);

  struct Sent {
    std::size_t packets = 0;  ///< of the front of the batch; 0: send the first another way
    int error = 0;            ///< why they were lost, if they were
  };
  /// True when a train of at least two packets is at the front.
  bool takes(std::span<const Bytes> packets) const;
  /// Sends the train at the front, if there is one of at least two packets.
  Sent send(std::span<const Bytes> packets);

 private:
  struct Socket {
    net::Family family = net::Family::V4;
    std::uint16_t port = 0;
    int number = -1;
    bool dont_fragment = false;
  };
  std::optional<std::size_t> socket_for(Bytes datagram) const;
  static bool choose_dont_fragment(Socket& socket, Bytes packet);

  std::vector<Socket> sockets_;
};

}  // namespace testudo::io
