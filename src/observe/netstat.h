#pragma once
// The engine's counters as the lines of NetBSD's netstat -s: sections ipsec, ah, esp, ipip, ipcomp.  Each line is a
// name for machines, a value, and the words for people; text and JSON are views of the same lines.
#include <cstdint>
#include <string>
#include <vector>

#include "engine/statistics.h"

namespace testudo::observe {

struct StatLine {
  std::string name;  ///< netipsec's name of the counter, in lower case: "badauth"
  std::uint64_t value = 0;
  std::string words;  ///< what netstat prints behind the number
  bool in_histogram = false;
};

struct StatSection {
  std::string name;
  std::vector<StatLine> lines;
};

std::vector<StatSection> netstat_sections(const engine::Statistics& statistics);

}  // namespace testudo::observe
