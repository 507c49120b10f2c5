#include "transform/ecn.h"

namespace testudo::transform {

std::uint8_t outer_traffic_class(EcnMode mode, std::uint8_t inner) {
  // RFC 6040 section 4.1: normal mode copies, compatibility mode clears.
  return mode == EcnMode::Forbidden ? with_ecn(inner, Ecn::NotEct) : inner;
}

std::optional<std::uint8_t> inner_traffic_class(EcnMode mode, std::uint8_t inner, std::uint8_t outer) {
  if (mode != EcnMode::Allowed) return inner;
  const Ecn inside = ecn_of(inner), outside = ecn_of(outer);
  // RFC 6040 section 4.2: "the decapsulator MUST NOT propagate any other ECN codepoint onwards", and over CE
  // "MUST drop the packet".
  if (inside == Ecn::NotEct) return outside == Ecn::Ce ? std::nullopt : std::optional{inner};
  // "… the more severe marking of the outer and inner ECN fields, where the ranking of severity from highest to
  // lowest is CE, ECT(1), ECT(0), Not-ECT".
  if (outside == Ecn::Ce) return with_ecn(inner, Ecn::Ce);
  if (outside == Ecn::Ect1 && inside == Ecn::Ect0) return with_ecn(inner, Ecn::Ect1);
  return inner;
}

}  // namespace testudo::transform
