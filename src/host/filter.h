#pragma once
// The SPD as packet filter rules, in the language of nft.  Pure text; the kernel is nft.h's.
//
//   outbound  first match decides: Clear leaves the packet alone, Protect marks it for the engine.  The engine looks it
//   up
//             again exactly, so marking too much costs time and marking too little would leak: what a rule cannot see
//             (fragments, headers that nft does not walk) is marked whenever anything of that family is protected.
//   inbound   first match decides about packets that came without protection: Clear lets them pass, Protect drops them.
//
// Loopback traffic never leaves the host and is left alone both ways, as are neighbour and multicast listener
// discovery, which no SA can protect because they find the link addresses that an SA needs (RFC 4861 section 11.2).
#include <string>
#include <vector>

#include "host/settings.h"
#include "net/flow.h"

namespace testudo::host {

enum class Treatment : std::uint8_t { Clear, Protect };

struct FilterRule {
  net::Selector selector;
  Treatment treatment = Treatment::Clear;
  std::uint16_t mss = 0;  ///< the largest TCP segment that fits; 0: whatever the ends agree on

  friend bool operator==(const FilterRule&, const FilterRule&) = default;
};

/// What decides about packets that leave and about packets that came in clear, in the order of the SPD.
struct FilterPlan {
  std::vector<FilterRule> outbound, inbound;
  /// Packets of this family that no outbound rule matches go to the engine too (def_policy discard).
  bool protect_rest_v4 = false, protect_rest_v6 = false;
};

/// More outbound rules than this are not worth a linear walk by packet: everything is marked and the engine decides.
inline constexpr std::size_t kMaxOutboundRules = 4096;

/// The matching half of nft rules for one selector; one that spans kinds of protocols needs several.  `generous`: what
/// nft cannot tell apart matches (for marking), otherwise it does not (for letting pass).
std::vector<std::string> nft_matches(const net::Selector& selector, bool generous);

/// One rule's text per line, without the "add rule" in front.
std::vector<std::string> outbound_rules(const FilterPlan& plan, const Settings& settings);
std::vector<std::string> inbound_rules(const FilterPlan& plan);
/// What no policy names: refused by def_policy, or because nothing can tell what it is.
std::vector<std::string> inbound_rest_rules(const FilterPlan& plan);

/// Commands that make the table from nothing, or replace one that a killed daemon left, in one transaction.
std::string nft_install(const FilterPlan& plan, const Settings& settings);

/// Commands that turn the rules of one plan into those of another in one transaction: appended when only that is
/// needed.
std::string nft_update(const FilterPlan& before, const FilterPlan& after, const Settings& settings);

/// Commands that have a few of the refused packets a second shown to RefusalLog; where the kernel has no NFLOG they
/// fail.
std::string nft_log_refused(const Settings& settings);

std::string nft_remove(const std::string& table);

}  // namespace testudo::host
