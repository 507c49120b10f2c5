#pragma once
// The SPD as packet filter rules, in the language of nft.  Pure text; the kernel is nft.h's.
//
//   outbound  first match decides: Clear leaves the packet alone, Protect marks it for the engine.  The engine looks it
//             up again exactly, so marking too much costs time and marking too little would leak: what a rule cannot
//             see (fragments, headers that nft does not walk) is marked whenever anything of that family is protected
//             and a policy of it names more than addresses.
//   inbound   first match decides about packets that came without protection: Clear lets them pass, Protect drops them.
//
// Loopback traffic never leaves the host and is left alone both ways, as are neighbour and multicast listener
// discovery, which no SA can protect because they find the link addresses that an SA needs (RFC 4861 section 11.2).
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/policy_chain.h"
#include "host/settings.h"
#include "host/socket_rules.h"

namespace testudo::host {

/// What decides about packets that leave and about packets that came in clear, in the order of the SPD.
struct FilterPlan {
  std::vector<FilterRule> outbound, inbound;
  /// Packets of this family that no outbound rule matches go to the engine too (def_policy discard).
  bool protect_rest_v4 = false, protect_rest_v6 = false;
};

/// What became of the policies since the last plan or changes.
struct FilterChanges {
  std::vector<FilterChange> outbound, inbound;
};

/// More outbound rules than this are not worth a walk by packet: everything is marked and the engine decides.
inline constexpr std::size_t kMaxOutboundRules = 4096;

class Filter {
 public:
  explicit Filter(const Settings& settings);

  // Each returns commands for one transaction, and holds them for done.  When one fails, install() puts things right.

  /// Makes the table from nothing, or replaces one that a killed daemon left.
  std::string install(const FilterPlan& plan);
  /// Makes the rules follow another plan.
  std::string update(const FilterPlan& plan);
  /// The same for some changes; nothing when they need the whole plan, and then update() or install() must follow.
  /// While policies are many, TCP is left as it was.
  std::optional<std::string> follow(const FilterChanges& changes);
  /// Makes the rules follow the policies of single sockets.
  std::string follow(const std::vector<SocketRule>& sockets);
  /// TCP is told what fits by now; of the plan, only this counts.
  std::string fit_tcp(const FilterPlan& plan);

 private:
  /// What depends on a family as a whole.
  struct FamilyRules {
    std::vector<std::string> outbound, inbound_rest;
  };
  struct Mss {
    std::vector<std::string> into_device, out_of_device;
    std::optional<std::uint16_t> common_v4, common_v6;
  };
  bool keeps_tcp(const std::vector<FilterChange>& outbound) const;
  bool follow_policies(const FilterChanges& changes, std::string& commands);
  std::vector<std::string> unreadable_outbound(const std::string& mark) const;
  FamilyRules family_rules() const;
  std::string update_family_rules();

  Settings settings_;
  std::vector<SocketRule> sockets_;
  PolicyChain outbound_, inbound_;
  PolicyChain hidden_;  ///< inbound, for packets that do not show what they are
  FamilyRules families_;
  Mss mss_;
  std::string unsaid_;  ///< commands for changes that turned out to need the whole plan
  bool protect_rest_v4_ = false, protect_rest_v6_ = false;
};

/// Commands that have a few of the refused packets a second shown to RefusalLog; where the kernel has no NFLOG they
/// fail.
std::string nft_log_refused(const Settings& settings);

std::string nft_remove(const std::string& table);

}  // namespace testudo::host
