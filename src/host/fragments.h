#pragma once
// Fragments of packets that come in clear and pass through.  Rules with ports see none in the pieces behind the first,
// which would so pass an inbound policy that refuses their packet: "BYPASS of a cleartext, non-initial fragment … could
// undermine the security afforded IPsec-protected traffic directed to the same destination" (RFC 4301 section 7).  So
// the kernel joins them in front of all rules, as it does on every host that tracks connections, and cuts what it
// forwards again where it was cut.  Pure text.
#include <array>
#include <string>

#include "host/settings.h"

namespace testudo::host {

/// Commands that add to the installed table what makes the kernel join, the best one first.  One is enough; a kernel
/// may lack what one of them asks for.
std::array<std::string, 2> nft_join_fragments(const Settings& settings);

}  // namespace testudo::host
