#include "io/host_port.h"

#include <utility>

#include "io/slot.h"

namespace testudo::io {

HostPort::HostPort(const Tun& tun) : tun_(tun), incoming_(kBuffers), arrived_(kBuffers), coalescer_(tun.offload()) {
  batch_.reserve(kBuffers);
}

std::span<HostPort::PacketBuffer* const> HostPort::read(const Lost& malformed) {
  batch_.clear();
  const bool rest = pending();  // goes alone, so that a caller who waits for its end does not wait for ever
  drained_ = false;
  do {
    if (cutting_) cut();
    if (rest || batch_.size() >= kBatch) break;
    drained_ = !read_one(malformed);
  } while (!drained_);
  return batch_;
}

// False when nothing waits.
bool HostPort::read_one(const Lost& malformed) {
  super_.reset();
  VnetHeader header;
  const std::size_t length = tun_.read(header, super_.free_space());
  if (length == 0) return false;
  super_.set_size(length);
  if (!header.is_super_packet()) {
    if (finish_checksum(header, super_.bytes())) {
      std::swap(super_, next_buffer());
    } else {
      malformed(super_.bytes());
    }
    return true;
  }
  const auto segments = Segments::of(header, super_.bytes());
  const bool fits = segments && segments->longest() <= super_.free_space().size();
  if (!fits) malformed(super_.bytes());
  if (fits) cutting_ = *segments;
  next_ = 0;
  return true;
}

// As far as there are buffers: the next call goes on.
void HostPort::cut() {
  for (; next_ < cutting_->count(); ++next_) {
    if (batch_.size() == incoming_.size()) return;
    PacketBuffer& buffer = next_buffer();
    buffer.set_size(cutting_->write(next_, buffer.free_space()));
  }
  cutting_.reset();
}

HostPort::PacketBuffer& HostPort::next_buffer() {
  PacketBuffer& buffer = incoming_[batch_.size()];
  buffer.reset();
  batch_.push_back(&buffer);
  return buffer;
}

bool HostPort::give(PacketBuffer& packet) {
  if (queued_ == arrived_.size()) return false;
  std::swap(packet, arrived_[queued_++]);
  packet.reset();
  return true;
}

void HostPort::flush(const Lost& refused) {
  for (std::size_t i = 0; i < queued_; ++i) coalescer_.add(arrived_[i].bytes());
  for (std::size_t i = 0; i < coalescer_.count(); ++i) {
    VnetHeader header;
    const auto pieces = coalescer_.finish(i, header);
    if (tun_.write(header, pieces)) continue;
    for (std::size_t n = 0; n < pieces.size(); ++n) refused(pieces[0]);
  }
  coalescer_.clear();
  queued_ = 0;
}

}  // namespace testudo::io
