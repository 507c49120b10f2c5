// A PF_KEY server with empty databases: the input is split into messages, and all answers are pulled and must be
// messages.
#include <algorithm>
#include <cstdlib>

#include "pfkey/server/server.h"
#include "wire/pfkey/message.h"

struct Counter final : testudo::Random {
  void fill(testudo::MutableBytes out) override { std::ranges::fill(out, ++last); }
  std::uint8_t last = 0;
};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const testudo::sad::KeySettings settings;
  Counter random;
  testudo::sad::Database sad{settings, random};
  testudo::spd::Database spd;
  testudo::pfkey::server::Server server{{sad, spd, settings, random, [] { return testudo::WallReference{}; }, {}, {}}};
  const auto client = server.connect(true);
  for (testudo::Bytes rest{data, size}; !rest.empty();) {
    const std::size_t length = testudo::wire::pfkey::message_length(rest).value_or(rest.size());
    const testudo::Bytes message = rest.first(std::min(length, rest.size()));
    server.receive(client, message, {});
    while (const auto output = server.next_output(client, {}))
      if (testudo::wire::pfkey::message_length(*output) != output->size()) std::abort();
    rest = rest.subspan(message.size());
  }
  return 0;
}
