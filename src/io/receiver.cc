#include "io/receiver.h"

#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "io/rebuilt_header.h"
#include "net/protocol.h"

namespace testudo::io {
namespace {

constexpr int kIpv6FlowInfo = 11;  // linux/in6.h, which cannot stand beside netinet/in.h
constexpr int kUdpGro = 104;       // UDP_GRO of linux/udp.h
constexpr int kMemInfo = 55;       // SO_MEMINFO
constexpr int kReceiveQueue = 8 << 20;

int domain(net::Family family) {
  return family == net::Family::V4 ? AF_INET : AF_INET6;
}

bool set(const Fd& fd, int level, int option, int value) {
  return ::setsockopt(fd.get(), level, option, &value, sizeof value) == 0;
}

bool ask_for_ancillary(const Fd& fd, net::Family family) {
  if (family == net::Family::V4) {
    return set(fd, IPPROTO_IP, IP_PKTINFO, 1) && set(fd, IPPROTO_IP, IP_RECVTOS, 1) &&
           set(fd, IPPROTO_IP, IP_RECVTTL, 1);
  }
  return set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) && set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) &&
         set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) && set(fd, IPPROTO_IPV6, kIpv6FlowInfo, 1) &&
         set(fd, IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1) && set(fd, IPPROTO_IPV6, IPV6_RECVRTHDR, 1) &&
         set(fd, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1);
}

Result<Fd, SystemError> open_raw(net::Family family, std::uint8_t protocol) {
  Fd fd{::socket(domain(family), SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)};
  if (!fd) return last_error("open raw socket for protocol " + std::to_string(protocol));
  // Beyond rmem_max with CAP_NET_ADMIN; a smaller queue is no reason to give up.
  set(fd, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveQueue);
  if (family == net::Family::V6 && !ask_for_ancillary(fd, family)) return last_error("set up raw IPv6 socket");
  return fd;
}

Status<SystemError> pass_errors_only(const Fd& fd, net::Family family) {
  int outcome = 0;
  if (family == net::Family::V4) {
    icmp_filter filter{};
    filter.data = ~((1U << ICMP_DEST_UNREACH) | (1U << ICMP_TIME_EXCEEDED) | (1U << ICMP_PARAMETERPROB));
    outcome = ::setsockopt(fd.get(), SOL_RAW, ICMP_FILTER, &filter, sizeof filter);
  } else {
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    for (const int type : {ICMP6_DST_UNREACH, ICMP6_PACKET_TOO_BIG, ICMP6_TIME_EXCEEDED, ICMP6_PARAM_PROB}) {
      ICMP6_FILTER_SETPASS(type, &filter);
    }
    outcome = ::setsockopt(fd.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
  }
  if (outcome != 0) return last_error("filter ICMP socket");
  return Done{};
}

// Classic BPF: an instruction, its constant, and how many to skip when it holds and when not.
constexpr sock_filter load(unsigned size, std::uint32_t at) {
  return {static_cast<std::uint16_t>(BPF_LD | size | BPF_IND), 0, 0, at};
}
constexpr sock_filter equal(std::uint32_t value, std::uint8_t yes, std::uint8_t no) {
  return {BPF_JMP | BPF_JEQ | BPF_K, yes, no, value};
}

constexpr auto kDevice = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_IFINDEX);

Status<SystemError> attach_filter(const Fd& fd, std::span<sock_filter> program) {
  const sock_fprog attached{static_cast<unsigned short>(program.size()), program.data()};
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &attached, sizeof attached) == 0) return Done{};
  return last_error("attach filter to socket");
}

Status<SystemError> pass_over_device(const Fd& fd, unsigned device) {
  std::array program{
      sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, kDevice},
      equal(device, 1, 0),
      sock_filter{BPF_RET | BPF_K, 0, 0, 0xffffffff},
      sock_filter{BPF_RET | BPF_K, 0, 0, 0},
  };
  return attach_filter(fd, program);
}

/// Where SPI or CPI stand in the header, and how long they are.
struct NameField {
  std::uint32_t at = 0, size = 4;
};

NameField name_field(std::uint8_t protocol) {
  if (protocol == net::protocol::kAh) return {.at = 4};
  if (protocol == net::protocol::kIpcomp) return {.at = 2, .size = 2};
  return {};
}

