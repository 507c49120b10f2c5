#include "transform/esp_open.h"

#include <algorithm>
#include <array>

#include "transform/esp_payload.h"
#include "transform/rewrite.h"

namespace testudo::transform {
namespace {

constexpr std::size_t kRun = 64;

/// Takes what was around the payload away, and lets the IP header say so.
Opened strip(OpenJob& job, const EspToOpen& opened) {
  PacketBuffer& packet = *job.packet;
  packet.trim_back(opened.back);
  packet.erase(job.ip.upper_offset, opened.front);
  announce(packet, job.ip, job.ip.next_header_offset, opened.next_header);
  return {opened.next_header, opened.sequence};
}

void open_run(sad::Sa& sa, std::span<OpenJob> jobs, sad::Worker worker) {
  std::array<EspToOpen, kRun> run;
  std::array<OpenJob*, kRun> opening;
  std::size_t filled = 0;
  for (OpenJob& job : jobs) {
    // "If a packet offered to ESP for processing appears to be an IP fragment … the receiver MUST discard the packet."
    job.result = Failure{DropReason::InboundMalformed};
    if (job.ip.fragment || job.ip.total_length > job.packet->size()) continue;
    job.packet->trim_back(job.packet->size() - job.ip.total_length);
    opening[filled] = &job;
    run[filled++].esp = job.packet->bytes().subspan(std::min(job.ip.upper_offset, job.ip.total_length));
  }
  open_payloads(sa, std::span{run}.first(filled), worker);
  for (std::size_t i = 0; i < filled; ++i) {
    if (run[i].result) {
      opening[i]->result = strip(*opening[i], run[i]);
    } else {
      opening[i]->result = Failure{run[i].result.error()};
    }
  }
}

}  // namespace

void open_esp(sad::Sa& sa, std::span<OpenJob> jobs, sad::Worker worker) {
  while (!jobs.empty()) {
    const std::size_t run = std::min(kRun, jobs.size());
    open_run(sa, jobs.first(run), worker);
    jobs = jobs.subspan(run);
  }
}

}  // namespace testudo::transform
