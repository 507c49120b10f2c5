#include "app/testudo/ask.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/testudo/control_client.h"

namespace testudo::app {
namespace {

using nlohmann::json;

}  // namespace

std::optional<json> ask(const CommonOptions& common, const json& request, int& status) {
  auto client = ControlClient::connect(run_dir(common.run_dir));
  if (!client) {
    fmt::print(stderr, "testudo: {}\n", client.error());
    status = kNoDaemon;
    return std::nullopt;
  }
  std::optional<std::string> text;
  if (client->send(request.dump())) text = client->receive();
  json reply = json::parse(text.value_or(""), nullptr, false);
  if (!reply.is_object()) {
    fmt::print(stderr, "testudo: testudod closed the connection without an answer\n");
    status = kNoDaemon;
    return std::nullopt;
  }
  if (!reply.value("ok", false)) {
    fmt::print(stderr, "testudo: {}\n", reply.value("error", "refused"));
    status = kRefused;
    return std::nullopt;
  }
  return reply;
}

}  // namespace testudo::app
