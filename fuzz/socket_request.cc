// What anybody may send to testudod beside a socket: the request, and the policy in it.
#include <cstdint>

#include "pfkey/server/policy_message.h"
#include "wire/socket_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto request = testudo::wire::parse_socket_request({data, size});
  if (!request) return 0;
  const auto policy = testudo::wire::pfkey::parse_policy(request->policy);
  if (policy) static_cast<void>(testudo::pfkey::server::socket_policy_of(*policy, testudo::Time{}));
  return 0;
}
