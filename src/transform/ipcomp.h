#pragma once
// IPcomp both ways.  RFC 3173, RFC 2394 (DEFLATE).
#include <span>

#include "transform/esp_open.h"
#include "transform/esp_seal.h"
#include "transform/transform.h"

namespace testudo::transform {

/// What became of a payload that was to be compressed.
enum class Compressed : std::uint8_t { Yes, TooShort, Useless };

/// Compresses the payload behind ip.transport_offset.  "If the total size … is not smaller than the size of the
/// original … MUST be sent in the original non-compressed form": then nothing changes and no header is added.
Result<Compressed, DropReason> compress_ipcomp(sad::Sa& sa, PacketBuffer& packet, const IpView& ip,
                                               sad::Worker worker = {});

/// Expands into `scratch` (a buffer of the caller's) and swaps it with the packet on success.
Result<Opened, DropReason> expand_ipcomp(sad::Sa& sa, PacketBuffer& packet, const IpView& ip, PacketBuffer& scratch,
                                         sad::Worker worker = {});

}  // namespace testudo::transform
