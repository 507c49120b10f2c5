#pragma once
// The words of racoonctl(8) as a request to racoon.  Pure: names of hosts, and which address of ours faces a peer, are
// asked of the caller.
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/flow.h"

namespace testudo::cli {

/// Where racoon listens for racoonctl: `option` unless it is empty; else below testudod's run directory when that is
/// not the usual one; else /var/run/racoon/racoon.sock.
std::string admin_socket(const std::string& option, const std::string& run_dir);

struct RacoonctlCommand {
  enum class Kind : std::uint8_t { Request, ShowSas, Follow };
  Kind kind = Kind::Request;
  nlohmann::json request;
  std::string name;        ///< in full: "show-sa"
  std::string protocol{};  ///< ShowSas: "esp", "ah" or "ipsec", which the key table knows itself
  bool wants_password = false;
};

struct RacoonctlNames {
  /// The address of a host's name; `family` is 4, 6 or 0.
  std::function<std::optional<net::Address>(const std::string& name, int family)> resolve;
  /// The address that packets to `remote` leave from.
  std::function<std::optional<net::Address>(const net::Address& remote)> facing;
};

/// The failure is what is wrong; usage is the caller's.
Result<RacoonctlCommand, std::string> parse_racoonctl(std::vector<std::string> words, const RacoonctlNames& names);

/// Lines of the usage text.
std::string racoonctl_usage();

}  // namespace testudo::cli