// X is where the header begins, as below.  A load beyond the end would end the program, and nobody get the packet.
Status<SystemError> pass_portion(const Fd& fd, net::Family family, const NameField& name, unsigned except,
                                 const Portion& portion) {
  const std::uint8_t if_short = portion.number == 0 ? 3 : 4;
  std::array program{
      sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, kDevice},
      equal(except, 8, 0),
      // NOLINTNEXTLINE(misc-redundant-expression): names of bits, some of which are 0
      family == net::Family::V4 ? sock_filter{BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0}
                                : sock_filter{BPF_LDX | BPF_W | BPF_IMM, 0, 0, 0},
      sock_filter{BPF_LD | BPF_W | BPF_LEN, 0, 0, 0},
      sock_filter{BPF_ALU | BPF_SUB | BPF_X, 0, 0, 0},
      sock_filter{BPF_JMP | BPF_JGE | BPF_K, 0, if_short, name.at + name.size},
      load(name.size == 4 ? BPF_W : BPF_H, name.at),
      sock_filter{BPF_ALU | BPF_MOD | BPF_K, 0, 0, portion.of},
      equal(portion.number, 0, 1),
      sock_filter{BPF_RET | BPF_K, 0, 0, 0xffffffff},
      sock_filter{BPF_RET | BPF_K, 0, 0, 0},
  };
  return attach_filter(fd, program);
}

// Of UDP sockets with one port, the number of the one that gets a datagram; seen from behind the UDP header.  A load
// beyond the end gives 0.
Status<SystemError> divide_by_spi(const Fd& fd, std::uint32_t count) {
  constexpr int kAttach = 51;  // SO_ATTACH_REUSEPORT_CBPF
  std::array program{
      sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
      sock_filter{BPF_ALU | BPF_MOD | BPF_K, 0, 0, count},
      sock_filter{BPF_RET | BPF_A, 0, 0, 0},
  };
  const sock_fprog attached{static_cast<unsigned short>(program.size()), program.data()};
  if (::setsockopt(fd.get(), SOL_SOCKET, kAttach, &attached, sizeof attached) == 0) return Done{};
  return last_error("divide datagrams between sockets");
}

// IPv4 sockets see the packet from its IP header, IPv6 ones from the ICMPv6 header; X is where ICMP begins.
Status<SystemError> pass_quotes_of_protected(const Fd& fd, net::Family family, std::uint16_t port, unsigned except) {
  const bool v4 = family == net::Family::V4;
  const std::uint32_t quote = 8, protocol = quote + (v4 ? 9 : 6), ports = quote + (v4 ? 20 : 40);
  std::array program{
      sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, kDevice},
      equal(except, 11, 0),
      // NOLINTNEXTLINE(misc-redundant-expression): names of bits, some of which are 0
      v4 ? sock_filter{BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0} : sock_filter{BPF_LDX | BPF_W | BPF_IMM, 0, 0, 0},
      load(BPF_B, protocol),
      equal(net::protocol::kEsp, 7, 0),
      equal(net::protocol::kAh, 6, 0),
      equal(net::protocol::kIpcomp, 5, 0),
      equal(net::protocol::kUdp, 0, 5),
      load(BPF_H, ports),
      equal(port, 2, 0),
      load(BPF_H, ports + 2),
      equal(port, 0, 1),
      sock_filter{BPF_RET | BPF_K, 0, 0, 0xffff},
      sock_filter{BPF_RET | BPF_K, 0, 0, 0},
  };
  return attach_filter(fd, program);
}

/// Every address of the family; port 0: one that the kernel chooses.
Status<SystemError> bind_any(const Fd& fd, net::Family family, std::uint16_t port) {
  sockaddr_in6 at{};  // whose port lies where sockaddr_in's does
  at.sin6_family = static_cast<sa_family_t>(domain(family));
  at.sin6_port = htons(port);
  const socklen_t length = family == net::Family::V4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), length) == 0) return Done{};
  return last_error("bind UDP port");
}

