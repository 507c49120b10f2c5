// setkey's language, its meaning, what it makes on the wire and the printers of the same; and dumps read back.
#include <string_view>

#include "cli/setkey/compile.h"
#include "cli/setkey/print_debug.h"
#include "cli/setkey/restore.h"

namespace {

class NumericResolver final : public testudo::cli::Resolver {
 public:
  testudo::Result<std::vector<testudo::net::Address>, std::string> host(const std::string& name,
                                                                        const Query&) override {
    const auto address = testudo::net::Address::parse(name);
    if (!address) return testudo::Failure{std::string{"Name or service not known"}};
    return std::vector{*address};
  }
  std::optional<std::uint16_t> service(const std::string&) override { return std::nullopt; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  NumericResolver resolver;
  for (const auto& command : testudo::cli::parse_script(text).commands) {
    for (const auto& message : testudo::cli::compile(command, resolver).messages) {
      testudo::cli::print_debug(testudo::wire::pfkey::compose(message));
    }
  }
  testudo::cli::command_length(text);
  (void)testudo::cli::parse_sad_dump(text);
  return 0;
}
