#pragma once
// Policies as `setkey -DP` shows them, byte for byte as NetBSD prints them.
#include <string>

#include "cli/setkey/print_sa.h"
#include "wire/pfkey/message.h"

namespace testudo::cli {

/// A reply to SPDGET or SPDDUMP.
std::string print_policy(const wire::pfkey::Message& message, const PrintOptions& options);

}  // namespace testudo::cli
