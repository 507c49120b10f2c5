// setkey's language, its meaning, and what it makes on the wire.
#include "cli/setkey/compile.h"
#include "cli/setkey/print_debug.h"

namespace {

class Resolver final : public testudo::cli::Resolver {
 public:
  testudo::Result<std::vector<testudo::net::Address>, std::string> host(const std::string& name, const Query&) final {
    const auto address = testudo::net::Address::parse(name);
    if (!address) return testudo::Failure{std::string{"Name or service not known"}};
    return std::vector{*address};
  }
  std::optional<std::uint16_t> service(const std::string&) final { return std::nullopt; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  Resolver resolver;
  testudo::cli::command_length(text);
  for (const auto& command : testudo::cli::parse_script(text).commands) {
    for (const auto& message : testudo::cli::compile(command, resolver).messages) {
      testudo::cli::print_debug(testudo::wire::pfkey::compose(message));
    }
  }
  return 0;
}
