#pragma once
// PF_KEY messages field by field, as `setkey -v` and `setkey -x` show them (KAME's kdebug form), and as hex (-H).
// Takes bytes: also a message that makes no sense is shown as far as it goes.
#include <string>

#include "base/bytes.h"

namespace testudo::cli {

std::string print_debug(Bytes message);

/// "00000000: 02 0a …": 16 bytes a line.
std::string print_hex(Bytes message);

}  // namespace testudo::cli
