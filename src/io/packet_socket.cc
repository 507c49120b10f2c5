#include "io/packet_socket.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "io/coalesce.h"
#include "io/fd.h"
#include "io/frame_division.h"
#include "io/segment.h"
#include "io/slot.h"

namespace testudo::io {
namespace {

constexpr int kQueueBytes = 8 << 20;  // either way: some hundred super-packets
// Of one message: the kernel's header, the frame's, and the pieces of a super-packet.
constexpr std::size_t kFront = 2;

Status<SystemError> attach(int socket, std::span<sock_filter> text) {
  const sock_fprog program{static_cast<unsigned short>(text.size()), text.data()};
  if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
    return last_error("filter packet socket");
  return Done{};
}

/// Lets nothing in: what comes before frames are divided would come to each socket.
Status<SystemError> close_gate(int socket) {
  std::array<sock_filter, 1> text{sock_filter BPF_STMT(BPF_RET | BPF_K, 0)};
  return attach(socket, text);
}

/// Lets in what the rules have taken, and nothing else.
Status<SystemError> open_gate(int socket) {
  const auto load = [](std::uint16_t size, int at) {
    return sock_filter BPF_STMT(static_cast<std::uint16_t>(BPF_LD | BPF_ABS | size), static_cast<std::uint32_t>(at));
  };
  const auto jump_or_drop = [](std::uint32_t value, std::uint8_t otherwise) {
    return sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, otherwise);
  };
  std::array<sock_filter, 6> text{
      load(BPF_W, SKF_AD_OFF + SKF_AD_MARK),
      jump_or_drop(PacketSocket::kTaken, 3),
      load(BPF_B, SKF_AD_OFF + SKF_AD_PKTTYPE),
      jump_or_drop(PACKET_OTHERHOST, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
      sock_filter BPF_STMT(BPF_RET | BPF_K, 0),
  };
  return attach(socket, text);
}

/// A group of sockets, by the number that the kernel chose at its first member.
Result<std::uint16_t, SystemError> join(int socket, std::optional<std::uint16_t> group) {
  const unsigned type = PACKET_FANOUT_CBPF | (group ? 0 : PACKET_FANOUT_FLAG_UNIQUEID);
  const auto wanted = static_cast<int>(group.value_or(0) | type << 16);
  if (::setsockopt(socket, SOL_PACKET, PACKET_FANOUT, &wanted, sizeof wanted) != 0)
    return last_error("divide frames between packet sockets");
  int got = 0;
  socklen_t length = sizeof got;
  if (::getsockopt(socket, SOL_PACKET, PACKET_FANOUT, &got, &length) != 0)
    return last_error("ask for a group of packet sockets");
  return static_cast<std::uint16_t>(got & 0xffff);
}

Status<SystemError> divide(int socket, const PacketSocket::Spec& spec) {
  const net::Family family = spec.protocol == PacketSocket::kIpv4 ? net::Family::V4 : net::Family::V6;
  std::vector<sock_filter> text = divide_frames(family, spec.encapsulation_ports);
  const sock_fprog program{static_cast<unsigned short>(text.size()), text.data()};
  if (::setsockopt(socket, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof program) != 0)
    return last_error("say which packet socket gets a frame");
  return Done{};
}

void widen(int socket, int forced, int polite) {
  if (::setsockopt(socket, SOL_SOCKET, forced, &kQueueBytes, sizeof kQueueBytes) != 0)
    static_cast<void>(::setsockopt(socket, SOL_SOCKET, polite, &kQueueBytes, sizeof kQueueBytes));
}

/// As if the packet began where IP does; false when it cannot be.
bool without_frame(VnetHeader& header) {
  if ((header.flags & VnetHeader::kNeedsChecksum) == 0) return true;
  if (header.checksum_start < FrameSocket::kHeader) return false;
  header.checksum_start = static_cast<std::uint16_t>(header.checksum_start - FrameSocket::kHeader);
  return true;
}

void with_frame(VnetHeader& header) {
  if ((header.flags & VnetHeader::kNeedsChecksum) == 0) return;
  header.checksum_start = static_cast<std::uint16_t>(header.checksum_start + FrameSocket::kHeader);
  header.header_length = static_cast<std::uint16_t>(header.header_length + FrameSocket::kHeader);
}

}  // namespace

struct PacketSocket::State {
  struct Arrived {
    VnetHeader header;
    FrameSocket::Header frame{};
    PacketBuffer packet;
  };
  struct Leaving {
    FrameSocket::Header frame{};
    Origin origin = Origin::Forwarded;
    PacketBuffer packet;
  };
  /// What one sendmmsg(2) is given.
  struct Message {
    VnetHeader header;
    std::size_t from = 0, packets = 0;  ///< its vectors; how many packets are in it
    Bytes first;
  };

