#pragma once
// The drops of a station, so that they compare between the short way and the long one.
#include <cstdint>
#include <map>
#include <string>

#include "support/station.h"

namespace testudo::test {

/// A packet that is both repeated and damaged is refused as either: which is seen depends on the packets that are
/// opened in one run with it.  The two reasons are counted as one.
inline std::map<std::string, std::uint64_t> comparable_drops(const Station& station) {
  auto drops = station.all_drops();
  drops["BadIcv or Replayed"] = drops["BadIcv"] + drops["Replayed"];
  drops.erase("BadIcv");
  drops.erase("Replayed");
  return drops;
}

}  // namespace testudo::test