Result<Fd, SystemError> open_udp(net::Family family, unsigned except) {
  // UDP_ENCAP is not set: a kernel without ESP would swallow the packets.
  Fd fd{::socket(domain(family), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return last_error("open UDP socket");
  set(fd, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveQueue);
  if (family == net::Family::V6) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (!ask_for_ancillary(fd, family)) return last_error("set up UDP socket");
  TRY_DONE(pass_over_device(fd, except));
  return fd;
}

}  // namespace

Receiver::Receiver(Fd fd, net::Family family, std::uint8_t protocol, std::uint16_t port)
    : fd_(std::move(fd)), family_(family), protocol_(protocol), port_(port), batch_(std::make_unique<MessageBatch>()) {}
Receiver::Receiver(Receiver&&) noexcept = default;
Receiver& Receiver::operator=(Receiver&&) noexcept = default;
Receiver::~Receiver() = default;

Result<Receiver, SystemError> Receiver::raw(net::Family family, std::uint8_t protocol, unsigned except,
                                            const Portion& portion) {
  TRY(Fd fd, open_raw(family, protocol));
  TRY_DONE(portion.of <= 1 ? pass_over_device(fd, except)
                           : pass_portion(fd, family, name_field(protocol), except, portion));
  return Receiver{std::move(fd), family, protocol, 0};
}

Result<Receiver, SystemError> Receiver::icmp_errors(net::Family family, std::uint16_t encapsulation, unsigned except) {
  const std::uint8_t protocol = family == net::Family::V4 ? net::protocol::kIcmp : net::protocol::kIcmpv6;
  TRY(Fd fd, open_raw(family, protocol));
  TRY_DONE(pass_errors_only(fd, family));
  TRY_DONE(pass_quotes_of_protected(fd, family, encapsulation, except));
  return Receiver{std::move(fd), family, protocol, 0};
}

Result<Receiver, SystemError> Receiver::udp_encapsulation(net::Family family, std::uint16_t port, unsigned except) {
  TRY(auto alone, udp_encapsulation(family, port, except, 1));
  return std::move(alone.front());
}

Result<std::vector<Receiver>, SystemError> Receiver::udp_encapsulation(net::Family family, std::uint16_t port,
                                                                       unsigned except, std::uint32_t count) {
  std::vector<Receiver> group;
  do {
    TRY(Fd fd, open_udp(family, except));
    const std::uint16_t shared = group.empty() ? std::uint16_t{0} : group.front().local_port();
    if (count > 1 && !set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return last_error("share UDP port");
    TRY_DONE(bind_any(fd, family, shared));
    group.push_back(Receiver{std::move(fd), family, net::protocol::kUdp, port});
  } while (group.size() < count);
  if (count > 1) TRY_DONE(divide_by_spi(group.front().fd_, count));
  return group;
}
std::uint16_t Receiver::local_port() const {
  sockaddr_in6 at{};  // whose port lies where sockaddr_in's does
  socklen_t length = sizeof at;
  if (::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&at), &length) != 0) return 0;
  return ntohs(at.sin6_port);
}

std::size_t Receiver::front_room() const {
  const std::size_t udp = port_ != 0 ? 8 : 0;
  if (family_ == net::Family::V6) return 40 + udp;
  return port_ != 0 ? 20 + udp : 0;
}

std::size_t Receiver::receive(std::span<Slot> slots) {
  if (joined_) return joined_->receive(fd_.get(), slots);
  const std::size_t wanted = std::min(slots.size(), kBatch);
  for (std::size_t i = 0; i < wanted; ++i) batch_->put(i, slots[i].room.subspan(front_room()));
  const std::size_t count = batch_->receive(fd_.get(), wanted);
  drained_ = count < wanted;
  for (std::size_t i = 0; i < count; ++i) {
    slots[i].length = finish(slots[i].room, i);
    if (slots[i].length == 0) ++skipped_;
  }
  return count;
}

// Puts the header in front that the kernel took off; the length of the whole, or 0 for what is passed over.
std::size_t Receiver::finish(MutableBytes room, std::size_t index) {
  const msghdr& message = batch_->header(index);
  const std::size_t received = batch_->length(index);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return 0;
  const std::size_t front = front_room();
  if (front == 0) return received;
  const auto ancillary = read_ancillary(message);
  if (!ancillary) return 0;
  const std::size_t header = header_length(*ancillary, port_ != 0 ? net::protocol::kUdp : protocol_);
  if (header + received > room.size()) return 0;
  if (header != front) std::memmove(room.data() + header, room.data() + front, received);
  write_header(room.first(header), *ancillary, protocol_, received, port_);
  return header + received;
}

void Receiver::join_messages() {
  if (port_ != 0 && set(fd_, IPPROTO_UDP, kUdpGro, 1)) joined_ = std::make_unique<JoinedMessages>(port_);
}

std::uint64_t Receiver::take_skipped() {
  return std::exchange(skipped_, 0) + (joined_ ? joined_->take_skipped() : 0);
}

std::uint64_t Receiver::take_overflows() {
  constexpr std::size_t kDrops = 8;  // SK_MEMINFO_DROPS of linux/sock_diag.h
  std::array<std::uint32_t, 16> info{};
  socklen_t length = sizeof info;
  if (::getsockopt(fd_.get(), SOL_SOCKET, kMemInfo, info.data(), &length) != 0) return 0;
  return info[kDrops] - std::exchange(overflows_seen_, info[kDrops]);
}

}  // namespace testudo::io
