#pragma once
// TCP connections that a policy protects, told at their start how large a segment fits (RFC 9293 section 3.7.1): nft
// rules that lower the MSS option of SYNs on their way into the device and out of it, so that the first large segment
// already passes, also where ICMP does not.  Pure text.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/filter.h"

namespace testudo::host {

/// The TCP segment that fits into a packet of this size, never less than every host takes.
std::uint16_t mss_within(std::size_t mtu, net::Family family);

/// What all policies that protect TCP of this family have in common, if they do; 0 when none protects.  Of more than
/// kMaxOutboundRules, the least is theirs in common.
std::optional<std::uint16_t> common_mss(const FilterPlan& plan, net::Family family);

/// True when such a policy would leave the common one as it is.
bool keeps_mss(const FilterRule& rule, std::optional<std::uint16_t> common);

enum class Way : std::uint8_t { IntoDevice, OutOfDevice };

/// For SYNs only; what comes out of the device is matched with source and destination exchanged.
std::vector<std::string> mss_rules(const FilterPlan& plan, Way way);

}  // namespace testudo::host
