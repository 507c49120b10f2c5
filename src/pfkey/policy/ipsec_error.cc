#include "pfkey/policy/ipsec_error.h"

#include <array>
#include <cstddef>

namespace testudo::pfkey {
namespace {

constexpr std::array<std::string_view, 31> kTexts{
    "Success",
    "Not supported",
    "Invalid argument",
    "Invalid sadb message",
    "Invalid version",
    "Invalid security policy",
    "Invalid address specification",
    "Invalid ipsec protocol",
    "Invalid ipsec mode",
    "Invalid ipsec level",
    "Invalid SA type",
    "Invalid message type",
    "Invalid extension type",
    "Invalid algorithm type",
    "Invalid key length",
    "Invalid address family",
    "Invalid prefix length",
    "Invalid direction",
    "SPI range violation",
    "No protocol specified",
    "No algorithm specified",
    "No buffers available",
    "Must get supported algorithms list first",
    "Protocol mismatch",
    "Family mismatch",
    "Too few arguments",
    "System error",
    "Priority offset not in valid range [-2147483647, 2147483648]",
    "Priority offset from base not in valid range [0, 1073741823] for negative offsets and [0, 1073741824] for "
    "positive offsets",
    "Policy priority not compiled in",
    "Unknown error",
};

}  // namespace

std::string_view ipsec_error_text(IpsecError error) {
  const auto number = static_cast<std::size_t>(error);
  return number < kTexts.size() ? kTexts[number] : kTexts.back();
}

}  // namespace testudo::pfkey
