#include "host/fragments.h"

namespace testudo::host {

std::array<std::string, 2> nft_join_fragments(const Settings& s) {
  const std::string table = "inet " + s.nft_table() + " ";
  const std::string chain = "add chain " + table + "joined\nadd rule " + table + "joined ";
  // It is enough that a rule asks for whole packets, in a chain that no packet meets.
  return {chain + "meta l4proto udp tproxy to :1 accept\n", chain + "ct state invalid accept\n"};
}

}  // namespace testudo::host
