// The policy language: what is read can be printed, and the print reads back as the same text.
#include <cstdlib>
#include <string>

#include "pfkey/policy/policy_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto policy = testudo::pfkey::parse_policy_text(text);
  if (!policy) return 0;
  const auto printed = testudo::pfkey::print_policy_text(*policy, " ", testudo::pfkey::PolicyPorts::Shown);
  if (!printed) std::abort();
  // Allocated numbers print as #N, and me-any leaves a tunnel without endpoints: both are for eyes only, as in KAME.
  if (printed->find('#') != std::string::npos || printed->find("tunnel//") != std::string::npos) return 0;
  const auto again = testudo::pfkey::parse_policy_text(*printed);
  if (!again) std::abort();
  if (*testudo::pfkey::print_policy_text(*again, " ", testudo::pfkey::PolicyPorts::Shown) != *printed) std::abort();
  return 0;
}
