#pragma once
// The policy language of ipsec_set_policy(3): text to a policy extension and back.
//
//   out ipsec esp/tunnel/20.0.0.1-20.0.0.2/require ah/transport//require
//
// Pure: no name look-ups (addresses are numeric, as in KAME; who knows interfaces is asked for), no output.  Errors
// carry libipsec's code, so that its C interface can be made from the same function; `offset` says where in the text.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "pfkey/policy/ipsec_error.h"
#include "wire/pfkey/message.h"

namespace testudo::pfkey {

struct PolicyError {
  IpsecError code = IpsecError::InvalidArgument;
  std::size_t offset = 0;  ///< of the token, from the start of the text
  std::string token;       ///< "" at the end of the text
  std::string expected;    ///< "" where the message says all
};

/// Priorities of Linux: a base and an offset towards the head (+) or the tail (-) of the list.
inline constexpr std::uint32_t kPriorityHigh = 0x40000000, kPriorityDefault = 0x80000000, kPriorityLow = 0xC0000000;

/// Of "fe80::1%eth0": nothing when there is no such interface.
using ScopedAddress = std::function<std::optional<net::Address>(const std::string& text)>;

/// `scoped` is asked about addresses with the name of an interface behind them; without it they are errors.
Result<wire::pfkey::PolicyExt, PolicyError> parse_policy_text(std::string_view text, const ScopedAddress& scoped = {});

enum class PolicyPorts : std::uint8_t { Hidden, Shown };

/// "out ipsec" and its requests, each preceded by the delimiter.  Fails for numbers that have no word.
Result<std::string, IpsecError> print_policy_text(const wire::pfkey::PolicyExt& policy,
                                                  std::string_view delimiter = " ",
                                                  PolicyPorts ports = PolicyPorts::Hidden);

}  // namespace testudo::pfkey
