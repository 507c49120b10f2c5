#pragma once
// Circumstances of this host that make IPsec fail or surprise: what is there is looked at once (look_around), what it
// means is said by a pure function (conflicts), one line each with what to do.
#include <string>
#include <vector>

#include "host/netlink.h"
#include "host/nft.h"
#include "host/settings.h"

namespace testudo::host {

struct Surroundings {
  std::string ruleset;                     ///< nft's JSON
  std::vector<std::string> legacy_tables;  ///< of iptables before nft, which nobody else can list
  std::vector<ListedRule> rules;
  std::size_t foreign_routes = 0;                     ///< in our table
  std::uint32_t kernel_sas = 0, kernel_policies = 0;  ///< of the kernel's own IPsec
  std::string rp_filter;                              ///< net.ipv4.conf.all.rp_filter
  bool forwards = false;
};

Surroundings look_around(const Settings& settings, Netlink& netlink, Nft& nft);

std::vector<std::string> conflicts(const Surroundings& around, const Settings& settings);

}  // namespace testudo::host
