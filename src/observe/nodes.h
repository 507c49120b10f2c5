#pragma once
// The variables that are no numbers: NetBSD's sysctl nodes of type struct, which hold arrays of counters, and the two
// dumps of net.key, which hold PF_KEY messages.  All of them are read only.  The counters stand in the order of
// netipsec's arrays, under its names; the messages lie beyond this layer, so that here they are only counted.
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "observe/netstat.h"

namespace testudo::observe {

struct Node {
  enum class Kind : std::uint8_t { Counters, PfkeyCounters, Sas, Policies };

  std::string_view name;
  std::string_view alias;  ///< without the prefix that NetBSD repeats: net.inet.esp.stats; "" = none
  Kind kind = Kind::Counters;
  std::string_view section;  ///< of netstat_sections()
  std::string_view meaning;
};

std::span<const Node> nodes();

/// By name or alias; net.key.dumpsa may have an SA type behind it (net.key.dumpsa.3), as its MIB has.
const Node* find_node(std::string_view name);

/// All counters of a node's section.
std::vector<StatLine> counters_of(const Node& node, const engine::Statistics& statistics);

}  // namespace testudo::observe
