// net.inet.ipsec.debug, net.inet6.ipsec6.debug and net.key.debug: what the log says when somebody wants to know more.
#include "app/testudod/daemon.h"
#include "net/drop_reason.h"
#include "wire/reader.h"

namespace testudo::app {
namespace {

constexpr std::int32_t kKeyDebugKey = 0x10;  // NetBSD's KEYDEBUG_KEY

}  // namespace

/// The engine tells its steps only while somebody wants them.
void Daemon::watch_packets() {
  using Tracing = engine::Engine::Tracing;
  const bool logs = settings_.v4.debug != 0 || settings_.v6.debug != 0;
  for (const auto& worker : workers_) {
    worker->engine->set_tracing(wanted_ == Tracing::Off && logs ? Tracing::Steps : wanted_);
  }
}

void Daemon::log_drop(const engine::TraceStep& step) {
  if (step.kind != engine::TraceStep::Kind::Dropped) return;
  const auto& family = step.flow.source.is_v4() ? settings_.v4 : settings_.v6;
  if (family.debug == 0) return;
  const auto& reason = net::describe(step.reason);
  log_.info("dropped " + step.flow.to_string() + ": " + std::string{reason.name} + ". " + std::string{reason.sentence});
}

void Daemon::log_request(Bytes message) {
  if ((settings_.key.debug & kKeyDebugKey) == 0) return;
  // Never more than the numbers in front: what follows may be keys.
  wire::Reader in{message};
  const auto front = in.take(4);
  if (!front) return log_.info("PF_KEY request cut short");
  log_.info("PF_KEY request: type " + std::to_string((*front)[1]) + ", SA type " + std::to_string((*front)[3]) + ", " +
            std::to_string(message.size()) + " bytes");
}

}  // namespace testudo::app
