#pragma once
// Security associations as `setkey -D` shows them, byte for byte as NetBSD prints them, and in the one-line form of
// `setkey -l`.  Pure: the time is an argument; dates are in the local zone.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "wire/pfkey/message.h"

namespace testudo::cli {

struct PrintOptions {
  bool ports = false;    ///< -p
  std::int64_t now = 0;  ///< seconds since 1970
};

/// A reply to GET or DUMP.
std::string print_sa(const wire::pfkey::Message& message, const PrintOptions& options);

/// The heading of `setkey -l` and one line of it.
std::string short_heading();
std::string print_sa_short(const wire::pfkey::Message& message, std::int64_t now);

/// "Jun 30 21:49:08 1993": 20 characters; blanks for 0.
std::string date_text(std::uint64_t unix_seconds);

/// Groups of four bytes, each behind a space; a line has 32 bytes.
std::string hex_groups(Bytes bytes);

/// Words of the tables that KAME prints; "" where there is none.
std::string_view satype_word(wire::pfkey::SaType type);
std::string_view mode_word(wire::pfkey::Mode mode);
std::string_view state_word(wire::pfkey::SaState state);

}  // namespace testudo::cli
