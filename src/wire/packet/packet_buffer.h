#pragma once
// One IP packet with room on both sides, so that headers and trailers are added in place:
//
//   | head room: outer IPv6 40 + UDP 8 + ESP 8 + IV 16, several times over | IP packet | tail room: pad + ICV |
//   ^ storage                                                              ^ begin     ^ end        capacity ^
//
// Owns its storage, which is allocated once; pools hand buffers out and take them back.  Not thread-safe.
#include <memory>
#include <new>
#include <span>

#include "base/bytes.h"

namespace testudo::wire::packet {

class PacketBuffer {
 public:
  static constexpr std::size_t kHeadRoom = 512;
  static constexpr std::size_t kTailRoom = 512;
  static constexpr std::size_t kMaxPacket = 65535;

  /// `payload` is the largest packet that reset() leaves room for beside head and tail room.
  explicit PacketBuffer(std::size_t payload = kMaxPacket)
      : storage_(new (kLine) std::uint8_t[kHeadRoom + payload + kTailRoom]),
        capacity_(kHeadRoom + payload + kTailRoom),
        begin_(kHeadRoom),
        end_(kHeadRoom) {}

  MutableBytes bytes() { return {storage_.get() + begin_, end_ - begin_}; }
  Bytes bytes() const { return {storage_.get() + begin_, end_ - begin_}; }
  std::uint8_t* data() { return storage_.get() + begin_; }
  const std::uint8_t* data() const { return storage_.get() + begin_; }
  std::size_t size() const { return end_ - begin_; }
  std::size_t head_room() const { return begin_; }
  std::size_t tail_room() const { return capacity_ - end_; }

  /// Asks for the first and the last bytes, and for the place of headers to come, ahead of their use.
  void fetch_ahead() const {
    __builtin_prefetch(storage_.get() + (begin_ < kHeaders ? 0 : begin_ - kHeaders), 1);
    __builtin_prefetch(data(), 1);
    __builtin_prefetch(storage_.get() + end_, 1);
  }

  /// Empties the buffer, with kHeadRoom in front.
  void reset() {
    begin_ = end_ = kHeadRoom;
    link_ = 0;
  }
  /// The index of the link by which it must leave, as its destination is link-local there (RFC 4007 section 6); 0: the
  /// routing table says.
  std::uint32_t link() const { return link_; }
  void leave_by(std::uint32_t link) { link_ = link; }
  /// Replaces the content; false (and unchanged) when it does not fit.
  bool assign(Bytes content);
  /// Room to receive into, then commit with set_size().
  MutableBytes free_space() { return {storage_.get() + begin_, capacity_ - kTailRoom - begin_}; }
  void set_size(std::size_t n) { end_ = begin_ + n; }

  /// Grow by n bytes (contents undefined); false and unchanged when there is no room.
  bool prepend(std::size_t n) {
    if (n > begin_) return false;
    begin_ -= n;
    return true;
  }
  bool append(std::size_t n) {
    if (n > tail_room()) return false;
    end_ += n;
    return true;
  }
  /// Shrink; the caller has parsed that many bytes.
  void trim_front(std::size_t n) { begin_ += n; }
  void trim_back(std::size_t n) { end_ -= n; }
  /// Opens a gap of n bytes after the first `offset` bytes by moving those bytes to the front; false when there is no
  /// room.
  bool insert(std::size_t offset, std::size_t n);
  /// Removes n bytes after the first `offset` bytes by moving those bytes backwards.
  void erase(std::size_t offset, std::size_t n);

 private:
  static constexpr std::size_t kHeaders = 36;  ///< of ESP in IPv4

  /// Of a cache: the widest vectors are as long, and one that lies across two lines is loaded twice.  kHeadRoom is a
  /// multiple of it, so that a packet that is sealed where it was received begins with a line.
  static constexpr std::align_val_t kLine{64};
  struct Free {
    void operator()(std::uint8_t* storage) const { ::operator delete[](storage, kLine); }
  };

  std::unique_ptr<std::uint8_t[], Free> storage_;
  std::size_t capacity_, begin_, end_;
  std::uint32_t link_ = 0;
};

/// Of the packets of a batch, when it is this one's turn: those a little behind it.
inline void fetch_behind(std::span<PacketBuffer* const> batch, std::size_t turn) {
  constexpr std::size_t kAhead = 4;
  if (turn + 2 * kAhead < batch.size()) __builtin_prefetch(batch[turn + 2 * kAhead]);
  if (turn + kAhead < batch.size()) batch[turn + kAhead]->fetch_ahead();
}

}  // namespace testudo::wire::packet
