#include "transform/esp_payload.h"

#include <algorithm>
#include <array>

#include "base/endian.h"
#include "base/room.h"
#include "base/secret.h"
#include "net/protocol.h"
#include "transform/rewrite.h"
#include "wire/reader.h"

namespace testudo::transform {
namespace {

using sad::IvSource;
using sad::Sa;

constexpr std::size_t kRun = 64;     // packets for one call of the suite
constexpr std::size_t kTrailer = 2;  // pad length, next header

/// What the suite reads that does not lie in the packet.  Deliberately without initialisers.
struct Aside {
  std::array<std::uint8_t, 12> aad;
  std::array<std::uint8_t, 8> iv;
  std::array<std::uint8_t, 4> high;
};

/// RFC 4106 section 5 (and 4309, 4543, 7634): SPI and the sequence number in the length that the SA counts in; and for
/// a separate MAC the half that is not sent.
void authenticate_high_half(crypto::Job& job, std::uint64_t sequence, Aside& aside) {
  std::copy_n(job.head.begin(), 4, aside.aad.begin());
  put_be64(aside.aad.data() + 4, sequence);
  job.aad = aside.aad;
  put_be32(aside.high.data(), static_cast<std::uint32_t>(sequence >> 32));
  job.tail = aside.high;
}

// -- sealing --

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

/// What one packet alone has of all that its SA seals.
struct Numbers {
  std::uint64_t sequence, iv;
};

/// Fills the IV on the wire and returns the one that the cipher takes.
Bytes make_iv(IvSource source, MutableBytes wire, const Numbers& numbers, Aside& aside, Random& random) {
  switch (source) {
    case IvSource::None:
      return {};
    case IvSource::Random:
      random.fill(wire);
      return wire;
    case IvSource::Counter:
      put_be64(wire.data(), numbers.iv);
      return wire;
    case IvSource::FourByte:
      random.fill(wire);
      put_with_complement(aside.iv.data(), be32(wire.data()));
      return aside.iv;
    case IvSource::Derived:
      put_with_complement(aside.iv.data(), static_cast<std::uint32_t>(numbers.sequence));
      return aside.iv;
  }
  return {};
}

/// A job is filled in place: one that is copied while it is still on its way to memory costs more than a small packet's
/// cipher.
using Jobs = Room<crypto::Job, kRun>;

/// Where a job goes, and what it points to beside the packet.
struct Draft {
  Jobs& jobs;
  Aside& aside;
};

/// All but the IV and the tail.
crypto::Job& lay_out(Jobs& jobs, const sad::SaLayout& layout, MutableBytes esp) {
  const std::size_t front = layout.header + layout.iv;
  return jobs.emplace(esp.first(layout.header), esp.first(front), Bytes{},
                      esp.subspan(front, esp.size() - front - layout.icv), Bytes{}, esp.last(layout.icv));
}

void dress(const Sa& sa, const EspToSeal& packet, const Numbers& numbers, const Draft& draft, Random& random) {
  const sad::SaLayout& layout = sa.layout();
  const sad::SaFlags& flags = sa.parameters().flags;
  crypto::Job& job = lay_out(draft.jobs, layout, packet.esp);
  std::uint8_t* const header = packet.esp.data();
  put_be32(header, sa.spi().value);
  if (!flags.old_format) put_be32(header + 4, static_cast<std::uint32_t>(numbers.sequence));
  job.iv = make_iv(layout.iv_source, {header + layout.header, layout.iv}, numbers, draft.aside, random);
  if (flags.extended_sequence) authenticate_high_half(job, numbers.sequence, draft.aside);

  const MutableBytes trailer = job.text.last(packet.pad + kTrailer);
  write_padding(flags.padding, trailer.first(packet.pad), random);
  trailer[packet.pad] = static_cast<std::uint8_t>(packet.pad);
  trailer[packet.pad + 1] = packet.next_header;
}

void seal_run(Sa& sa, std::span<EspToSeal> run, const Context& context) {
  std::array<Aside, kRun> asides;
  Jobs jobs;
  const bool numbered = !sa.parameters().flags.old_format;
  const bool counts_ivs = sa.layout().iv_source == IvSource::Counter;
  std::uint64_t iv = counts_ivs ? sa.iv_counter.take(run.size(), context.random) : 0;
  sad::Sequence::Block sequence;
  for (EspToSeal& packet : run) {
    if (numbered && sequence.empty()) sequence = sa.sequence.take(run.size() - jobs.size());
    if (numbered && sequence.empty()) break;  // and never again: the rest of the run has none either
    Aside& aside = asides[jobs.size()];
    dress(sa, packet, {numbered ? sequence.next() : 0, iv++}, {jobs, aside}, context.random);
  }
  crypto::Suite* const suite = sa.suite(sa.share(context.worker));  // null: no job is marked as done
  if (jobs.size() > 0 && suite != nullptr) suite->seal(jobs.all());
  for (std::size_t i = 0; i < run.size(); ++i) {
    if (i >= jobs.size()) {
      run[i].result = Failure{DropReason::SequenceExhausted};
    } else if (!jobs[i].ok) {
      wipe(jobs[i].text);  // still in clear
      run[i].result = Failure{DropReason::OutboundInvalid};
    }
  }
}

// -- opening --

Bytes cipher_iv(const Sa& sa, Bytes wire, std::uint64_t sequence, Aside& aside) {
  switch (sa.layout().iv_source) {
    case IvSource::None:
      return {};
    case IvSource::Random:
    case IvSource::Counter:
      return wire;
    case IvSource::FourByte:
      put_with_complement(aside.iv.data(), be32(wire.data()));
      return aside.iv;
    case IvSource::Derived:
      put_with_complement(aside.iv.data(), static_cast<std::uint32_t>(sequence));
      return aside.iv;
  }
  return {};
}

/// Everything that is done before the ICV is known; RFC 4303 sections 3.4.2 and 3.4.3.  Adds a job unless it fails.
Status<DropReason> prepare(const Sa& sa, EspToOpen& packet, const Draft& draft) {
  const sad::SaLayout& layout = sa.layout();
  const sad::SaFlags& flags = sa.parameters().flags;
  const std::size_t around = layout.header + layout.iv + layout.icv;
  if (packet.esp.size() < around) return Failure{DropReason::InboundMalformed};
  const std::size_t text = packet.esp.size() - around;
  const bool whole_blocks = (text & (layout.block - 1)) == 0;  // blocks are powers of two
  if (text < kTrailer || !whole_blocks) return Failure{DropReason::BadPayloadLength};
  if (!flags.old_format) {
    packet.sequence = sa.window.reconstruct(be32(packet.esp.data() + 4));
    if (!sa.window.check(packet.sequence)) return Failure{DropReason::Replayed};
  }
  crypto::Job& job = lay_out(draft.jobs, layout, packet.esp);
  job.iv = cipher_iv(sa, job.head.subspan(layout.header), packet.sequence, draft.aside);
  if (flags.extended_sequence) authenticate_high_half(job, packet.sequence, draft.aside);
  return Done{};
}

/// RFC 4303 section 2.4: with the default scheme the receiver SHOULD look at the padding.  Other schemes have nothing
/// to see.
Status<DropReason> read_trailer(sad::Padding kind, Bytes text, EspToOpen& packet) {
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
  packet.next_header = (*end)[1];
  packet.back += pad->size() + kTrailer;
  return Done{};
}

/// Everything that waits for the ICV.
Status<DropReason> finish(Sa& sa, EspToOpen& packet, const crypto::Job& sealed) {
  if (!sealed.ok) return Failure{DropReason::BadIcv};
  if (!sa.parameters().flags.old_format) {
    // Again: a packet of the same run may have taken the number since.
    if (!sa.window.check(packet.sequence)) return Failure{DropReason::Replayed};
    sa.window.commit(packet.sequence);
  }
  packet.front = sealed.head.size();
  packet.back = sealed.icv.size();
  TRY_DONE(read_trailer(sa.parameters().flags.padding, sealed.text, packet));
  // "a receiver MUST be prepared to discard such packets, without indicating an error" (RFC 4303 section 2.6).
  if (packet.next_header == net::protocol::kNoNext) return Failure{DropReason::DummyPacket};
  if (packet.next_header == net::protocol::kHopByHop) return Failure{DropReason::BadNextHeader};
  return Done{};
}

/// Does the number that a packet carries mean the same before and after the packets in front of it are committed?  With
/// ESN a leap may change that; such a packet waits for the next run.
bool means_the_same(const Sa& sa, std::uint64_t sequence, std::uint64_t top) {
  return sa.window.reconstruct(static_cast<std::uint32_t>(sequence), top) == sequence;
}

/// Opens as many packets as go through the suite together; returns how many.
std::size_t open_run(Sa& sa, std::span<EspToOpen> run, sad::Worker worker) {
  std::array<Aside, kRun> asides;
  std::array<EspToOpen*, kRun> opening;
  Jobs jobs;
  std::size_t taken = 0;
  std::uint64_t top = 0;
  while (taken < run.size() && jobs.size() < kRun) {
    EspToOpen& packet = run[taken];
    const std::size_t place = jobs.size();
    const auto prepared = prepare(sa, packet, {jobs, asides[place]});
    const bool must_wait = place > 0 && !means_the_same(sa, packet.sequence, top);
    if (must_wait && prepared) jobs.drop_last();
    if (must_wait) break;
    ++taken;
    if (!prepared) {
      packet.result = Failure{prepared.error()};
      continue;
    }
    top = std::max({top, packet.sequence, sa.window.highest()});
    opening[place] = &packet;
  }
  crypto::Suite* const suite = sa.suite(sa.share(worker));  // null: no job is marked as done
  if (jobs.size() > 0 && suite != nullptr) suite->open(jobs.all());
  for (std::size_t i = 0; i < jobs.size(); ++i) opening[i]->result = finish(sa, *opening[i], jobs[i]);
  return taken;
}

}  // namespace

void seal_payloads(Sa& sa, std::span<EspToSeal> run, const Context& context) {
  while (!run.empty()) {
    const std::size_t n = std::min(kRun, run.size());
    seal_run(sa, run.first(n), context);
    run = run.subspan(n);
  }
}

void open_payloads(Sa& sa, std::span<EspToOpen> run, sad::Worker worker) {
  while (!run.empty()) run = run.subspan(open_run(sa, run, worker));
}

}  // namespace testudo::transform
