// testudo explain: as `racoonctl explain`, for who has testudo at hand.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/testudo/commands.h"
#include "app/testudo/control_client.h"
#include "cli/racoonctl/command_line.h"
#include "cli/racoonctl/render.h"
#include "io/unix_socket.h"

namespace testudo::app {

int explain(const CommonOptions& common, const std::string& peer) {
  const auto fail = [](int status, const std::string& words) {
    fmt::print(stderr, "testudo: {}\n", words);
    return status;
  };
  const auto socket = io::SeqPacket::connect(cli::admin_socket("", run_dir(common.run_dir)));
  if (!socket) return fail(kNoDaemon, "no racoon answers: " + socket.error().to_string());
  const nlohmann::json request{{"cmd", "explain"}, {"peer", peer}};
  const bool sent = socket->send(as_bytes(request.dump())) == io::SeqPacket::Sent::Whole;
  const auto bytes = sent ? socket->wait_and_receive() : std::nullopt;
  if (!bytes) return fail(kNoDaemon, "racoon closed the connection without an answer");
  const auto reply = nlohmann::json::parse(bytes->begin(), bytes->end(), nullptr, false);
  if (!reply.is_object() || !reply.value("ok", false)) return fail(kRefused, "racoon does not explain");
  fmt::print("{}", common.json ? reply.dump(2) + "\n" : cli::render_explanations(reply));
  return 0;
}

}  // namespace testudo::app
