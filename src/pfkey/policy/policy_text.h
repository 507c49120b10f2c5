#pragma once
// The policy language of ipsec_set_policy(3): text to a policy extension and back.
//
//   out ipsec esp/tunnel/20.0.0.1-20.0.0.2/require ah/transport//require
//
// Pure: no name look-ups (addresses are numeric, as in KAME), no output.  Errors carry libipsec's code, so that its C
// interface can be made from the same function; `offset` says where in the text.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/pfkey/message.h"

namespace testudo::pfkey {

/// Numbers of ipsec_strerror(3), as far as policies meet them.
enum class PolicyErrorCode : std::uint8_t {
  InvalidArgument = 2,
  InvalidAddress = 6,
  InvalidProtocol = 7,
  InvalidMode = 8,
  InvalidLevel = 9,
  InvalidDirection = 17,
  FamilyMismatch = 24,
  TooFewArguments = 25,
  PriorityOffset = 27,
  PriorityBaseOffset = 28,
  InvalidPolicy = 5,
};

struct PolicyError {
  PolicyErrorCode code = PolicyErrorCode::InvalidArgument;
  std::size_t offset = 0;  ///< of the token, from the start of the text
  std::string token;       ///< "" at the end of the text
  std::string expected;    ///< "" where the message says all
};

/// The text that ipsec_strerror(3) has for a code.
std::string_view policy_error_text(PolicyErrorCode code);

/// Priorities of Linux: a base and an offset towards the head (+) or the tail (-) of the list.
inline constexpr std::uint32_t kPriorityHigh = 0x40000000, kPriorityDefault = 0x80000000, kPriorityLow = 0xC0000000;

Result<wire::pfkey::PolicyExt, PolicyError> parse_policy_text(std::string_view text);

enum class PolicyPorts : std::uint8_t { Hidden, Shown };

/// "out ipsec" and its requests, each preceded by the delimiter.  Fails for numbers that have no word.
Result<std::string, PolicyErrorCode> print_policy_text(const wire::pfkey::PolicyExt& policy,
                                                       std::string_view delimiter = " ",
                                                       PolicyPorts ports = PolicyPorts::Hidden);

}  // namespace testudo::pfkey
