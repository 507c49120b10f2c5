#pragma once
// The error that ipsec_strerror(3) speaks of, one for each thread.
#include "pfkey/policy/ipsec_error.h"

namespace testudo::libipsec {

/// Of the last call.  System keeps errno with it.
void set_error(pfkey::IpsecError error);

}  // namespace testudo::libipsec
