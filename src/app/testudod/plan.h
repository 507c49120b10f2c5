#pragma once
// The SPD and its settings as what the host's packet filter needs to know of them.
#include "engine/settings.h"
#include "host/filter.h"
#include "spd/database.h"

namespace testudo::app {

host::FilterPlan filter_plan(const spd::Database& spd, const engine::Settings& settings);

}  // namespace testudo::app
