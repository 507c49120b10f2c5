#include "io/joined_messages.h"

#include <algorithm>
#include <cstring>

#include "net/protocol.h"

namespace testudo::io {
namespace {

constexpr int kUdpGro = 104;  // UDP_GRO of linux/udp.h

// The size of the messages that were joined, or 0 when it is one.
std::size_t joined_size(const msghdr& message) {
  msghdr walk = message;  // CMSG_NXTHDR wants it mutable
  for (cmsghdr* c = CMSG_FIRSTHDR(&walk); c != nullptr; c = CMSG_NXTHDR(&walk, c)) {
    if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != kUdpGro) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(c), sizeof size);
    return static_cast<std::size_t>(std::max(size, 0));
  }
  return 0;
}

}  // namespace

JoinedMessages::JoinedMessages(std::uint16_t port)
    : port_(port), storage_(std::make_unique_for_overwrite<std::uint8_t[]>(kBatch * kRoom)) {}

std::size_t JoinedMessages::receive(int socket, std::span<Slot> slots) {
  std::size_t filled = 0;
  bool asked = pending();  // first what is left, so that a caller who waits for its end does not wait for ever
  while (filled < slots.size()) {
    if (!rest_.empty() || start_message()) {
      slots[filled].length = write_piece(slots[filled].room);
      ++filled;
      continue;
    }
    if (asked) break;
    asked = true;
    for (std::size_t i = 0; i < stale_; ++i) batch_.put(i, {storage_.get() + i * kRoom, kRoom});
    wanted_ = joined_ ? kJoinedAtOnce : kBatch;
    received_ = batch_.receive(socket, wanted_);
    if (received_ > 0) joined_ = false;
    stale_ = std::min(received_ + 1, wanted_);  // the one that did not come, too: whatever the kernel left there
    current_ = 0;
  }
  return filled;
}

// Goes on to the next message that can be used.
bool JoinedMessages::start_message() {
  while (current_ < received_) {
    const std::size_t i = current_++;
    const msghdr& message = batch_.header(i);
    const auto ancillary = read_ancillary(message);
    const bool cut_short = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    if (cut_short || !ancillary || batch_.length(i) == 0) {
      ++skipped_;
      continue;
    }
    ancillary_ = *ancillary;
    rest_ = {storage_.get() + i * kRoom, batch_.length(i)};
    const std::size_t size = joined_size(message);
    joined_ = joined_ || size != 0;
    step_ = size != 0 ? size : rest_.size();
    return true;
  }
  return false;
}

std::size_t JoinedMessages::write_piece(MutableBytes room) {
  const Bytes piece = rest_.first(std::min(step_, rest_.size()));
  rest_ = rest_.subspan(piece.size());
  const std::size_t header = header_length(ancillary_, net::protocol::kUdp);
  if (header + piece.size() > room.size()) {
    ++skipped_;
    return 0;
  }
  std::memcpy(room.data() + header, piece.data(), piece.size());
  write_header(room.first(header), ancillary_, net::protocol::kUdp, piece.size(), port_);
  return header + piece.size();
}

}  // namespace testudo::io
