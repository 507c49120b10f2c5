#pragma once
// When an SA's lifetime is over.  RFC 2367 section 2.3.3; netipsec's test is strict and in whole seconds: an SA with a
// lifetime of 1 second ends when its age reads 2.  Pure.
#include "sad/sa.h"

namespace testudo::sad {

/// Whole seconds from `since` to `now`; 0 when now lies before.
std::uint64_t age_in_seconds(Time since, Time now);

/// By bytes or packets: what only use can bring about.
bool past_use(const Lifetime& limit, const Usage& usage);
/// By age or by the time since first use.
bool past_time(const Lifetime& limit, const Usage& usage, Time created, Time now);

/// True when the limit can end by something else than age.
bool depends_on_use(const Lifetime& limit);

}  // namespace testudo::sad
