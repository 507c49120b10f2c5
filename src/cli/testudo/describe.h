#pragma once
// SAs and policies as JSON, for programs that would otherwise read the text of setkey -D and -DP.  Pure.
#include <nlohmann/json_fwd.hpp>

#include "wire/pfkey/message.h"

namespace testudo::cli {

/// A reply to SADB_DUMP, keys included.
nlohmann::json describe_sa(const wire::pfkey::Message& message);
/// A reply to SADB_X_SPDDUMP.
nlohmann::json describe_policy(const wire::pfkey::Message& message);

}  // namespace testudo::cli
