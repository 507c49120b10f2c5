// The text of `setkey -D`: what is read back can be printed, and the print reads back as the same text.
#include <cstdlib>
#include <string>

#include "cli/setkey/print_sa.h"
#include "cli/setkey/restore.h"

namespace {

std::string print(const std::vector<testudo::wire::pfkey::Message>& sad) {
  std::string text;
  for (const auto& message : sad) text += testudo::cli::print_sa(message, {true, 0});
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto sad = testudo::cli::parse_sad_dump(std::string(data, data + size));
  if (!sad) return 0;
  const auto again = testudo::cli::parse_sad_dump(print(*sad));
  if (!again || print(*again) != print(*sad)) std::abort();
  return 0;
}
