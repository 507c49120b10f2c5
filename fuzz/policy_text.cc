// The policy language: what is read can be printed, and the print reads back as the same text.
#include <cstdlib>
#include <string>

#include "cli/policy/policy_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto policy = testudo::cli::parse_policy_text(text);
  if (!policy) return 0;
  const auto printed = testudo::cli::print_policy_text(*policy, " ", testudo::cli::PolicyPorts::Shown);
  if (!printed) std::abort();
  // Allocated numbers print as #N, and me-any leaves a tunnel without endpoints: both are for eyes only, as in KAME.
  if (printed->find('#') != std::string::npos || printed->find("tunnel//") != std::string::npos) return 0;
  const auto again = testudo::cli::parse_policy_text(*printed);
  if (!again) std::abort();
  if (*testudo::cli::print_policy_text(*again, " ", testudo::cli::PolicyPorts::Shown) != *printed) std::abort();
  return 0;
}
