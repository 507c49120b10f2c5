#include "app/testudo/offline.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

#include "cli/setkey/compile.h"
#include "cli/setkey/script.h"

namespace testudo::app {
namespace {

/// Offline, names stay names.
class NumbersOnly final : public cli::Resolver {
 public:
  Result<std::vector<net::Address>, std::string> host(const std::string& name, const Query& query) override {
    const auto address = net::Address::parse(name);
    if (!address) return Failure{std::string{"not a numeric address"}};
    if (query.family && address->family() != *query.family) return Failure{std::string{"address of the other family"}};
    return std::vector{*address};
  }
  std::optional<std::uint16_t> service(const std::string&) override { return std::nullopt; }
};

}  // namespace

Offline::Offline(std::vector<net::Address> locals)
    : locals_(std::move(locals)),
      engine_({sad_, spd_, settings_, random_, *this}),
      pfkey_({sad_, spd_, settings_.key, random_, {}, [](std::uint32_t) {}, [] {}}),
      client_(pfkey_.connect(true)),
      control_({{&engine_}, settings_, sad_, spd_, {}, {}, {}}) {}

bool Offline::is_local(const net::Address& address) const {
  return std::ranges::find(locals_, address) != locals_.end();
}

net::Address Offline::source_towards(const net::Address& to) const {
  const auto same = std::ranges::find(locals_, to.family(), &net::Address::family);
  return same == locals_.end() ? net::Address::any(to.family()) : *same;
}

std::string Offline::submit(const wire::pfkey::Message& message, Time now) {
  pfkey_.receive(client_, wire::pfkey::compose(message), now);
  std::string refusal;
  while (const auto answer = pfkey_.next_output(client_, now)) {
    const auto parsed = wire::pfkey::parse(*answer);
    if (parsed && parsed->error != 0) refusal = std::strerror(parsed->error);
  }
  return refusal;
}

std::vector<std::string> Offline::load(const std::string& path, Time now) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return {path + ": " + std::strerror(errno)};
  std::ostringstream text;
  text << file.rdbuf();
  std::vector<std::string> complaints;
  const auto complain = [&](const std::vector<cli::Diagnostic>& found) {
    for (const cli::Diagnostic& d : found) complaints.push_back(cli::describe_in_file(d, path));
  };
  const cli::Script script = cli::parse_script(text.str());
  complain(script.diagnostics);
  if (script.failed()) return complaints;
  NumbersOnly numbers;
  for (const cli::Command& command : script.commands) {
    const cli::Compiled compiled = cli::compile(command, numbers);
    complain(compiled.diagnostics);
    for (const auto& message : compiled.messages) {
      const std::string refusal = submit(message, now);
      if (!refusal.empty()) complaints.push_back(path + "," + std::to_string(command.end.line) + ": " + refusal);
    }
  }
  if (locals_.empty()) guess_locals();
  return complaints;
}

/// Ours are the near ends of what the outbound policies protect; without policies, whatever an SA leads to.
void Offline::guess_locals() {
  spd_.for_each(spd::Direction::Out, [this](const spd::Policy& policy) {
    const net::Prefix& source = policy.selector.source;
    if (source.length == source.address.width()) locals_.push_back(source.address);
    for (const spd::Request& request : policy.requests) {
      if (request.source) locals_.push_back(request.source->address);
    }
  });
  if (!locals_.empty()) return;
  sad_.for_each([this](const sad::Sa& sa) { locals_.push_back(sa.group().destination); });
}

}  // namespace testudo::app
