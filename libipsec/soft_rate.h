#pragma once
// How much earlier than the hard lifetime the soft one ends, of the whole process.
#include "wire/pfkey/message.h"

namespace testudo::libipsec {

wire::pfkey::LifetimeExt softened(const wire::pfkey::LifetimeExt& hard);

}  // namespace testudo::libipsec
