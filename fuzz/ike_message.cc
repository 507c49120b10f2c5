// IKE messages: header, chain, and every payload in its own form.  What is accepted is composed and read as the same.
#include <cstdint>
#include <cstdlib>

#include "wire/ike/header.h"
#include "wire/ike/v1/chain.h"
#include "wire/ike/v1/payload.h"
#include "wire/ike/v1/sa.h"

namespace ike = testudo::wire::ike;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = ike::parse({data, size});
  if (!message) return 0;
  const auto chain = ike::v1::walk(ike::v1::Payload{message->header.next}, message->body);
  if (!chain) return 0;
  for (const auto& payload : chain->payloads) {
    if (const auto sa = ike::v1::parse_sa(payload.body)) {
      const auto again = ike::v1::parse_sa(ike::v1::compose_sa(*sa));
      if (!again || *again != *sa) std::abort();
    }
    if (const auto id = ike::v1::parse_identification(payload.body)) {
      if (ike::v1::compose_identification(*id).size() != payload.body.size()) std::abort();
    }
    (void)(ike::v1::parse_notification(payload.body) && ike::v1::parse_deletion(payload.body));
    (void)(ike::v1::parse_configuration(payload.body) && ike::v1::parse_certificate(payload.body));
    (void)(ike::v1::parse_original_address(payload.body) && ike::v1::parse_fragment(payload.body));
  }
  return 0;
}