  explicit State(Offload offload) : coalescer(offload), arrived(kBatch), leaving(kBuffers) {
    vectors.reserve(kBuffers * (kFront + 1));
    messages.reserve(kBuffers);
    headers.reserve(kBuffers);
  }

  Status<SystemError> set_up(const Spec& spec);
  bool fetch(const Lost& malformed);
  std::size_t take(std::span<PacketBuffer> into, const Lost& malformed);
  bool begin(Arrived& one, const Lost& malformed);
  void gather(std::size_t from, std::size_t to);
  void write(const Lost& refused);

  Fd socket;
  unsigned device = 0;
  Coalescer coalescer;

  std::vector<Arrived> arrived;
  std::array<mmsghdr, kBatch> incoming{};
  std::array<std::array<iovec, kFront + 1>, kBatch> rooms{};
  std::size_t count = 0, next = 0;  ///< of arrived: how many there are, and which is next
  std::optional<Segments> cutting;  ///< of arrived[next], from segment `segment` on
  std::size_t segment = 0;

  std::vector<Leaving> leaving;
  std::size_t queued = 0;
  std::vector<Message> messages;
  std::vector<iovec> vectors;
  std::vector<mmsghdr> headers;
  std::uint64_t lost = 0;
};

Status<SystemError> PacketSocket::State::set_up(const Spec& spec) {
  // Of no protocol until its filter is there.
  socket = Fd{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket) return last_error("open packet socket");
  const int on = 1;
  if (::setsockopt(socket.get(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) != 0)
    return last_error("ask for headers of super-packets");
  TRY_DONE(close_gate(socket.get()));
  widen(socket.get(), SO_RCVBUFFORCE, SO_RCVBUF);
  widen(socket.get(), SO_SNDBUFFORCE, SO_SNDBUF);
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_protocol = htons(spec.protocol);
  at.sll_ifindex = static_cast<int>(spec.device);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
    return last_error("bind packet socket");
  device = spec.device;
  return Done{};
}

/// False when nothing waits.
bool PacketSocket::State::fetch(const Lost& malformed) {
  for (std::size_t i = 0; i < kBatch; ++i) {
    Arrived& one = arrived[i];
    one.packet.reset();
    const MutableBytes room = one.packet.free_space();
    rooms[i] = {iovec{&one.header, sizeof one.header}, iovec{one.frame.data(), one.frame.size()},
                iovec{room.data(), room.size()}};
    incoming[i].msg_hdr = {};
    incoming[i].msg_hdr.msg_iov = rooms[i].data();
    incoming[i].msg_hdr.msg_iovlen = rooms[i].size();
  }
  const int n = ::recvmmsg(socket.get(), incoming.data(), kBatch, MSG_DONTWAIT, nullptr);
  // EINVAL: a super-packet of a kind that the kernel has no header for; it is gone.
  if (n < 0 && errno == EINVAL) malformed({});
  next = 0;
  count = static_cast<std::size_t>(std::max(n, 0));
  return count > 0;
}

/// Of the next one: true when it is to be cut, or fits as it is.
bool PacketSocket::State::begin(Arrived& one, const Lost& malformed) {
  const msghdr& message = incoming[next].msg_hdr;
  constexpr std::size_t kInFront = sizeof(VnetHeader) + kHeader;
  const std::size_t length = incoming[next].msg_len;
  if (length <= kInFront || (message.msg_flags & MSG_TRUNC) != 0) {
    malformed({});
    return false;
  }
  one.packet.set_size(length - kInFront);
  bool right = without_frame(one.header);
  if (right && one.header.is_super_packet()) {
    auto segments = Segments::of(one.header, one.packet.bytes());
    right = segments && segments->longest() <= PacketBuffer::kMaxPacket;
    if (right) cutting = *segments;
    segment = 0;
  } else if (right) {
    right = finish_checksum(one.header, one.packet.bytes()).has_value();
  }
  if (!right) malformed(one.packet.bytes());
  return right;
}

/// As many of the next one as fit: the next call goes on.
std::size_t PacketSocket::State::take(std::span<PacketBuffer> into, const Lost& malformed) {
  Arrived& one = arrived[next];
  if (!cutting && !begin(one, malformed)) {
    ++next;
    return 0;
  }
  if (!cutting) {
    std::swap(one.packet, into.front());
    ++next;
    return 1;
  }
  std::size_t n = 0;
  for (; n < into.size() && segment < cutting->count(); ++n, ++segment) {
    into[n].reset();
    into[n].set_size(cutting->write(segment, into[n].free_space()));
  }
  if (segment == cutting->count()) {
    cutting.reset();
    ++next;
  }
  return n;
}

/// Joins what is queued from one place to another, all with the same frame header.
void PacketSocket::State::gather(std::size_t from, std::size_t to) {
  coalescer.clear();
  for (std::size_t i = from; i < to; ++i) {
    const MutableBytes packet = leaving[i].packet.bytes();
    if (leaving[i].origin == Origin::Sealed) {
      coalescer.add_own(packet);
    } else {
      coalescer.add(packet);
    }
  }
  for (std::size_t i = 0; i < coalescer.count(); ++i) {
    Message& message = messages.emplace_back();
    const auto pieces = coalescer.finish(i, message.header);
    with_frame(message.header);
    message.from = vectors.size();
    message.packets = pieces.size();
    message.first = pieces.front();
    vectors.push_back({nullptr, sizeof(VnetHeader)});  // led to the header once those hold still
    vectors.push_back({leaving[from].frame.data(), kHeader});
    for (const Bytes piece : pieces) vectors.push_back({const_cast<std::uint8_t*>(piece.data()), piece.size()});
  }
}

void PacketSocket::State::write(const Lost& refused) {
  headers.assign(messages.size(), {});
  // The frame's own header says the protocol and the address.
  std::array<sockaddr_ll, 2> names{};
  for (std::size_t i = 0; i < names.size(); ++i) {
    names[i].sll_family = AF_PACKET;
    names[i].sll_protocol = htons(i == 0 ? 0x0800 : 0x86dd);
    names[i].sll_ifindex = static_cast<int>(device);
  }
  for (std::size_t i = 0; i < messages.size(); ++i) {
    Message& message = messages[i];
    vectors[message.from].iov_base = &message.header;
    msghdr& m = headers[i].msg_hdr;
    m.msg_name = &names[message.first[0] >> 4 == 4 ? 0 : 1];
    m.msg_namelen = sizeof names[0];
    m.msg_iov = &vectors[message.from];
    m.msg_iovlen = message.packets + kFront;
  }
  for (std::size_t done = 0; done < headers.size();) {
    const auto left = static_cast<unsigned>(headers.size() - done);
    const int n = ::sendmmsg(socket.get(), &headers[done], left, MSG_DONTWAIT);
    done += static_cast<std::size_t>(std::max(n, 0));
    if (n > 0 || errno == EINTR) continue;
    for (std::size_t i = 0; i < messages[done].packets; ++i) refused(messages[done].first);
    ++done;
  }
}

PacketSocket::PacketSocket(std::unique_ptr<State> state) : state_(std::move(state)) {}
PacketSocket::~PacketSocket() = default;

Result<std::vector<std::unique_ptr<PacketSocket>>, SystemError> PacketSocket::open(const Spec& spec,
                                                                                   std::size_t count) {
  std::vector<std::unique_ptr<PacketSocket>> made;
  std::optional<std::uint16_t> group;
  while (made.size() < count) {
    auto state = std::make_unique<State>(spec.offload);
    TRY_DONE(state->set_up(spec));
    if (count > 1) {
      TRY(group, join(state->socket.get(), group));
    }
    made.push_back(std::unique_ptr<PacketSocket>{new PacketSocket{std::move(state)}});
  }
  if (count > 1) TRY_DONE(divide(made.front()->fd(), spec));
  for (const auto& socket : made) TRY_DONE(open_gate(socket->fd()));
  return made;
}

int PacketSocket::fd() const {
  return state_->socket.get();
}

bool PacketSocket::pending() const {
  return state_->next < state_->count;
}

std::size_t PacketSocket::receive(std::span<PacketBuffer> into, const Lost& malformed) {
  if (!pending() && !state_->fetch(malformed)) return 0;
  std::size_t n = 0;
  while (n < into.size() && pending()) n += state_->take(into.subspan(n), malformed);
  return n;
}

bool PacketSocket::send(const Header& header, PacketBuffer& packet, Origin origin) {
  State& s = *state_;
  if (s.queued == s.leaving.size()) return false;
  State::Leaving& place = s.leaving[s.queued++];
  place.frame = header;
  place.origin = origin;
  std::swap(place.packet, packet);
  packet.reset();
  return true;
}

void PacketSocket::flush(const Lost& refused) {
  State& s = *state_;
  if (s.queued == 0) return;
  s.messages.clear();
  s.vectors.clear();
  for (std::size_t from = 0, to = 0; from < s.queued; from = to) {
    while (to < s.queued && s.leaving[to].frame == s.leaving[from].frame) ++to;
    s.gather(from, to);
  }
  s.write(refused);
  s.queued = 0;
}

std::uint64_t PacketSocket::losses() {
  tpacket_stats seen{};  // since the last time
  socklen_t length = sizeof seen;
  if (::getsockopt(state_->socket.get(), SOL_PACKET, PACKET_STATISTICS, &seen, &length) == 0)
    state_->lost += seen.tp_drops;
  return state_->lost;
}

}  // namespace testudo::io
