#pragma once
#include "sad/sa.h"

namespace testudo::transform {

/// The largest number of bytes that this SA adds to a packet (headers, IV, padding, ICV; in tunnel mode the outer
/// header), for the MTU that is reported to the inner source.
std::size_t worst_overhead(const sad::Sa& sa);

}  // namespace testudo::transform
