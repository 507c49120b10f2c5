#include "io/sender.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "io/slot.h"

namespace testudo::io {
namespace {

constexpr int kIpv6HeaderIncluded = 36;  // IPV6_HDRINCL of linux/in6.h
constexpr int kIpNoDefrag = 22;          // IP_NODEFRAG of linux/in.h
constexpr int kSendQueue = 8 << 20;

bool set(const Fd& fd, int level, int option, int value) {
  return ::setsockopt(fd.get(), level, option, &value, sizeof value) == 0;
}

Result<Fd, SystemError> open_raw(int domain, std::uint32_t mark) {
  Fd fd{::socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW)};
  if (!fd) return last_error("open raw socket for sending");
  const bool v4 = domain == AF_INET;
  const bool included = v4 ? set(fd, IPPROTO_IP, IP_HDRINCL, 1) : set(fd, IPPROTO_IPV6, kIpv6HeaderIncluded, 1);
  if (!included) return last_error("set header-included mode");
  // The kernel keeps path MTUs of the packets that hosts give to it.  Ours are longer than those by what protection
  // adds, and the engine keeps their path MTUs itself: only the device's MTU may stop them here.
  const bool probing = v4 ? set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
                          : set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  if (!probing) return last_error("set path MTU mode");
  if (!set(fd, SOL_SOCKET, SO_MARK, static_cast<int>(mark))) return last_error("set mark of raw socket");
  if (!set(fd, SOL_SOCKET, SO_BROADCAST, 1)) return last_error("allow broadcast");
  set(fd, SOL_SOCKET, SO_SNDBUFFORCE, kSendQueue);
  // A host that joins fragments in front of its rules would join those that the engine has cut.
  if (v4) set(fd, IPPROTO_IP, kIpNoDefrag, 1);
  return fd;
}

bool is_v4(Bytes packet) {
  return !packet.empty() && (packet[0] >> 4) == 4;
}
bool has_header(Bytes packet) {
  return packet.size() >= (is_v4(packet) ? 20U : 40U);
}

socklen_t write_destination(sockaddr_in6& storage, Bytes packet, std::uint32_t link) {
  if (!is_v4(packet)) {
    storage = {};
    storage.sin6_family = AF_INET6;
    storage.sin6_scope_id = link;  // which the kernel heeds where the address is link-local
    std::memcpy(&storage.sin6_addr, packet.data() + 24, 16);
    return sizeof storage;
  }
  sockaddr_in to{};
  to.sin_family = AF_INET;
  std::memcpy(&to.sin_addr, packet.data() + 16, 4);
  std::memcpy(&storage, &to, sizeof to);
  return sizeof to;
}

}  // namespace

struct Sender::Buffers {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> vectors{};
  std::array<sockaddr_in6, kBatch> names{};
};

Sender::Sender(Fd v4, Fd v6, std::uint32_t mark)
    : v4_(std::move(v4)), v6_(std::move(v6)), mark_(mark), buffers_(std::make_unique<Buffers>()) {}
Sender::Sender(Sender&&) noexcept = default;
Sender& Sender::operator=(Sender&&) noexcept = default;
Sender::~Sender() = default;

Result<Sender, SystemError> Sender::open(std::uint32_t mark) {
  TRY(Fd v4, open_raw(AF_INET, mark));
  TRY(Fd v6, open_raw(AF_INET6, mark));
  return Sender{std::move(v4), std::move(v6), mark};
}

void Sender::send(std::span<const Bytes> packets, std::span<const std::uint32_t> links,
                  const std::function<void(std::size_t, int)>& failed) {
  std::size_t i = 0;
  while (i < packets.size()) {
    const auto train = trains_.send(packets.subspan(i));
    for (std::size_t n = 0; train.error != 0 && n < train.packets; ++n) failed(i + n, train.error);
    i += train.packets;
    if (train.packets > 0) continue;
    if (!has_header(packets[i])) {
      failed(i++, EINVAL);
      continue;
    }
    const std::size_t sent = send_run(packets.subspan(i, run_length(packets.subspan(i))), links.subspan(i));
    if (sent == 0) failed(i, errno);
    i += std::max<std::size_t>(sent, 1);
  }
}

// Of one family, for one call; a train behind it goes its own way.
std::size_t Sender::run_length(std::span<const Bytes> packets) const {
  const bool v4 = is_v4(packets[0]);
  std::size_t n = 1;
  while (n < packets.size() && n < kBatch && has_header(packets[n]) && is_v4(packets[n]) == v4 &&
         !trains_.takes(packets.subspan(n))) {
    ++n;
  }
  return n;
}

// sendmmsg(2) stops at the first message that fails: 0 means that it was the first of the run.
std::size_t Sender::send_run(std::span<const Bytes> run, std::span<const std::uint32_t> links) {
  Buffers& b = *buffers_;
  for (std::size_t i = 0; i < run.size(); ++i) {
    b.vectors[i] = {const_cast<std::uint8_t*>(run[i].data()), run[i].size()};  // iovec has no const
    msghdr& m = b.messages[i].msg_hdr;
    m = {};
    m.msg_name = &b.names[i];
    m.msg_namelen = write_destination(b.names[i], run[i], links[i]);
    m.msg_iov = &b.vectors[i];
    m.msg_iovlen = 1;
  }
  const int fd = is_v4(run[0]) ? v4_.get() : v6_.get();
  const int sent = ::sendmmsg(fd, b.messages.data(), static_cast<unsigned>(run.size()), MSG_DONTWAIT | MSG_NOSIGNAL);
  return static_cast<std::size_t>(std::max(sent, 0));
}

}  // namespace testudo::io
