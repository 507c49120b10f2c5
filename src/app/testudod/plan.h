#pragma once
// The SPD and its settings as what the host's packet filter needs to know of them.
#include <functional>

#include "engine/settings.h"
#include "host/filter.h"
#include "spd/database.h"

namespace testudo::app {

/// The largest TCP segment that a policy leaves room for; empty: TCP is left alone.
using MssOf = std::function<std::uint16_t(const spd::Policy&)>;

host::FilterPlan filter_plan(const spd::Database& spd, const engine::Settings& settings, const MssOf& mss_of);

}  // namespace testudo::app
