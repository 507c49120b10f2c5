#pragma once
// The packets of a benchmark: so many buffers that they lie in the second cache and not in the first, given to both
// sides of a figure.
#include <memory>
#include <span>
#include <vector>

#include "wire/packet/packet_buffer.h"

namespace testudo::bench {

using wire::packet::PacketBuffer;

class Pool {
 public:
  /// `size` is that of the whole inner packet: IPv4, UDP, data.
  explicit Pool(std::size_t size);
  /// How many there are of packets of this size.
  static std::size_t count_of(std::size_t size);

  std::span<PacketBuffer* const> packets() const { return packets_; }
  std::size_t size() const { return packets_.size(); }
  Bytes original() const { return original_; }

  /// Every buffer holds the packet.
  void fill();
  /// Every buffer holds the packet's headers where they were, and whatever the last pass left behind them.
  void renew_headers();

 private:
  ByteVector original_;
  std::vector<std::unique_ptr<PacketBuffer>> buffers_;
  std::vector<PacketBuffer*> packets_;
};

}  // namespace testudo::bench
