#include "transform/esp_seal.h"

#include <algorithm>
#include <array>

#include "base/endian.h"
#include "base/secret.h"
#include "net/protocol.h"
#include "transform/rewrite.h"

namespace testudo::transform {
namespace {

using sad::IvSource;
using sad::Sa;

constexpr std::size_t kRun = 64;     // packets for one call of the suite
constexpr std::size_t kTrailer = 2;  // pad length, next header

/// What the suite reads that does not lie in the packet.
struct Scratch {
  std::array<std::uint8_t, 12> aad;
  std::array<std::uint8_t, 8> iv;
  std::array<std::uint8_t, 4> high;
};

/// How one packet grows.
struct Growth {
  std::size_t front = 0, pad = 0, back = 0;
};

Growth growth_of(const sad::SaLayout& layout, std::size_t payload) {
  const std::size_t filled = (payload + kTrailer) % layout.pad;
  const std::size_t pad = filled == 0 ? 0 : layout.pad - filled;
  return {.front = layout.header + layout.iv, .pad = pad, .back = pad + kTrailer + layout.icv};
}

Status<DropReason> make_room(PacketBuffer& packet, const IpView& ip, const Growth& growth) {
  const std::size_t sealed = ip.total_length + growth.front + growth.back;
  if (sealed > largest_packet(ip.is_v4())) return Failure{DropReason::TooBig};
  packet.trim_back(packet.size() - ip.total_length);
  if (packet.tail_room() < growth.back || !packet.insert(ip.transport_offset, growth.front)) {
    return Failure{DropReason::NoRoom};
  }
  packet.append(growth.back);
  return Done{};
}

void write_padding(sad::Padding kind, MutableBytes pad, Random& random) {
  switch (kind) {
    case sad::Padding::Sequential:
      for (std::size_t i = 0; i < pad.size(); ++i) pad[i] = static_cast<std::uint8_t>(i + 1);
      break;
    case sad::Padding::Random:
      random.fill(pad);
      break;
    case sad::Padding::Zero:
      std::ranges::fill(pad, std::uint8_t{0});
      break;
  }
}

std::uint64_t next_counter(Sa& sa, Random& random) {
  if (!sa.iv_counter) {
    std::array<std::uint8_t, 8> start{};
    random.fill(start);
    sa.iv_counter = be64(start.data());
  }
  return (*sa.iv_counter)++;
}

/// Fills the IV on the wire and returns the one that the cipher takes.
Bytes make_iv(Sa& sa, MutableBytes wire, std::uint64_t sequence, Scratch& scratch, Random& random) {
  switch (sa.layout().iv_source) {
    case IvSource::None:
      return {};
    case IvSource::Random:
      random.fill(wire);
      return wire;
    case IvSource::Counter:
      put_be64(wire.data(), next_counter(sa, random));
      return wire;
    case IvSource::FourByte:
      random.fill(wire);
      put_with_complement(scratch.iv.data(), be32(wire.data()));
      return scratch.iv;
    case IvSource::Derived:
      put_with_complement(scratch.iv.data(), static_cast<std::uint32_t>(sequence));
      return scratch.iv;
  }
  return {};
}

/// RFC 4106 section 5 (and 4309, 4543, 7634): SPI and the sequence number in the length that the SA counts in.
Bytes make_aad(const Sa& sa, Bytes header, std::uint64_t sequence, Scratch& scratch) {
  if (!sa.parameters().flags.extended_sequence) return header;
  put_be32(scratch.aad.data(), sa.spi().value);
  put_be64(scratch.aad.data() + 4, sequence);
  return scratch.aad;
}

crypto::Job lay_out(Sa& sa, PacketBuffer& packet, const IpView& ip, const Growth& growth) {
  const MutableBytes esp = packet.bytes().subspan(ip.transport_offset);
  const std::size_t icv = sa.layout().icv;
  crypto::Job job;
  job.head = esp.first(growth.front);
  job.text = esp.subspan(growth.front, esp.size() - growth.front - icv);
  job.icv = esp.last(icv);
  return job;
}

Result<crypto::Job, DropReason> prepare(Sa& sa, SealJob& job, Scratch& scratch, Random& random) {
  // "transport mode ESP is applied only to whole IP datagrams (not to IP fragments)" (RFC 4303 section 3.3.4)
  if (job.ip.fragment) return Failure{DropReason::OutboundInvalid};
  const sad::SaLayout& layout = sa.layout();
  const bool old = sa.parameters().flags.old_format;
  const IpView& ip = job.ip;
  PacketBuffer& packet = *job.packet;
  const Growth growth = growth_of(layout, ip.total_length - ip.transport_offset);
  TRY_DONE(make_room(packet, ip, growth));
  const std::optional<std::uint64_t> sequence = old ? 0 : sa.sequence.next();
  if (!sequence) return Failure{DropReason::SequenceExhausted};

  crypto::Job out = lay_out(sa, packet, ip, growth);
  std::uint8_t* const header = packet.data() + ip.transport_offset;
  put_be32(header, sa.spi().value);
  if (!old) put_be32(header + 4, static_cast<std::uint32_t>(*sequence));
  out.iv = make_iv(sa, {header + layout.header, layout.iv}, *sequence, scratch, random);
  const MutableBytes trailer = out.text.last(growth.pad + kTrailer);
  write_padding(sa.parameters().flags.padding, trailer.first(growth.pad), random);
  trailer[growth.pad] = static_cast<std::uint8_t>(growth.pad);
  trailer[growth.pad + 1] = ip.transport_protocol;
  out.aad = make_aad(sa, out.head.first(layout.header), *sequence, scratch);
  if (sa.parameters().flags.extended_sequence) {
    put_be32(scratch.high.data(), static_cast<std::uint32_t>(*sequence >> 32));
    out.tail = scratch.high;
  }

  announce(packet, ip, ip.transport_next_header_offset, net::protocol::kEsp);
  return out;
}

void seal_run(Sa& sa, std::span<SealJob> jobs, const Context& context) {
  std::array<Scratch, kRun> scratch;
  std::array<crypto::Job, kRun> batch;
  std::array<SealJob*, kRun> sealing;
  std::size_t filled = 0;
  for (SealJob& job : jobs) {
    auto prepared = prepare(sa, job, scratch[filled], context.random);
    if (!prepared) {
      job.result = Failure{prepared.error()};
      continue;
    }
    job.result = Done{};
    sealing[filled] = &job;
    batch[filled++] = *prepared;
  }
  if (filled > 0) sa.suite()->seal(std::span{batch}.first(filled));
  for (std::size_t i = 0; i < filled; ++i) {
    if (batch[i].ok) continue;
    wipe(batch[i].text);
    sealing[i]->result = Failure{DropReason::OutboundInvalid};
  }
}

}  // namespace

void seal_esp(Sa& sa, std::span<SealJob> jobs, const Context& context) {
  while (!jobs.empty()) {
    const std::size_t run = std::min(kRun, jobs.size());
    seal_run(sa, jobs.first(run), context);
    jobs = jobs.subspan(run);
  }
}

}  // namespace testudo::transform
