#pragma once
// AH both ways.  RFC 4302 (with ESN), RFC 2402, RFC 1826 (`ah-old`).  The ICV covers the IP header with its mutable
// fields zeroed or predicted (appendix A), the AH with a zero ICV, and the payload.
#include <span>

#include "transform/esp_open.h"
#include "transform/esp_seal.h"
#include "transform/transform.h"

namespace testudo::transform {

void sign_ah(sad::Sa& sa, std::span<SealJob> jobs, const Context& context);
void verify_ah(sad::Sa& sa, std::span<OpenJob> jobs, const HeaderSettings& settings, sad::Worker worker = {});

}  // namespace testudo::transform
