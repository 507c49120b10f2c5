#include "io/xdp_socket.h"

#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>
#include <vector>

#include "io/fd.h"

namespace testudo::io {
namespace {

constexpr std::uint32_t kEntries = 1024;  // of each ring; a power of two
constexpr std::uint32_t kFrames = 2 * kEntries;
// Of it the kernel keeps XDP_PACKET_HEADROOM (256) in front of what comes.
constexpr std::size_t kFrameSize = 4096;
constexpr int kKicks = 64;  // the kernel sends 32 frames a call

class Mapping {
 public:
  Mapping() = default;
  Mapping(void* at, std::size_t size) : at_(at), size_(size) {}
  Mapping(Mapping&& other) noexcept : at_(std::exchange(other.at_, MAP_FAILED)), size_(other.size_) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(at_, other.at_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Mapping() {
    if (at_ != MAP_FAILED) ::munmap(at_, size_);
  }
  explicit operator bool() const { return at_ != MAP_FAILED; }
  std::uint8_t* data() const { return static_cast<std::uint8_t*>(at_); }

 private:
  void* at_ = MAP_FAILED;
  std::size_t size_ = 0;
};

/// One ring that the kernel is at the other end of.  The side that writes a count publishes the entries before it.
template <typename Entry>
class SharedRing {
 public:
  Status<SystemError> map(int socket, const xdp_ring_offset& at, off_t page) {
    const std::size_t size = at.desc + kEntries * sizeof(Entry);
    mapping_ = Mapping{::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, socket, page), size};
    if (!mapping_) return last_error("map AF_XDP ring");
    producer_ = reinterpret_cast<std::uint32_t*>(mapping_.data() + at.producer);
    consumer_ = reinterpret_cast<std::uint32_t*>(mapping_.data() + at.consumer);
    entries_ = reinterpret_cast<Entry*>(mapping_.data() + at.desc);
    return Done{};
  }
  Entry& operator[](std::uint32_t count) { return entries_[count % kEntries]; }
  std::uint32_t produced() const { return std::atomic_ref{*producer_}.load(std::memory_order_acquire); }
  std::uint32_t consumed() const { return std::atomic_ref{*consumer_}.load(std::memory_order_acquire); }
  void produce(std::uint32_t count) { std::atomic_ref{*producer_}.store(count, std::memory_order_release); }
  void consume(std::uint32_t count) { std::atomic_ref{*consumer_}.store(count, std::memory_order_release); }

 private:
  Mapping mapping_;
  std::uint32_t *producer_ = nullptr, *consumer_ = nullptr;
  Entry* entries_ = nullptr;
};

Status<SystemError> set_ring_size(int socket, int which) {
  const std::uint32_t entries = kEntries;
  if (::setsockopt(socket, SOL_XDP, which, &entries, sizeof entries) != 0) return last_error("size AF_XDP ring");
  return Done{};
}

}  // namespace

struct XdpSocket::Rings {
  Mapping memory;  // kFrames frames: the first half is for what comes, the second for what goes
  SharedRing<std::uint64_t> fill, completion;
  SharedRing<xdp_desc> incoming, outgoing;
  std::vector<std::uint64_t> idle;  // frames of the second half that nothing is in
  Fd socket;                        // closed first

  Status<SystemError> set_up();
  Status<SystemError> map();
  void reclaim();
};

Status<SystemError> XdpSocket::Rings::set_up() {
  const std::size_t size = kFrames * kFrameSize;
  memory = Mapping{::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), size};
  if (!memory) return last_error("allocate AF_XDP frames");
  xdp_umem_reg frames{};
  frames.addr = reinterpret_cast<std::uintptr_t>(memory.data());
  frames.len = size;
  frames.chunk_size = kFrameSize;
  if (::setsockopt(socket.get(), SOL_XDP, XDP_UMEM_REG, &frames, sizeof frames) != 0)
    return last_error("register AF_XDP frames");
  for (const int which : {XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING, XDP_TX_RING})
    TRY_DONE(set_ring_size(socket.get(), which));
  TRY_DONE(map());
  for (std::uint32_t i = 0; i < kEntries; ++i) fill[i] = i * kFrameSize;
  fill.produce(kEntries);
  for (std::uint32_t i = kEntries; i < kFrames; ++i) idle.push_back(i * kFrameSize);
  return Done{};
}

