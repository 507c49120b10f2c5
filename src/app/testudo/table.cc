// testudo sysctl net.key.dumpsa and net.key.dumpsp: the tables, asked for by PF_KEY, which is where keys belong.
#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>

#include "app/testudo/commands.h"
#include "app/testudo/control_client.h"
#include "cli/setkey/print_policy.h"
#include "cli/setkey/print_sa.h"
#include "cli/testudo/describe.h"
#include "pfkey/client/connection.h"

namespace testudo::app {
namespace {

using wire::pfkey::Message;
using wire::pfkey::Type;

constexpr std::chrono::seconds kPatience{60};

/// SADB_DUMP of the SA type behind the name, or SADB_X_SPDDUMP.
Message request_of(std::string_view name) {
  constexpr std::string_view kSas = "net.key.dumpsa.";
  Message request;
  request.type = name.starts_with("net.key.dumpsp") ? Type::SpdDump : Type::Dump;
  if (!name.starts_with(kSas)) return request;
  const std::string_view digits = name.substr(kSas.size());
  std::uint8_t satype = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), satype);
  request.satype = static_cast<wire::pfkey::SaType>(satype);
  return request;
}

std::string text_of(const Message& m) {
  const cli::PrintOptions options{.ports = false, .now = std::time(nullptr)};
  return m.type == Type::SpdDump ? cli::print_policy(m, options) : cli::print_sa(m, options);
}

int fail(int status, const std::string& words) {
  fmt::print(stderr, "testudo: {}\n", words);
  return status;
}

}  // namespace

int show_table(const CommonOptions& common, const std::string& name) {
  auto connection = pfkey::client::Connection::open(run_dir(common.run_dir));
  if (!connection) return fail(kNoDaemon, connection.error());
  if (const auto sent = connection->send(request_of(name)); !sent) return fail(kNoDaemon, sent.error());
  nlohmann::json messages = nlohmann::json::array();
  for (bool more = true; more;) {
    auto received = connection->receive(kPatience);
    if (!received) return fail(kNoDaemon, received.error());
    if (!*received) return fail(kNoDaemon, name + ": " + std::strerror(EAGAIN));
    const auto message = wire::pfkey::parse(**received);
    wipe(**received);
    if (!message) return fail(kRefused, name + ": a message that makes no sense");
    if (message->error == ENOENT) break;  // nothing there
    if (message->error != 0) return fail(kRefused, name + ": " + std::strerror(message->error));
    more = message->sequence != 0;
    if (!common.json) {
      fmt::print("{}", text_of(*message));
    } else {
      messages.push_back(message->type == Type::SpdDump ? cli::describe_policy(*message) : cli::describe_sa(*message));
    }
  }
  if (common.json) fmt::print("{}\n", nlohmann::json{{"name", name}, {"messages", std::move(messages)}}.dump(2));
  return 0;
}

}  // namespace testudo::app
