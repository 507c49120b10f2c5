#include "observe/pcapng.h"

#include <algorithm>
#include <cstring>

#include "base/endian.h"

namespace testudo::observe {
namespace {

constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a, kInterface = 1, kStatistics = 5, kPacket = 6;
constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
constexpr std::uint16_t kEnd = 0, kComment = 1, kName = 2, kFlags = 2, kApplication = 4, kDropped = 5;
// The family in four bytes in front of each packet.  Of raw IP packets, libpcap up to 1.10 takes one interface only.
constexpr std::uint16_t kLinkTypeLoop = 108;
constexpr std::uint32_t kFamilyV4 = 2, kFamilyV6 = 24;
constexpr std::size_t kPacketHeader = 28, kFamily = 4;

/// In this machine's order, which the section header shows: of what comes by a pipe, dumpcap takes no other.
template <typename T>
T native(const std::uint8_t* at) {
  T value{};
  std::memcpy(&value, at, sizeof value);
  return value;
}

class Block {
 public:
  explicit Block(std::uint32_t type) { u32(type).u32(0); }

  Block& u16(std::uint16_t v) { return put(v); }
  Block& u32(std::uint32_t v) { return put(v); }
  Block& u64(std::uint64_t v) { return put(v); }
  /// The high half first, whatever the order.
  Block& time(std::uint64_t microseconds) {
    return u32(static_cast<std::uint32_t>(microseconds >> 32)).u32(static_cast<std::uint32_t>(microseconds));
  }
  /// The family of LINKTYPE_LOOP is in network order always.
  Block& family(std::uint32_t v) {
    bytes_.resize(bytes_.size() + kFamily);
    put_be32(bytes_.data() + bytes_.size() - kFamily, v);
    return *this;
  }
  Block& padded(Bytes content) {
    bytes_.insert(bytes_.end(), content.begin(), content.end());
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
    return *this;
  }
  Block& option(std::uint16_t code, Bytes value) {
    return u16(code).u16(static_cast<std::uint16_t>(value.size())).padded(value);
  }
  Block& option(std::uint16_t code, std::string_view text) { return option(code, as_bytes(text.substr(0, 0xffff))); }
  ByteVector finish() {
    const auto length = static_cast<std::uint32_t>(bytes_.size() + 4);
    u32(length);
    std::memcpy(bytes_.data() + 4, &length, sizeof length);
    return std::move(bytes_);
  }

 private:
  template <typename Value>
  Block& put(Value value) {
    bytes_.resize(bytes_.size() + sizeof value);
    std::memcpy(bytes_.data() + bytes_.size() - sizeof value, &value, sizeof value);
    return *this;
  }
  ByteVector bytes_;
};

ByteVector interface_block(std::string_view name) {
  return Block{kInterface}.u16(kLinkTypeLoop).u16(0).u32(0).option(kName, name).u32(kEnd).finish();
}

bool is(std::uint32_t type, Bytes block, std::size_t least) {
  return block.size() >= least && native<std::uint32_t>(block.data()) == type;
}

/// The options behind `offset`: the first with this code.
Bytes option_of(Bytes block, std::size_t offset, std::uint16_t code) {
  while (offset + 4 <= block.size()) {
    const std::size_t length = native<std::uint16_t>(block.data() + offset + 2);
    if (native<std::uint16_t>(block.data() + offset) == kEnd || offset + 4 + length > block.size()) break;
    if (native<std::uint16_t>(block.data() + offset) == code) return block.subspan(offset + 4, length);
    offset += 4 + (length + 3) / 4 * 4;
  }
  return {};
}

}  // namespace

ByteVector pcapng_preface() {
  ByteVector all = Block{kSectionHeader}
                       .u32(kByteOrder)
                       .u16(1)
                       .u16(0)
                       .u64(~std::uint64_t{0})  // of unknown length
                       .option(kApplication, "testudo")
                       .u32(kEnd)
                       .finish();
  for (const std::string_view name : {"host", "wire"}) {
    const ByteVector block = interface_block(name);
    all.insert(all.end(), block.begin(), block.end());
  }
  return all;
}

ByteVector pcapng_packet(const TapPacket& packet, std::string_view comment) {
  const auto length = static_cast<std::uint32_t>(kFamily + packet.bytes.size());
  const bool v6 = !packet.bytes.empty() && packet.bytes[0] >> 4 == 6;
  return Block{kPacket}
      .u32(static_cast<std::uint32_t>(packet.side))
      .time(packet.microseconds)
      .u32(length)
      .u32(length)
      .family(v6 ? kFamilyV6 : kFamilyV4)
      .padded(packet.bytes)
      .option(kComment, comment)
      .u16(kFlags)
      .u16(4)
      .u32(static_cast<std::uint32_t>(packet.way))
      .u32(kEnd)
      .finish();
}

ByteVector pcapng_missed(TapSide side, std::uint64_t microseconds, std::uint64_t missed) {
  return Block{kStatistics}
      .u32(static_cast<std::uint32_t>(side))
      .time(microseconds)
      .u16(kDropped)
      .u16(8)
      .u64(missed)
      .u32(kEnd)
      .finish();
}

TapPacket packet_of(Bytes block) {
  TapPacket packet;
  if (!is(kPacket, block, kPacketHeader + kFamily + 4)) return packet;
  packet.side = native<std::uint32_t>(block.data() + 8) == 0 ? TapSide::Host : TapSide::Wire;
  packet.microseconds =
      std::uint64_t{native<std::uint32_t>(block.data() + 12)} << 32 | native<std::uint32_t>(block.data() + 16);
  const std::size_t length =
      std::min<std::size_t>(native<std::uint32_t>(block.data() + 20), block.size() - kPacketHeader - 4);
  packet.bytes = block.subspan(kPacketHeader, length).subspan(std::min(kFamily, length));
  const Bytes flags = option_of(block, kPacketHeader + (length + 3) / 4 * 4, kFlags);
  packet.way = flags.size() == 4 && native<std::uint32_t>(flags.data()) == 1 ? TapWay::In : TapWay::Out;
  return packet;
}

std::string_view comment_of(Bytes block) {
  const Bytes bytes = packet_of(block).bytes;
  if (bytes.empty()) return {};
  const Bytes text = option_of(block, kPacketHeader + (kFamily + bytes.size() + 3) / 4 * 4, kComment);
  const void* erased = text.data();
  return {static_cast<const char*>(erased), text.size()};
}

std::uint64_t missed_of(Bytes block) {
  constexpr std::size_t kHeader = 20;
  if (!is(kStatistics, block, kHeader + 12)) return 0;
  const Bytes dropped = option_of(block, kHeader, kDropped);
  return dropped.size() == 8 ? native<std::uint64_t>(dropped.data()) : 0;
}

}  // namespace testudo::observe