Status<SystemError> XdpSocket::Rings::map() {
  xdp_mmap_offsets at{};
  socklen_t length = sizeof at;
  if (::getsockopt(socket.get(), SOL_XDP, XDP_MMAP_OFFSETS, &at, &length) != 0)
    return last_error("ask for AF_XDP rings");
  TRY_DONE(fill.map(socket.get(), at.fr, static_cast<off_t>(XDP_UMEM_PGOFF_FILL_RING)));
  TRY_DONE(completion.map(socket.get(), at.cr, static_cast<off_t>(XDP_UMEM_PGOFF_COMPLETION_RING)));
  TRY_DONE(incoming.map(socket.get(), at.rx, XDP_PGOFF_RX_RING));
  return outgoing.map(socket.get(), at.tx, static_cast<off_t>(XDP_PGOFF_TX_RING));
}

/// What was sent is idle again.
void XdpSocket::Rings::reclaim() {
  std::uint32_t done = completion.consumed();
  for (const std::uint32_t end = completion.produced(); done != end; ++done) idle.push_back(completion[done]);
  completion.consume(done);
}

XdpSocket::XdpSocket(std::unique_ptr<Rings> rings) : rings_(std::move(rings)) {}
XdpSocket::~XdpSocket() = default;

Result<std::unique_ptr<XdpSocket>, SystemError> XdpSocket::open(unsigned device, std::uint32_t queue) {
  auto rings = std::make_unique<Rings>();
  rings->socket = Fd{::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0)};
  if (!rings->socket) return last_error("open AF_XDP socket");
  TRY_DONE(rings->set_up());
  sockaddr_xdp at{};
  at.sxdp_family = AF_XDP;
  at.sxdp_flags = XDP_COPY;
  at.sxdp_ifindex = device;
  at.sxdp_queue_id = queue;
  if (::bind(rings->socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
    return last_error("bind AF_XDP socket to queue " + std::to_string(queue));
  return std::unique_ptr<XdpSocket>{new XdpSocket{std::move(rings)}};
}

int XdpSocket::fd() const {
  return rings_->socket.get();
}

std::size_t XdpSocket::receive(std::span<PacketBuffer> into, const Lost&) {
  Rings& r = *rings_;
  std::uint32_t at = r.incoming.consumed(), refill = r.fill.produced();
  const std::uint32_t end = r.incoming.produced();
  std::size_t n = 0;
  for (; at != end && n < into.size(); ++at, ++n) {
    const xdp_desc frame = r.incoming[at];
    into[n].reset();
    const MutableBytes room = into[n].free_space();
    const std::size_t length = std::min(frame.len > kHeader ? frame.len - kHeader : 0, room.size());
    std::copy_n(r.memory.data() + frame.addr + kHeader, length, room.begin());
    into[n].set_size(length);
    r.fill[refill++] = frame.addr;
  }
  r.incoming.consume(at);
  r.fill.produce(refill);
  return n;
}

bool XdpSocket::send(const Header& header, PacketBuffer& packet, Origin) {
  Rings& r = *rings_;
  if (r.idle.empty()) r.reclaim();
  if (r.idle.empty() || kHeader + packet.size() > kMaxFrame) return false;
  const std::uint32_t at = r.outgoing.produced();
  const std::uint64_t frame = r.idle.back();
  r.idle.pop_back();
  std::ranges::copy(header, r.memory.data() + frame);
  std::ranges::copy(packet.bytes(), r.memory.data() + frame + kHeader);
  r.outgoing[at] = {frame, static_cast<std::uint32_t>(kHeader + packet.size()), 0};
  r.outgoing.produce(at + 1);
  return true;
}

void XdpSocket::flush(const Lost&) {
  Rings& r = *rings_;
  for (int i = 0; i < kKicks && r.outgoing.consumed() != r.outgoing.produced(); ++i) {
    const bool sent = ::sendto(r.socket.get(), nullptr, 0, MSG_DONTWAIT, nullptr, 0) >= 0;
    // EAGAIN: 32 of more were sent.  Others (ENOBUFS, ENETDOWN) leave the rest for the next time.
    if (!sent && errno != EAGAIN && errno != EBUSY && errno != EINTR) break;
  }
  r.reclaim();
}

std::uint64_t XdpSocket::losses() {
  xdp_statistics seen{};
  socklen_t length = sizeof seen;
  if (::getsockopt(rings_->socket.get(), SOL_XDP, XDP_STATISTICS, &seen, &length) != 0) return 0;
  return seen.rx_dropped + seen.rx_ring_full + seen.rx_fill_ring_empty_descs;
}

}  // namespace testudo::io
