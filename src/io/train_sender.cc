#include "io/train_sender.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/endian.h"
#include "io/datagram_train.h"
#include "wire/packet/ip.h"

namespace testudo::io {
namespace {

constexpr int kUdpSegment = 103;        // UDP_SEGMENT of linux/udp.h
constexpr int kIpv6FlowInfo = 11;       // linux/in6.h, which cannot stand beside netinet/in.h
constexpr int kIpv6AutoFlowLabel = 70;  // the same
constexpr int kSendQueue = 8 << 20;

bool set(int socket, int level, int option, int value) {
  return ::setsockopt(socket, level, option, &value, sizeof value) == 0;
}

bool is_v4(Bytes packet) {
  return packet[0] >> 4 == 4;
}

/// The control messages of one call, written one behind the other.
class Control {
 public:
  template <typename T>
  void add(int level, int type, const T& value) {
    auto* at = reinterpret_cast<cmsghdr*>(room_.data() + used_);
    at->cmsg_level = level;
    at->cmsg_type = type;
    at->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(at), &value, sizeof value);
    used_ += CMSG_SPACE(sizeof value);
  }
  void attach(msghdr& message) {
    message.msg_control = room_.data();
    message.msg_controllen = used_;
  }

 private:
  alignas(cmsghdr) std::array<std::uint8_t, 256> room_{};
  std::size_t used_ = 0;
};

void describe_v4(Bytes packet, sockaddr_in6& to, Control& control) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  std::memcpy(&v4.sin_port, packet.data() + train_udp_offset(packet) + 2, 2);
  std::memcpy(&v4.sin_addr, packet.data() + 16, 4);
  std::memcpy(&to, &v4, sizeof v4);
  in_pktinfo from{};
  std::memcpy(&from.ipi_spec_dst, packet.data() + 12, 4);
  control.add(IPPROTO_IP, IP_PKTINFO, from);
  control.add(IPPROTO_IP, IP_TOS, int{packet[1]});
  control.add(IPPROTO_IP, IP_TTL, int{packet[8]});
}

void describe_v6(Bytes packet, sockaddr_in6& to, Control& control) {
  to.sin6_family = AF_INET6;
  std::memcpy(&to.sin6_port, packet.data() + train_udp_offset(packet) + 2, 2);
  std::memcpy(&to.sin6_addr, packet.data() + 24, 16);
  in6_pktinfo from{};
  std::memcpy(&from.ipi6_addr, packet.data() + 8, 16);
  const std::uint32_t first = be32(packet.data());
  control.add(IPPROTO_IPV6, IPV6_PKTINFO, from);
  control.add(IPPROTO_IPV6, IPV6_TCLASS, static_cast<int>(first >> 20 & 0xff));
  control.add(IPPROTO_IPV6, IPV6_HOPLIMIT, int{packet[7]});
  if ((first & 0xfffff) != 0) control.add(IPPROTO_IPV6, kIpv6FlowInfo, htonl(first & 0xfffff));
}

bool dont_fragment(Bytes packet) {
  return !is_v4(packet) || (packet[6] & 0x40) != 0;
}

}  // namespace

void TrainSender::lend(net::Family family, std::uint16_t port, int socket, std::uint32_t mark) {
  if (!set(socket, SOL_SOCKET, SO_MARK, static_cast<int>(mark))) return;
  set(socket, SOL_SOCKET, SO_SNDBUFFORCE, kSendQueue);
  if (family == net::Family::V6) {
    set(socket, IPPROTO_IPV6, kIpv6AutoFlowLabel, 0);
    // Only the device's MTU may stop what the engine has measured.
    if (!set(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE)) return;
  } else if (!set(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)) {
    return;
  }
  sockets_.push_back({family, port, socket, true});
}

TrainSender::Sent TrainSender::send(std::span<const Bytes> packets) {
  if (!takes(packets)) return {};
  const std::size_t count = train_length(packets);
  const Bytes first = packets[0];
  Socket& socket = sockets_[*socket_for(first)];
  if (!choose_dont_fragment(socket, first)) return {};

  sockaddr_in6 to{};
  Control control;
  if (is_v4(first)) {
    describe_v4(first, to, control);
  } else {
    describe_v6(first, to, control);
  }
  const std::size_t headers = train_udp_offset(first) + wire::packet::kUdpHeader;
  control.add(IPPROTO_UDP, kUdpSegment, static_cast<std::uint16_t>(first.size() - headers));
  std::array<iovec, kMaxTrain> parts{};
  for (std::size_t i = 0; i < count; ++i) {
    const Bytes payload = packets[i].subspan(headers);
    parts[i] = {const_cast<std::uint8_t*>(payload.data()), payload.size()};  // iovec has no const
  }
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = is_v4(first) ? sizeof(sockaddr_in) : sizeof to;
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  control.attach(message);
  if (::sendmsg(socket.number, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return {count, 0};
  // What a full queue does not take would not be taken another way either.
  const bool full = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
  return full ? Sent{count, errno} : Sent{};
}

bool TrainSender::takes(std::span<const Bytes> packets) const {
  return train_length(packets.first(std::min<std::size_t>(packets.size(), 2))) == 2 && socket_for(packets[0]);
}

std::optional<std::size_t> TrainSender::socket_for(Bytes datagram) const {
  const net::Family family = is_v4(datagram) ? net::Family::V4 : net::Family::V6;
  const std::uint16_t port = be16(datagram.data() + train_udp_offset(datagram));
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i].family == family && sockets_[i].port == port) return i;
  }
  return std::nullopt;
}

// An option of the socket, not of the message: changed only when the packets change.
bool TrainSender::choose_dont_fragment(Socket& socket, Bytes packet) {
  const bool wanted = dont_fragment(packet);
  if (wanted == socket.dont_fragment) return true;
  const int mode = wanted ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT;
  if (!set(socket.number, IPPROTO_IP, IP_MTU_DISCOVER, mode)) return false;
  socket.dont_fragment = wanted;
  return true;
}

}  // namespace testudo::io
