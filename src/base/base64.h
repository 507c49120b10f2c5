#pragma once
// Bytes as base64 (RFC 4648 section 4), and back.
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace testudo {

std::string to_base64(Bytes bytes);

/// Nothing when a character is none of the alphabet's or the length is that of no bytes; the padding may be missing.
std::optional<ByteVector> from_base64(std::string_view text);

}  // namespace testudo
