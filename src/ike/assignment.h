#pragma once
// What a client is given by mode-config, and the environment that racoon's scripts find it in.  Values; of a peer's
// texts only what is harmless in a shell.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/flow.h"

namespace testudo::ike {

/// What racoon's scripts find in their environment.
using Variables = std::vector<std::pair<std::string, std::string>>;

struct Assignment {
  std::optional<net::Address> address, netmask;
  std::vector<net::Address> dns, wins;
  std::string domain, banner;
  std::vector<std::string> split_domains;
  std::vector<net::Prefix> split_include, split_local;  ///< networks behind the server; those that are not
};

/// INTERNAL_ADDR4 and so on; only what is there.
Variables variables_of(const Assignment& assignment);

}  // namespace testudo::ike
