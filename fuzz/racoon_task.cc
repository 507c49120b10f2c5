// What racoon's process for one login reads and answers: only from racoon itself, but with names and passwords of
// strangers.
#include <cstdint>
#include <cstdlib>

#include "wire/racoon_task.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace racoon = testudo::wire::racoon;
  const testudo::ByteVector all{data, data + size};
  const auto task = racoon::parse_task(all);
  if (task && racoon::compose(*task) != all) std::abort();
  const auto outcome = racoon::parse_outcome(all);
  if (outcome && racoon::compose(*outcome) != all) std::abort();
  return 0;
}
