#pragma once
// Whether a table of the kernel's packet filter is there, asked by netlink: libnftables would fetch what is in it
// first.
#include <cstdint>
#include <optional>
#include <string>

namespace testudo::host {

enum class NftFamily : std::uint8_t { Inet, Netdev };

/// Nothing when the kernel does not say.
std::optional<bool> nft_has_table(const std::string& table, NftFamily family = NftFamily::Inet);

}  // namespace testudo::host
