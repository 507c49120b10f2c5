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

}  // namespace

std::string Daemon::host_facts() {
  return nlohmann::json{{"mode", "host"},
                        {"device", options_.host.device},
                        {"run_dir", options_.run_dir},
                        {"pid", ::getpid()},
                        {"started", started_.unix_seconds},
                        {"refused_in_clear", attachment_->refused_in_clear()},
                        {"escapes_stopped", attachment_->escapes_stopped()},
                        {"offload", offload_word(attachment_->tun().offload())},
                        {"ike_unclaimed", ike_unclaimed_},
                        {"waiting_for_policies", attachment_->adopted()},
                        {"warnings", attachment_->warnings()}}
      .dump();
}

// Clear packets that an inbound policy refuses never reach the engine; its counters still tell of them.
void Daemon::count_refused() {
  const std::uint64_t refused = attachment_->refused_in_clear();
  if (refused > refused_counted_) {
    engine_->count_drop(net::DropReason::InboundPolicyClear, {}, refused - refused_counted_);
  }
  refused_counted_ = refused;
}

}  // namespace testudo::app
