// A PF_KEY server with empty databases: the input is split into messages, and all answers are pulled and must be
// messages.
#include <algorithm>
#include <cstdlib>

#include "pfkey/server/server.h"
#include "wire/pfkey/message.h"

using namespace testudo;  // NOLINT(google-build-using-namespace): thirty lines

namespace {
struct Counter final : Random {
  void fill(MutableBytes out) override {
    for (auto& byte : out) byte = ++last;
  }
  std::uint8_t last = 0;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const sad::KeySettings settings;
  Counter random;
  sad::Database sad{settings, random};
  spd::Database spd;
  pfkey::server::Server server{{sad, spd, settings, random, {}, {}, {}}};
  const auto client = server.connect(true);
  Bytes rest{data, size};
  for (int messages = 0; !rest.empty() && messages < 64; ++messages) {
    const std::size_t length = wire::pfkey::message_length(rest).value_or(rest.size());
    server.receive(client, rest.first(std::min(length, rest.size())), Time{});
    rest = rest.subspan(std::min(length, rest.size()));
    for (int pulled = 0; server.has_output(client) && pulled < 256; ++pulled) {
      const auto output = server.next_output(client, Time{});
      if (!output || wire::pfkey::message_length(*output) != output->size()) std::abort();
    }
  }
  return 0;
}
