#pragma once
#include <string>

#include "pfkey/server/server.h"

namespace testudo::app {

/// The counters of PF_KEY as the JSON object {"lines": […]} of observe::Sources, in the words of netstat -s.
std::string pfkey_counters(const pfkey::server::Counters& counters);

}  // namespace testudo::app
