#include "host/fragments.h"

namespace testudo::host {

std::array<std::string, 2> nft_join_fragments(const Settings& s) {
  const std::string table = "inet " + s.nft_table() + " ";
  const std::string chain = "add chain " + table +
                            "joined { type filter hook prerouting priority raw; policy accept; }\nadd rule " + table +
                            "joined ";
  // It is enough that a rule asks for whole packets.  No packet meets one: none comes from the device with number 0.
  return {chain + "iif 0 meta l4proto udp tproxy to :1 accept\n", chain + "iif 0 ct state invalid accept\n"};
}

}  // namespace testudo::host
