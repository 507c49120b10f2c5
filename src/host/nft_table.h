#pragma once
// Whether a table of the kernel's packet filter is there, asked by netlink: libnftables would fetch what is in it
// first.
#include <optional>
#include <string>

namespace testudo::host {

/// Of family inet.  Nothing when the kernel does not say.
std::optional<bool> nft_has_table(const std::string& table);

}  // namespace testudo::host
