#pragma once
// What the command line and the configuration file say.  The file: `key = value` lines, `#` comments; a key with dots
// is a variable of testudo sysctl.  Errors name file and line.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "host/settings.h"
#include "host/tunnel_spec.h"

namespace testudo::app {

/// Auto: by AF_XDP where that runs in the driver of real hardware, else by AF_PACKET.
enum class WireIo : std::uint8_t { Auto, Xdp, Packet };

struct Options {
  bool foreground = false;
  bool keep_rules = false;  ///< at the end, as after a crash
  bool release = false;     ///< instead of running: ends what keep_rules or a crash left
  std::string config_file;  ///< empty: /etc/testudo.conf when it is there
  std::string run_dir;
  /// None: SAD, SPD and PF_KEY without packets; for tests, and to try scripts without privileges.
  /// Wire: as Host, and two interfaces are forwarded between by testudod itself.
  enum class Attach : std::uint8_t { Host, None, Wire };
  Attach attach = Attach::Host;
  std::string wire_inside, wire_outside;
  WireIo wire_io = WireIo::Auto;
  host::Settings host;
  /// Of TCP in tunnels: as the policies leave room, left alone, or this much.
  enum class Mss : std::uint8_t { Auto, Off, Fixed };
  Mss tcp_mss = Mss::Auto;
  std::uint16_t fixed_mss = 0;
  std::optional<unsigned> workers_asked;  ///< by the command line
  unsigned workers_configured = 1;
  unsigned workers() const { return workers_asked.value_or(workers_configured); }
  std::uint32_t spin = 20;  ///< microseconds: EventLoop::run()
  std::vector<std::pair<std::string, std::int64_t>> variables;
  std::vector<host::TunnelSpec> tunnels;  ///< made at the start
};

/// Either what to do, or the exit status of a program that has said all (--help, a wrong option).
Result<Options, int> parse_command_line(int argc, char** argv);

/// Adds what the file says; the error is a sentence with its place.
Status<std::string> read_config(Options& options);

}  // namespace testudo::app
