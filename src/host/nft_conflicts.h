#pragma once
// Tables of others that would drop, translate or misjudge what belongs to IPsec, found in the JSON of
// `nft -j list ruleset` (libnftables-json(5)).  Pure.  It reads what rules say one by one and does not follow their
// jumps, so a sentence is a hint and silence is no promise.
#include <string>
#include <vector>

#include "host/settings.h"

namespace testudo::host {

enum class Forwarding : std::uint8_t { Off, On };

/// One line for each conflict, with what to do about it; nothing for text that is no ruleset.
std::vector<std::string> nft_conflicts(const std::string& ruleset, const Settings& settings, Forwarding forwarding);

}  // namespace testudo::host
