#pragma once
// Bytes and numbers as hexadecimal digits, and back.
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace testudo {

/// Two lower-case digits for each byte, and nothing else.
std::string to_hex(Bytes bytes);

/// 0x and the eight digits of a mark, as nft(8) and ip(8) write it.
std::string to_hex(std::uint32_t word);

/// The bytes of to_hex(), in either case.  Nothing when a digit is none, or its pair is missing: then no byte was made,
/// so that a key with a slip of the pen leaves nothing of itself in memory.
std::optional<ByteVector> from_hex(std::string_view digits);

}  // namespace testudo
