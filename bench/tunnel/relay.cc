// What is left of a tunnel without IPsec: the same device, cutting and joining, the same trains of datagrams, the same
// loop; between them no policy, no SA, no cipher, no ESP, only an IPv4 and a UDP header put on and taken off.
//   relay DEVICE LOCAL REMOTE     until SIGTERM; the device is set up by the caller once "ready" is printed
#include <arpa/inet.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/endian.h"
#include "io/event_loop.h"
#include "io/host_port.h"
#include "io/joined_messages.h"
#include "io/sender.h"
#include "net/protocol.h"
#include "wire/packet/ip.h"

namespace {

using namespace testudo;
using io::HostPort;

constexpr std::uint16_t kPort = 4500;
constexpr std::uint32_t kMark = 1;
constexpr int kRounds = 4;  // as testudod's packet path
constexpr std::size_t kHeaders = wire::packet::kIpv4Header + wire::packet::kUdpHeader;

int udp_socket() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  const int on = 1, queue = 8 << 20;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof queue);
  for (const int option : {IP_PKTINFO, IP_RECVTOS, IP_RECVTTL}) ::setsockopt(fd, IPPROTO_IP, option, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_UDP, 104, &on, sizeof on);  // UDP_GRO
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(kPort);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 ? fd : -1;
}

class Relay {
 public:
  Relay(const io::Tun& tun, io::Sender sender, int socket, wire::packet::OuterHeader outer)
      : host_(tun),
        sender_(std::move(sender)),
        socket_(socket),
        outer_(outer),
        slots_(io::kBuffers),
        buffers_(io::kBuffers) {
    sender_.lend(net::Family::V4, kPort, socket);
  }

  void from_host() {
    for (int round = 0; round < kRounds || host_.pending(); ++round) {
      const auto batch = host_.read([](Bytes) {});
      if (batch.empty()) return;
      packets_.clear();
      for (HostPort::PacketBuffer* packet : batch) {
        wrap(*packet);
        packets_.push_back(packet->bytes());
      }
      links_.resize(packets_.size());  // the routing table's, all of them
      sender_.send(packets_, links_, [](std::size_t, int) {});
      if (host_.drained()) return;
    }
  }

  void from_wire() {
    for (int round = 0; round < kRounds || messages_.pending(); ++round) {
      for (std::size_t i = 0; i < used_; ++i) {
        buffers_[i].reset();
        slots_[i] = {buffers_[i].free_space(), 0};
      }
      const std::size_t count = used_ = messages_.receive(socket_, slots_);
      if (count == 0) return;
      for (std::size_t i = 0; i < count; ++i) {
        if (slots_[i].length <= kHeaders) continue;
        buffers_[i].set_size(slots_[i].length);
        buffers_[i].trim_front(kHeaders);
        if (!host_.give(buffers_[i])) host_.flush([](Bytes) {});
      }
      host_.flush([](Bytes) {});
      if (messages_.drained()) return;
    }
  }

 private:
  void wrap(HostPort::PacketBuffer& packet) const {
    const std::size_t inner = packet.size();
    packet.prepend(kHeaders);
    const MutableBytes bytes = packet.bytes();
    wire::packet::write_outer(bytes, outer_, inner + wire::packet::kUdpHeader);
    std::uint8_t* udp = bytes.data() + wire::packet::kIpv4Header;
    put_be16(udp, kPort);
    put_be16(udp + 2, kPort);
    put_be16(udp + 4, static_cast<std::uint16_t>(inner + wire::packet::kUdpHeader));
    put_be16(udp + 6, 0);
  }

  HostPort host_;
  io::Sender sender_;
  int socket_;
  wire::packet::OuterHeader outer_;
  io::JoinedMessages messages_{kPort};
  std::vector<io::Slot> slots_;
  std::size_t used_ = io::kBuffers;  // of slots_ and buffers_
  std::vector<HostPort::PacketBuffer> buffers_;
  std::vector<Bytes> packets_;
  std::vector<std::uint32_t> links_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  auto tun = io::Tun::open(argv[1], true);
  auto sender = io::Sender::open(kMark);
  const int socket = udp_socket();
  const auto local = net::Address::parse(argv[2]), remote = net::Address::parse(argv[3]);
  if (!tun || !sender || socket < 0 || !local || !remote) {
    std::perror("relay");
    return 1;
  }
  wire::packet::OuterHeader outer{.source = *local, .destination = *remote, .protocol = net::protocol::kUdp};
  outer.dont_fragment = true;
  Relay relay{*tun, *std::move(sender), socket, outer};
  io::EventLoop loop;
  const auto host = loop.watch(tun->fd(), [&] { relay.from_host(); });
  const auto wire = loop.watch(socket, [&] { relay.from_wire(); });
  for (const int number : {SIGTERM, SIGINT}) loop.on_signal(number, [&] { loop.stop(); });
  std::puts("ready");
  std::fflush(stdout);
  loop.run();
  return 0;
}
