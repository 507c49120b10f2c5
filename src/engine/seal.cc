#include "engine/seal.h"

#include <algorithm>

#include "net/protocol.h"
#include "sad/lifetime.h"
#include "transform/ah.h"
#include "transform/ipcomp.h"
#include "transform/tunnel_outer.h"
#include "transform/udp_encap.h"
#include "wire/reader.h"

namespace testudo::engine {
namespace {

using net::DropReason;

void count_sealed(const sad::Sa& sa, std::size_t payload, const Status<DropReason>& result, Verdicts& verdicts);
void trace_sealed(const sad::Sa& sa, const Passage& passage, Verdicts& verdicts);
Status<DropReason> look_again(Passage& passage);
Status<DropReason> put_in_udp(const sad::Sa& sa, Passage& passage);

/// Drops the departures for which `step` fails, and takes them out of the run.
template <typename Step>
void keep_if(std::vector<Departure>& run, const LayerName& layer, Verdicts& verdicts, Step step) {
  std::erase_if(run, [&](Departure& departure) {
    const Status<DropReason> done = step(departure.passage);
    if (!done) verdicts.drop(done.error(), departure.passage, layer);
    return !done;
  });
}

}  // namespace

void Sealer::seal(const Bundle& bundle, std::vector<Departure>& run, Verdicts& verdicts) {
  // Of several the innermost whose peer has a window: the others are hardly ever used without it.
  const auto numbered = [](const SealStep& step) { return step.sa->parameters().replay_packets != 0; };
  const auto first = std::ranges::find_if(bundle.steps(), numbered);
  if (first != bundle.steps().end()) verdicts.before_sealing(*first->sa);
  std::size_t ahead = bundle.steps().size();
  for (const SealStep& step : bundle.steps()) {
    if (step.encapsulate) encapsulate(*step.sa, run, verdicts);
    apply(*step.sa, run, verdicts);
    if (--ahead > 0) verdicts.statistics().bundled += run.size();
  }
}

void Sealer::encapsulate(sad::Sa& sa, std::vector<Departure>& run, Verdicts& verdicts) {
  ProtocolCounters& ipip = verdicts.statistics().ipip;
  keep_if(run, name_of(sa), verdicts, [&](Passage& passage) -> Status<DropReason> {
    TRY_DONE(transform::prepend_outer(sa, *passage.packet, passage.ip, context_));
    ++ipip.output;
    ipip.output_bytes += passage.ip.total_length;
    return look_again(passage);
  });
}

void Sealer::apply(sad::Sa& sa, std::vector<Departure>& run, Verdicts& verdicts) {
  const LayerName layer = name_of(sa);
  sad::Share& share = sa.share(context_.worker);
  keep_if(run, layer, verdicts, [&](const Passage& passage) -> Status<DropReason> {
    // Packet by packet, so that a limit holds in the middle of a batch too.  Of other workers each may pass it with one
    // packet more, the one that it counts while we look.
    if (sad::past_use(sa.parameters().hard(), sa.usage())) return Failure{DropReason::HardLifetime};
    share.count(1, passage.ip.total_length - passage.ip.transport_offset, verdicts.now());
    return Done{};
  });
  jobs_.clear();
  for (const Departure& departure : run) jobs_.push_back({departure.passage.packet, departure.passage.ip});
  transform(sa, verdicts);

  auto job = jobs_.cbegin();
  keep_if(run, layer, verdicts, [&](Passage& passage) -> Status<DropReason> {
    const auto& result = (job++)->result;
    const std::size_t payload = passage.ip.total_length - passage.ip.transport_offset;
    if (layer.protocol != net::protocol::kIpcomp) count_sealed(sa, payload, result, verdicts);
    TRY_DONE(result);
    TRY_DONE(look_again(passage));
    if (passage.ip.upper_protocol != layer.protocol) return Done{};  // did not shrink
    trace_sealed(sa, passage, verdicts);
    return put_in_udp(sa, passage);
  });
}

void Sealer::transform(sad::Sa& sa, Verdicts& verdicts) {
  switch (sa.group().protocol) {
    case sad::SaProtocol::Esp:
      return transform::seal_esp(sa, jobs_, context_);
    case sad::SaProtocol::Ah:
      return transform::sign_ah(sa, jobs_, context_);
    case sad::SaProtocol::Ipcomp:
      return compress(sa, verdicts);
    case sad::SaProtocol::TcpSignature:  // no policy asks for one
      break;
  }
}

/// A packet that does not shrink goes on as it is (RFC 3173 section 2.2).
void Sealer::compress(sad::Sa& sa, Verdicts& verdicts) {
  Statistics& statistics = verdicts.statistics();
  for (transform::SealJob& job : jobs_) {
    const std::size_t payload = job.ip.total_length - job.ip.transport_offset;
    const auto compressed = transform::compress_ipcomp(sa, *job.packet, job.ip, context_.worker);
    if (!compressed) job.result = Failure{compressed.error()};
    if (compressed && *compressed == transform::Compressed::TooShort) {
      ++statistics.ipcomp_too_short;
      continue;
    }
    if (compressed && *compressed == transform::Compressed::Useless) ++statistics.ipcomp_useless;
    count_sealed(sa, payload, job.result, verdicts);
  }
}

namespace {

/// As netipsec counts: every packet that reaches the transform, its bytes unless it would be too big, its algorithms
/// when they were applied.
void count_sealed(const sad::Sa& sa, std::size_t payload, const Status<DropReason>& result, Verdicts& verdicts) {
  ProtocolCounters& counters = counters_of(sa.group().protocol, verdicts.statistics());
  ++counters.output;
  if (result || result.error() != DropReason::TooBig) counters.output_bytes += payload;
  if (result) count_algorithms(sa, 1, verdicts.statistics());
}

/// The sequence number is read from the packet: those of a run were all taken before.
void trace_sealed(const sad::Sa& sa, const Passage& passage, Verdicts& verdicts) {
  if (!verdicts.tracing()) return;
  const LayerName layer = name_of(sa);
  const bool numbered = sa.group().protocol != sad::SaProtocol::Ipcomp && !sa.parameters().flags.old_format;
  wire::Reader in{Bytes{passage.packet->bytes()}.subspan(passage.ip.upper_offset)};
  // In front of it: the SPI, and in AH also next header, length and reserved.
  const bool there = numbered && in.skip(layer.protocol == net::protocol::kAh ? 8 : 4).has_value();
  const auto sequence = in.u32();
  verdicts.trace({.kind = TraceStep::Kind::Sealed,
                  .protocol = layer.protocol,
                  .spi = sa.spi(),
                  .sequence = there && sequence ? *sequence : 0},
                 passage);
}

/// The header has moved or changed: what the next step sees.
Status<DropReason> look_again(Passage& passage) {
  const auto ip = wire::packet::parse_ip(passage.packet->bytes());
  if (!ip) return Failure{DropReason::OutboundInvalid};
  passage.ip = *ip;
  return Done{};
}

Status<DropReason> put_in_udp(const sad::Sa& sa, Passage& passage) {
  if (!sa.parameters().nat || sa.group().protocol != sad::SaProtocol::Esp) return Done{};
  TRY_DONE(transform::encapsulate_udp(sa, *passage.packet, passage.ip));
  return look_again(passage);
}

}  // namespace
}  // namespace testudo::engine
