#pragma once
// One named counter of the kernel's packet filter, asked for by netlink: libnftables would fetch every set of the host
// first, 100,000 policies among them.
#include <cstdint>
#include <string>

namespace testudo::host {

/// Packets counted by a named counter of an inet table; 0 when there is none.
std::uint64_t nft_counter_packets(const std::string& table, const std::string& counter);

}  // namespace testudo::host
