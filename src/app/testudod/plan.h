#pragma once
// The SPD and its settings as what the host's packet filter needs to know of them.
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "engine/settings.h"
#include "host/filter.h"
#include "spd/database.h"
#include "spd/socket_slots.h"

namespace testudo::app {

/// The largest TCP segment that a policy leaves room for; empty: TCP is left alone.
using MssOf = std::function<std::uint16_t(const spd::Policy&)>;

struct PlanSources {
  const spd::Database& spd;
  const engine::Settings& settings;
  MssOf mss_of;
  std::function<void()> breathe;  ///< between two policies; may be empty
};

host::FilterPlan filter_plan(const PlanSources& sources);

/// What the packet filter does for the sockets of each slot.
std::vector<host::SocketRule> socket_rules(const spd::SocketSlots& slots, const engine::Settings& settings);

/// How many changes of each direction's policies the packet filter has seen.
using FilterEpochs = std::array<std::uint64_t, 2>;
FilterEpochs filter_epochs(const spd::Database& spd);
/// What happened since.  Nothing when that is not known, or when the whole plan says it shorter.
std::optional<host::FilterChanges> filter_changes(const PlanSources& sources, const FilterEpochs& since);

}  // namespace testudo::app
