#pragma once
// From commands to PF_KEY messages: names are looked up (through the Resolver), algorithms and key lengths are checked
// against their rows, flags and lifetimes become extensions.  RFC 2367 section 3.1; orders of KAME's setkey.
// Sends nothing.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/setkey/script.h"
#include "net/address.h"
#include "wire/pfkey/message.h"

namespace testudo::cli {

/// Names of hosts and services; app/ asks the system, tests have a table.
class Resolver {
 public:
  struct Query {
    std::optional<net::Family> family;  ///< -4, -6
    bool numeric_only = false;          ///< -n
  };

  virtual ~Resolver() = default;
  /// All addresses of a name, or the resolver's message.
  virtual Result<std::vector<net::Address>, std::string> host(const std::string& name, const Query& query) = 0;
  virtual std::optional<std::uint16_t> service(const std::string& name) = 0;
};

struct Compiled {
  std::vector<wire::pfkey::Message> messages;  ///< empty after an error
  std::vector<Diagnostic> diagnostics;         ///< at most one error; warnings before it

  bool failed() const;
};

/// One command; a name with several addresses makes one message for each pair of one family.
Compiled compile(const Command& command, Resolver& resolver);

/// Replay windows: setkey counts in bytes of bitmap, 8 packets each.
inline constexpr unsigned kReplayBytesMax = 8192, kReplayBytesPfKey = 255;

}  // namespace testudo::cli
