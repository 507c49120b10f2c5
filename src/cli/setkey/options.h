#pragma once
// The command line of setkey(8) as a value.  Options end at the first operand, as getopt(3) of the BSDs has it.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace testudo::cli {

struct SetkeyOptions {
  enum class Mode : std::uint8_t {
    Usage,
    Version,
    Files,    ///< operands: saved messages
    Session,  ///< -c
    Script,   ///< -f
    Dump,     ///< -D
    Flush,    ///< -F
    Monitor,  ///< -x
    Restore,  ///< --restore
  };

  Mode mode = Mode::Usage;
  std::string file;                   ///< of -f and --restore; "-" is standard input
  std::vector<std::string> operands;  ///< of Files
  std::string run_dir;                ///< "" is the environment's or the default
  std::string complaint;              ///< why the usage is shown, if there is a reason
  bool all = false;                   ///< -a: dead SAs too
  bool policies = false;              ///< -P
  bool ports = false;                 ///< -p
  bool hex = false;                   ///< -H, -h
  bool forever = false;               ///< -l
  bool dry = false;                   ///< -n: parse only
  bool verbose = false;               ///< -v
  bool unix_stamp = false;            ///< -xx
  bool rfc_or_kernel_mode = false;    ///< -r or -k, which only warn
};

SetkeyOptions parse_setkey_options(std::span<const char* const> arguments);

/// The usage, or its first line alone.
std::string setkey_version();
std::string setkey_usage();

}  // namespace testudo::cli
