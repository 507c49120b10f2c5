#include "transform/esp_open.h"

#include <algorithm>
#include <array>

#include "base/endian.h"
#include "net/protocol.h"
#include "transform/rewrite.h"
#include "wire/reader.h"

namespace testudo::transform {
namespace {

using sad::IvSource;
using sad::Sa;

constexpr std::size_t kRun = 64;     // packets for one call of the suite
constexpr std::size_t kTrailer = 2;  // pad length, next header

/// What belongs to one packet between its replay check and its commit.
struct Pending {
  OpenJob* job = nullptr;
  std::uint64_t sequence = 0;
  std::array<std::uint8_t, 12> aad;
  std::array<std::uint8_t, 8> iv;
  std::array<std::uint8_t, 4> high;
};

/// The ESP part of a packet, cut along the SA's layout.
struct Parts {
  Bytes header, iv, icv;
  std::size_t text_offset = 0, text_length = 0;
};

Result<Parts, DropReason> cut(const sad::SaLayout& layout, Bytes packet, const IpView& ip) {
  wire::Reader reader{packet};
  if (!reader.skip(ip.upper_offset)) return Failure{DropReason::InboundMalformed};
  const auto header = reader.take(layout.header);
  const auto iv = reader.take(layout.iv);
  const auto icv = reader.take_back(layout.icv);
  if (!header || !iv || !icv) return Failure{DropReason::InboundMalformed};
  if (reader.remaining() < kTrailer || reader.remaining() % layout.block != 0) {
    return Failure{DropReason::BadPayloadLength};
  }
  return Parts{*header, *iv, *icv, ip.upper_offset + layout.header + layout.iv, reader.remaining()};
}

Bytes cipher_iv(const Sa& sa, const Parts& parts, Pending& pending) {
  switch (sa.layout().iv_source) {
    case IvSource::None:
      return {};
    case IvSource::Random:
    case IvSource::Counter:
      return parts.iv;
    case IvSource::FourByte:
      put_with_complement(pending.iv.data(), be32(parts.iv.data()));
      return pending.iv;
    case IvSource::Derived:
      put_with_complement(pending.iv.data(), static_cast<std::uint32_t>(pending.sequence));
      return pending.iv;
  }
  return {};
}

/// Everything that is done before the ICV is known; RFC 4303 sections 3.4.2 and 3.4.3.
Result<crypto::Job, DropReason> prepare(const Sa& sa, Pending& pending) {
  PacketBuffer& packet = *pending.job->packet;
  const IpView& ip = pending.job->ip;
  // "If a packet offered to ESP for processing appears to be an IP fragment … the receiver MUST discard the packet."
  if (ip.fragment) return Failure{DropReason::InboundMalformed};
  const sad::SaFlags& flags = sa.parameters().flags;
  packet.trim_back(packet.size() - ip.total_length);
  TRY(const Parts parts, cut(sa.layout(), packet.bytes(), ip));
  if (!flags.old_format) {
    pending.sequence = sa.window.reconstruct(be32(parts.header.data() + 4));
    if (!sa.window.check(pending.sequence)) return Failure{DropReason::Replayed};
  }

  const MutableBytes esp = packet.bytes().subspan(ip.upper_offset);
  crypto::Job out;
  out.head = esp.first(parts.header.size() + parts.iv.size());
  out.aad = parts.header;
  out.iv = cipher_iv(sa, parts, pending);
  out.text = packet.bytes().subspan(parts.text_offset, parts.text_length);
  out.icv = esp.last(parts.icv.size());
  if (flags.extended_sequence) {
    std::ranges::copy(parts.header.first(4), pending.aad.begin());
    put_be64(pending.aad.data() + 4, pending.sequence);
    out.aad = pending.aad;
    put_be32(pending.high.data(), static_cast<std::uint32_t>(pending.sequence >> 32));
    out.tail = pending.high;
  }
  return out;
}

struct Trailer {
  std::uint8_t next_header = 0;
  std::size_t length = 0;  ///< with the padding
};

/// RFC 4303 section 2.4: with the default scheme the receiver SHOULD look at the padding.  Other schemes have nothing
/// to see.
Result<Trailer, DropReason> read_trailer(sad::Padding kind, Bytes text) {
  wire::Reader reader{text};
  const auto end = reader.take_back(kTrailer);
  if (!end) return Failure{DropReason::BadPayloadLength};
  const auto pad = reader.take_back((*end)[0]);
  if (!pad) return Failure{DropReason::BadPayloadLength};
  if (kind == sad::Padding::Sequential) {
    for (std::size_t i = 0; i < pad->size(); ++i) {
      if ((*pad)[i] != i + 1) return Failure{DropReason::BadPadding};
    }
  }
  return Trailer{(*end)[1], pad->size() + kTrailer};
}

/// Everything that waits for the ICV.
Result<Opened, DropReason> finish(Sa& sa, const Pending& pending, const crypto::Job& sealed) {
  if (!sealed.ok) return Failure{DropReason::BadIcv};
  if (!sa.parameters().flags.old_format) {
    // Again: a packet of the same run may have taken the number since.
    if (!sa.window.check(pending.sequence)) return Failure{DropReason::Replayed};
    sa.window.commit(pending.sequence);
  }
  TRY(const Trailer trailer, read_trailer(sa.parameters().flags.padding, sealed.text));
  // "a receiver MUST be prepared to discard such packets, without indicating an error" (RFC 4303 section 2.6).
  if (trailer.next_header == net::protocol::kNoNext) return Failure{DropReason::DummyPacket};
  if (trailer.next_header == net::protocol::kHopByHop) return Failure{DropReason::BadNextHeader};

  PacketBuffer& packet = *pending.job->packet;
  const IpView& ip = pending.job->ip;
  packet.trim_back(sealed.icv.size() + trailer.length);
  packet.erase(ip.upper_offset, sealed.head.size());
  announce(packet, ip, ip.next_header_offset, trailer.next_header);
  return Opened{trailer.next_header, pending.sequence};
}

/// Does the number that a packet carries mean the same before and after the packets in front of it are committed?  With
/// ESN a leap may change that; such a packet waits for the next run.
bool means_the_same(const Sa& sa, std::uint64_t sequence, std::uint64_t top) {
  return sa.window.reconstruct(static_cast<std::uint32_t>(sequence), top) == sequence;
}

/// Opens as many packets as go through the suite together; returns how many.
std::size_t open_run(Sa& sa, std::span<OpenJob> jobs) {
  std::array<Pending, kRun> pending;
  std::array<crypto::Job, kRun> batch;
  std::size_t filled = 0, taken = 0;
  std::uint64_t top = 0;
  while (taken < jobs.size() && filled < kRun) {
    Pending& slot = pending[filled];
    slot.job = &jobs[taken];
    slot.sequence = 0;
    auto prepared = prepare(sa, slot);
    if (filled > 0 && !means_the_same(sa, slot.sequence, top)) break;
    ++taken;
    if (!prepared) {
      slot.job->result = Failure{prepared.error()};
      continue;
    }
    top = std::max({top, slot.sequence, sa.window.highest()});
    batch[filled++] = *prepared;
  }
  if (filled > 0) sa.suite()->open(std::span{batch}.first(filled));
  for (std::size_t i = 0; i < filled; ++i) pending[i].job->result = finish(sa, pending[i], batch[i]);
  return taken;
}

}  // namespace

void open_esp(Sa& sa, std::span<OpenJob> jobs) {
  while (!jobs.empty()) jobs = jobs.subspan(open_run(sa, jobs));
}

}  // namespace testudo::transform
