// racoonctl: asks a running racoon.  racoonctl(8).
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>

#include "app/racoonctl/password.h"
#include "base/hex.h"
#include "cli/racoonctl/command_line.h"
#include "cli/racoonctl/render.h"
#include "cli/setkey/print_sa.h"
#include "cli/testudo/describe.h"
#include "io/fd.h"
#include "io/socket_address.h"
#include "io/unix_socket.h"
#include "pfkey/client/connection.h"

namespace testudo::app {
namespace {

using cli::RacoonctlCommand;
using nlohmann::json;

struct Options {
  std::string socket, run_dir;
  int details = 0;
  bool json = false, raw = false;
  std::vector<std::string> words;
};

int fail(const std::string& words) {
  fmt::print(stderr, "racoonctl: {}\n", words);
  return EXIT_FAILURE;
}

std::optional<net::Address> resolve(const std::string& name, int family) {
  addrinfo hints{};
  hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  io::SocketAddress at;
  std::memcpy(at.get(), found->ai_addr, found->ai_addrlen);
  *at.length() = found->ai_addrlen;
  ::freeaddrinfo(found);
  const auto endpoint = at.endpoint();
  return endpoint ? std::optional{endpoint->address} : std::nullopt;
}

/// Nothing is sent: the kernel only chooses.
std::optional<net::Address> facing(const net::Address& remote) {
  const io::Fd fd{::socket(remote.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  const io::SocketAddress to{{remote, 500}};
  io::SocketAddress from;
  if (!fd || ::connect(fd.get(), to.get(), to.length()) != 0) return std::nullopt;
  if (::getsockname(fd.get(), from.get(), from.length()) != 0) return std::nullopt;
  const auto endpoint = from.endpoint();
  return endpoint ? std::optional{endpoint->address} : std::nullopt;
}

Result<io::SeqPacket, std::string> connect(const Options& options) {
  const std::string path = cli::admin_socket(options.socket, pfkey::client::run_dir(options.run_dir));
  auto socket = io::SeqPacket::connect(path);
  if (socket) return *std::move(socket);
  const int error = socket.error().number;
  if (error != ENOENT && error != ECONNREFUSED) return Failure{path + ": " + std::strerror(error)};
  return Failure{"no racoon answers at " + path + "; start it, or name its socket with -s"};
}

std::optional<json> receive(const io::SeqPacket& socket, const Options& options) {
  const auto bytes = socket.wait_and_receive();
  if (!bytes || bytes->empty()) return std::nullopt;
  const std::string text{bytes->begin(), bytes->end()};
  if (options.raw) fmt::print(stderr, "{}\n", text);
  json reply = json::parse(text, nullptr, false);
  return reply.is_object() ? std::optional{std::move(reply)} : std::nullopt;
}

Result<json, std::string> ask(const io::SeqPacket& socket, const json& request, const Options& options) {
  std::string text = request.dump();
  const auto sent = socket.send(as_bytes(text));
  wipe(as_mutable_bytes(text));  // there may be a password in it
  if (sent != io::SeqPacket::Sent::Whole) return Failure{std::string{"racoon is gone"}};
  for (;;) {
    auto reply = receive(socket, options);
    if (!reply) return Failure{std::string{"racoon closed the connection without an answer"}};
    if (!reply->contains("interim")) return *std::move(reply);
    fmt::print(stderr, "racoonctl: so far: {}\n", reply->value("interim", ""));
  }
}

/// The answer with all its rows: they come a page at a time.
Result<json, std::string> ask_all(const io::SeqPacket& socket, json& request, const Options& options) {
  TRY(json whole, ask(socket, request, options));
  while (whole.contains("next")) {
    request["from"] = whole["next"];
    whole.erase("next");
    TRY(json more, ask(socket, request, options));
    for (auto& [name, value] : more.items()) {
      if (!value.is_array() || !whole[name].is_array()) continue;
      whole[name].insert(whole[name].end(), value.begin(), value.end());
    }
    if (more.contains("next")) whole["next"] = more["next"];
  }
  return whole;
}

std::string text_for(const RacoonctlCommand& command, const json& reply, const Options& options) {
  if (command.name == "show-sa") return cli::render_phase1_sas(reply, options.details);
  if (command.name == "show-schedule") return cli::render_schedule(reply);
  if (command.name == "explain") return cli::render_explanations(reply);
  if (command.name == "vpn-connect") return cli::render_connected(reply);
  if (command.name == "get-cert") {
    const auto der = from_hex(reply.value("certificate", ""));
    return der ? std::string{der->begin(), der->end()} : "";
  }
  const std::string text = reply.value("text", "");
  return text.empty() ? "" : text + "\n";
}

int print_refusal(const json& reply, const Options& options) {
  if (options.json) fmt::print("{}\n", reply.dump(2));
  const int status = fail(reply.value("error", "refused"));
  const auto complaints = reply.find("complaints");
  if (complaints == reply.end() || !complaints->is_array()) return status;
  for (const json& line : *complaints) fmt::print(stderr, "{}\n", line.is_string() ? line.get<std::string>() : "");
  return status;
}

int follow(const io::SeqPacket& socket, const Options& options) {
  while (const auto event = receive(socket, options)) {
    fmt::print("{}", options.json ? event->dump() + "\n" : cli::render_event(*event, options.details));
    std::fflush(stdout);
  }
  return fail("racoon is gone");
}

/// SAs are testudod's, and who may see keys is for it to say.
int show_sas(const std::string& protocol, const Options& options) {
  using wire::pfkey::SaType;
  wire::pfkey::Message request;
  request.type = wire::pfkey::Type::Dump;
  request.satype = protocol == "esp"      ? SaType::Esp
                   : protocol == "ah"     ? SaType::Ah
                   : protocol == "ipcomp" ? SaType::Ipcomp
                                          : SaType::Unspec;
  auto connection = pfkey::client::Connection::open(pfkey::client::run_dir(options.run_dir));
  if (!connection) return fail(connection.error());
  if (const auto sent = connection->send(request); !sent) return fail(sent.error());
  json all = json::array();
  for (bool more = true, first = true; more; first = false) {
    auto received = connection->receive(std::chrono::seconds{60});
    if (!received) return fail(received.error());
    if (!*received) return fail("testudod does not answer");
    const auto message = wire::pfkey::parse(**received);
    wipe(**received);
    if (!message) return fail("a message of testudod makes no sense");
    if (message->error == ENOENT && first && !options.json) fmt::print("No SAD entries.\n");
    if (message->error == ENOENT) break;
    if (message->error != 0) return fail(std::strerror(message->error));
    more = message->sequence != 0;
    if (options.json) {
      all.push_back(cli::describe_sa(*message));
    } else {
      fmt::print("{}", cli::print_sa(*message, {.ports = false, .now = std::time(nullptr)}));
    }
  }
  if (options.json) fmt::print("{}\n", json{{"ok", true}, {"sas", std::move(all)}}.dump(2));
  return EXIT_SUCCESS;
}

/// A request that may hold a password.
struct Request {
  json words;

  ~Request() {
    if (words.contains("password")) wipe(as_mutable_bytes(words["password"].get_ref<std::string&>()));
  }
};

int run(const Options& options) {
  const auto command = cli::parse_racoonctl(options.words, {resolve, facing});
  if (!command) {
    fmt::print(stderr, "{}\n{}", command.error(), cli::racoonctl_usage());
    return EXIT_FAILURE;
  }
  Request request{command->request};
  if (command->wants_password) {
    const auto password = ask_password("Password: ");
    if (!password) return fail("no password was given");
    request.words["password"] = std::string{password->expose().begin(), password->expose().end()};
  }
  if (command->kind == RacoonctlCommand::Kind::ShowSas) return show_sas(command->protocol, options);
  const auto socket = connect(options);
  if (!socket) return fail(socket.error());
  const auto reply = ask_all(*socket, request.words, options);
  if (!reply) return fail(reply.error());
  if (!reply->value("ok", false)) return print_refusal(*reply, options);
  if (command->kind == RacoonctlCommand::Kind::Follow) return follow(*socket, options);
  fmt::print("{}", options.json ? reply->dump(2) + "\n" : text_for(*command, *reply, options));
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace testudo::app

int main(int argc, char** argv) {
  testudo::app::Options options;
  CLI::App app{"racoonctl: asks a running racoon. racoonctl(8)"};
  app.footer(testudo::cli::racoonctl_usage());
  app.set_version_flag("--version", std::string{"racoonctl (Testudo) "} + TESTUDO_VERSION);
  app.add_flag("-l", options.details, "more of each line; up to twice");
  app.add_flag("-d", options.raw, "replies as they come, to standard error");
  app.add_flag("--json", options.json, "machine-readable output");
  app.add_option("-s", options.socket, "racoon's socket");
  app.add_option("--run-dir", options.run_dir, "testudod's directory of sockets (or TESTUDO_RUN)");
  app.prefix_command();
  CLI11_PARSE(app, argc, argv);
  options.words = app.remaining();
  options.json = std::erase(options.words, "--json") != 0 || options.json;
  return testudo::app::run(options);
}
