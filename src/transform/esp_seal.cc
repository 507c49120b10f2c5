#include "transform/esp_seal.h"

#include <algorithm>
#include <array>

#include "net/protocol.h"
#include "transform/esp_payload.h"
#include "transform/rewrite.h"

namespace testudo::transform {
namespace {

constexpr std::size_t kRun = 64;

/// Opens the gap for the header behind the IP header, and room for the trailer at the end.
Status<DropReason> make_room(PacketBuffer& packet, const IpView& ip, const EspGrowth& growth) {
  const std::size_t sealed = ip.total_length + growth.front + growth.back;
  if (sealed > largest_packet(ip.is_v4())) return Failure{DropReason::TooBig};
  packet.trim_back(packet.size() - ip.total_length);
  if (packet.tail_room() < growth.back || !packet.insert(ip.transport_offset, growth.front)) {
    return Failure{DropReason::NoRoom};
  }
  packet.append(growth.back);
  return Done{};
}

Result<EspToSeal, DropReason> prepare(const sad::Sa& sa, const SealJob& job) {
  // "transport mode ESP is applied only to whole IP datagrams (not to IP fragments)" (RFC 4303 section 3.3.4)
  if (job.ip.fragment) return Failure{DropReason::OutboundInvalid};
  const EspGrowth growth = esp_growth(sa.layout(), job.ip.total_length - job.ip.transport_offset);
  TRY_DONE(make_room(*job.packet, job.ip, growth));
  return EspToSeal{job.packet->bytes().subspan(job.ip.transport_offset), growth.pad, job.ip.transport_protocol};
}

void seal_run(sad::Sa& sa, std::span<SealJob> jobs, const Context& context) {
  std::array<EspToSeal, kRun> run;
  std::array<SealJob*, kRun> sealing;
  std::size_t filled = 0;
  for (SealJob& job : jobs) {
    const auto prepared = prepare(sa, job);
    job.result = prepared ? Status<DropReason>{Done{}} : Failure{prepared.error()};
    if (!prepared) continue;
    sealing[filled] = &job;
    run[filled++] = *prepared;
  }
  seal_payloads(sa, std::span{run}.first(filled), context);
  for (std::size_t i = 0; i < filled; ++i) {
    SealJob& job = *sealing[i];
    job.result = run[i].result;
    announce(*job.packet, job.ip, job.ip.transport_next_header_offset, net::protocol::kEsp);
  }
}

}  // namespace

void seal_esp(sad::Sa& sa, std::span<SealJob> jobs, const Context& context) {
  while (!jobs.empty()) {
    const std::size_t run = std::min(kRun, jobs.size());
    seal_run(sa, jobs.first(run), context);
    jobs = jobs.subspan(run);
  }
}

}  // namespace testudo::transform
