#include "ike/v1/fragments.h"

#include <algorithm>
#include <array>

#include "base/endian.h"
#include "ike/v1/required.h"
#include "ike/v1/sa.h"
#include "wire/ike/header.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Payload;

constexpr std::uint16_t kFragmentId = 1;
constexpr std::size_t kGenericAndFragmentHeader = 4 + 4;
constexpr std::size_t kMostPieces = 255;

/// MD5 of "FRAGMENTATION", then which modes are meant: main and aggressive, base.
constexpr std::array<std::uint8_t, 16> kFragmentVendor{0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85,
                                                       0x25, 0xe7, 0xde, 0x7f, 0x00, 0xd6, 0xc2, 0xd3};
constexpr std::uint32_t kMainAndAggressive = 0x80000000, kBase = 0x40000000;

/// Some send no modes, and mean all.
bool takes_pieces(Bytes vendor, v1wire::Exchange mode) {
  if (vendor.size() < kFragmentVendor.size()) return false;
  if (!std::ranges::equal(vendor.first(kFragmentVendor.size()), kFragmentVendor)) return false;
  if (vendor.size() != kFragmentVendor.size() + 4) return vendor.size() == kFragmentVendor.size();
  const std::uint32_t wanted = mode == v1wire::Exchange::Base ? kBase : kMainAndAggressive;
  return (be32(vendor.data() + kFragmentVendor.size()) & wanted) != 0;
}

}  // namespace

std::vector<ByteVector> split(Bytes message) {
  static constexpr std::size_t kRoom = kFragmentDatagram - wire::ike::kHeaderBytes - kGenericAndFragmentHeader;
  const auto whole = wire::ike::parse(message);
  const std::size_t count = (message.size() + kRoom - 1) / kRoom;
  if (message.size() <= kFragmentDatagram || count > kMostPieces || !whole) return {};
  wire::ike::Header header = whole->header;
  header.next = static_cast<std::uint8_t>(Payload::Fragment);
  header.flags = 0;
  std::vector<ByteVector> datagrams;
  for (std::size_t i = 0; i < count; ++i) {
    const Bytes data = message.subspan(i * kRoom, std::min(kRoom, message.size() - i * kRoom));
    const auto index = static_cast<std::uint8_t>(i + 1);
    v1wire::ChainWriter payload;
    payload.add(Payload::Fragment, v1wire::compose_fragment({kFragmentId, index, i + 1 == count, data}));
    datagrams.push_back(wire::ike::compose(header, payload.bytes()));
  }
  return datagrams;
}

bool Reassembly::contradict(const Piece& old, const v1wire::FragmentView& piece) {
  if (old.index == piece.index) return old.last != piece.last || !std::ranges::equal(old.data, piece.data);
  return (piece.last && old.index > piece.index) || (old.last && piece.index > old.index);
}

Result<std::optional<ByteVector>, std::string_view> Reassembly::add(const v1wire::FragmentView& piece, Time now,
                                                                    std::size_t most) {
  if (piece.data.empty()) return Failure{std::string_view{"a fragment without bytes"}};
  if (piece.id != id_) pieces_.clear();
  const auto newest =
      std::find_if(pieces_.rbegin(), pieces_.rend(), [&](const Piece& p) { return contradict(p, piece); });
  pieces_.erase(pieces_.begin(), newest.base());
  if (std::ranges::find(pieces_, piece.index, &Piece::index) != pieces_.end()) return std::optional<ByteVector>{};
  std::size_t bytes = piece.data.size();
  for (const Piece& each : pieces_) bytes += each.data.size();
  if (bytes > most) {
    pieces_.clear();
    return Failure{std::string_view{"fragments of too many bytes"}};
  }
  if (pieces_.empty()) since_ = now;
  id_ = piece.id;
  pieces_.push_back({piece.index, piece.last, owned(piece.data)});
  return join();
}

std::optional<ByteVector> Reassembly::join() {
  const auto last = std::ranges::find(pieces_, true, &Piece::last);
  if (last == pieces_.end() || pieces_.size() != last->index) return std::nullopt;
  std::ranges::sort(pieces_, {}, &Piece::index);
  ByteVector whole;
  for (const Piece& each : pieces_) whole.insert(whole.end(), each.data.begin(), each.data.end());
  pieces_.clear();
  return whole;
}

void add_fragment_vendor(v1wire::ChainWriter& out, const IkeSa& sa) {
  const Fragmentation wish = sa.block->ike_frag;
  if (wish == Fragmentation::Off || (sa.role == Role::Responder && !sa.sends_fragments)) return;
  ByteVector vendor = owned(kFragmentVendor);
  vendor.resize(kFragmentVendor.size() + 4);
  put_be32(vendor.data() + kFragmentVendor.size(), kMainAndAggressive | kBase);
  out.add(Payload::VendorId, std::move(vendor));
}

void note_fragment_vendor(IkeSa& sa, const v1wire::Chain& chain) {
  if (sa.block->ike_frag == Fragmentation::Off) return;
  sa.sends_fragments = sa.block->ike_frag == Fragmentation::Force ||
                       std::ranges::any_of(chain.payloads, [&](const v1wire::PayloadView& p) {
                         return p.type == Payload::VendorId && takes_pieces(p.body, sa.mode);
                       });
}

}  // namespace testudo::ike::v1
