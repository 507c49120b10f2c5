// Two IKE machines in every mode and state: the input says what becomes of each message, in clear and under encryption,
// what strangers put in between, when time passes and what the key table tells.
#include <cstdlib>

#include "support/ike_script.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (!testudo::ike::test::IkeScript{{data, size}}.run()) std::abort();
  return 0;
}
