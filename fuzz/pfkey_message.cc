// PF_KEY messages: what parse() accepts, compose() must say again in the same words.
#include <cstdint>
#include <cstdlib>

#include "wire/pfkey/message.h"

namespace pfkey = testudo::wire::pfkey;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const testudo::Bytes input{data, size};
  (void)pfkey::message_length(input);
  if (const auto policy = pfkey::parse_policy(input)) {
    if (!pfkey::parse_policy(pfkey::compose_policy(*policy))) std::abort();
  }
  const auto message = pfkey::parse(input);
  if (!message || message->type == pfkey::Type::Promisc) return 0;
  const testudo::ByteVector once = pfkey::compose(*message);
  if (once.empty()) return 0;  // it was at the limit, and padding made it longer
  const auto again = pfkey::parse(once);
  if (!again || pfkey::compose(pfkey::clone(*again)) != once) std::abort();
  return 0;
}
