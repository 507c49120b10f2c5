#pragma once
// racoon -C: the remote blocks as they were understood, a line of the log for each directive.
#include "app/racoon/log.h"
#include "ike/policy.h"

namespace testudo::app {

void dump(const ike::Policy& policy, Log& log);

}  // namespace testudo::app
