#include "harness/pool.h"

#include <algorithm>

#include "harness/gateway.h"
#include "support/packets.h"
#include "support/random.h"

namespace testudo::bench {
namespace {

constexpr std::size_t kHeaders = 28;               // IPv4 and UDP
constexpr std::size_t kTouched = 256 * 1024;       // bytes of packets, headers and trailers
constexpr std::size_t kAround = 128;               // what protection adds, in whole cache lines
constexpr std::size_t kLeast = 128, kMost = 1024;  // packets: some batches, but not a long wait for one pass

ByteVector make_packet(std::size_t size) {
  if (size < kHeaders) give_up("a packet has at least " + std::to_string(kHeaders) + " bytes");
  const ByteVector data = test::SeededRandom{3}.bytes(size - kHeaders);
  return test::udp({test::ip("10.0.1.7"), 4096}, {test::ip("10.0.2.9"), 7}, data);
}

}  // namespace

std::size_t Pool::count_of(std::size_t size) {
  return std::clamp(kTouched / (size + kAround) / 64 * 64, kLeast, kMost);
}

Pool::Pool(std::size_t size) : original_(make_packet(size)) {
  const std::size_t count = count_of(size);
  for (std::size_t i = 0; i < count; ++i) {
    buffers_.push_back(std::make_unique<PacketBuffer>(size + kAround));
    packets_.push_back(buffers_.back().get());
  }
  fill();
}

void Pool::fill() {
  for (PacketBuffer* packet : packets_) {
    if (!packet->assign(original_)) give_up("a packet does not fit its buffer");
  }
}

void Pool::renew_headers() {
  for (PacketBuffer* packet : packets_) {
    packet->reset();
    packet->set_size(original_.size());
    std::copy_n(original_.begin(), kHeaders, packet->data());
  }
}

}  // namespace testudo::bench
