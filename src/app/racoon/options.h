#pragma once
// racoon's command line: racoon(8), flags as in NetBSD's.
#include <cstdint>
#include <string>

#include "base/result.h"

namespace testudo::app {

struct Options {
  std::string file = "/etc/racoon/racoon.conf";
  std::string log_file;  ///< "": syslog, or stdout in the foreground
  std::string run_dir;   ///< of testudod; "": TESTUDO_RUN or the default
  std::uint16_t port = 500, natt_port = 4500;
  unsigned debug = 0;
  bool foreground = false, test_only = false, dump = false, only_v4 = false, only_v6 = false;
};

/// Failure: the exit status; what there was to say is said.
Result<Options, int> parse_command_line(int argc, char** argv);

}  // namespace testudo::app
