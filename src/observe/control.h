#pragma once
// The control protocol: one JSON object a request, one a reply, over the control socket.  Pure text in, text out; app/
// carries it.  {"cmd": "status" | "sockets" | "stats" | "sysctl" | "drops" | "trace" | "tap" | "tunnel", …}
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace testudo::observe {

/// What the daemon shows of itself.
struct Sources {
  std::vector<engine::Engine*> engines;  ///< one for each worker; what they counted is shown as one
  engine::Settings& settings;
  const sad::Database& sad;
  const spd::Database& spd;
  /// PF_KEY counters as JSON text, in the names of netstat -s (the PF_KEY server lies beside this layer, not below).
  std::function<std::string()> pfkey_counters;
  /// Facts of the attach mode as a JSON object text: mode, device, run_dir, pid, started, warnings.
  std::function<std::string()> host_facts;
  /// Called after a variable was written, so that the host's rules can follow (def_policy, enabled).
  std::function<void(std::string_view name)> settings_changed;
  /// {"cmd":"tunnel","words":[…]}: the words of `testudo tunnel`; a whole reply as JSON text.
  std::function<std::string(const std::vector<std::string>& words)> tunnels{};
  /// The policies of single sockets as a JSON array text: slot, mark, mask, privileged, in, out (hexadecimal).
  std::function<std::string()> sockets{};
  /// Called between two SAs of many: others may go on.
  std::function<void()> breathe{};
};

class Control {
 public:
  explicit Control(Sources sources) : sources_(std::move(sources)) {}

  /// Answers one request.  Never throws; a bad request is {"ok": false, "error": "…", "errno": N}.
  /// `privileged` clients may write variables.
  std::string handle(std::string_view request, bool privileged);

  /// True when this request turns its connection into a stream of trace lines.
  static bool wants_trace(std::string_view request);
  /// The same of blocks of pcapng: packets before and after IPsec.
  static bool wants_tap(std::string_view request);

 private:
  Sources sources_;
};

/// One step as a JSON line of the trace stream.
std::string trace_line(const engine::TraceStep& step);

}  // namespace testudo::observe
