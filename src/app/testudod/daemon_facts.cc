// What the daemon tells about its host: the facts of `testudo status` and the packets that nft refused in our name.
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/testudod/daemon.h"

namespace testudo::app {
namespace {

const char* offload_word(io::Offload offload) {
  if (!offload.tcp) return "off";
  return offload.udp ? "TCP and UDP" : "TCP";
}

nlohmann::json wire_facts(const WireLanes& lanes) {
  nlohmann::json list = nlohmann::json::array();
  for (const WireLanes::Lane& lane : lanes.lanes()) {
    const char* mode = lane.mode == host::XdpMode::Native ? "xdp, native" : "xdp, generic";
    list.push_back({{"name", lane.name}, {"io", lane.by_xdp() ? mode : "packet"}, {"sockets", lane.sockets.size()}});
  }
  return list;
}

}  // namespace

std::string Daemon::host_facts() {
  nlohmann::json facts{{"mode", !attachment_ ? "none"
                                : lanes_     ? "wire"
                                             : "host"},
                       {"run_dir", options_.run_dir},
                       {"pid", ::getpid()},
                       {"started", started_.unix_seconds}};
  for (const auto& worker : workers_) {
    const engine::Statistics& counted = worker->engine->statistics();
    facts["workers"].push_back(
        {{"thread", worker->name()}, {"from_host", counted.outbound_packets}, {"from_wire", counted.inbound_packets}});
  }
  if (!attachment_) return facts.dump();
  gate_.aside([&] {
    facts.update({{"device", options_.host.device},
                  {"refused_in_clear", attachment_->refused_in_clear()},
                  {"escapes_stopped", attachment_->escapes_stopped()},
                  {"offload", offload_word(attachment_->tun().offload())},
                  {"ike_unclaimed", ike_unclaimed_},
                  {"waiting_for_policies", attachment_->adopted()},
                  {"warnings", attachment_->warnings()}});
  });
  if (lanes_) facts["interfaces"] = wire_facts(*lanes_);
  if (lanes_) facts["icmp_withheld"] = error_limits_.withheld.get();
  return facts.dump();
}

// Where the kernel does not log, they are counted and not shown.
void Daemon::watch_refusals() {
  auto log = host::RefusalLog::open(options_.host.log_group);
  if (!log) return log_.info("refused packets are counted without their addresses: " + log.error().to_string());
  refusals_ = *std::move(log);
  watches_.push_back(loop_.watch(refusals_->fd(), [this] {
    if (ByteVector packet = refusals_->last(); !packet.empty()) last_refused_ = std::move(packet);
  }));
}

// Clear packets that an inbound policy refuses never reach the engine; its counters still tell of them.
void Daemon::count_refused() {
  const std::uint64_t refused = gate_.aside([this] { return attachment_->refused_in_clear(); });
  if (refused > refused_counted_) {
    engine().count_drop(net::DropReason::InboundPolicyClear, last_refused_, refused - refused_counted_);
  }
  refused_counted_ = refused;
}

}  // namespace testudo::app
