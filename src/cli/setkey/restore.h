#pragma once
// The output of `setkey -D` read back: text to the messages it shows, and those to the ADD requests that make the same
// SAD again.  Dates are in the local zone, as print_sa() writes them.  Pure.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/pfkey/message.h"

namespace testudo::cli {

struct RestoreError {
  unsigned line = 0;
  std::string message;
};

/// One DUMP reply for each SA; print_sa() of it is its text again.  Reads the forms with and without -p.
Result<std::vector<wire::pfkey::Message>, RestoreError> parse_sad_dump(std::string_view text);

/// What re-creates an SA; nothing for one that cannot be (larval, dead).  It goes on behind the sequence number of the
/// dump (docs/adr/0004-private-pfkey-numbers.md); lifetimes start anew.
std::optional<wire::pfkey::Message> restoring_add(const wire::pfkey::Message& dumped);

/// True for an SA with extended sequence numbers that was in use: a dump shows only the low half of its number.
bool loses_its_count(const wire::pfkey::Message& dumped);

}  // namespace testudo::cli
