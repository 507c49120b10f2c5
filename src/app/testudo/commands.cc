#include "app/testudo/commands.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "app/testudo/ask.h"
#include "app/testudo/control_client.h"
#include "cli/testudo/render.h"
#include "crypto/compressor.h"
#include "crypto/suite.h"

namespace testudo::app {
namespace {

using nlohmann::json;

/// Asks, then prints the reply as JSON or as `render` makes it.
template <typename Render>
int ask_and_print(const CommonOptions& common, const json& request, Render render) {
  int status = 0;
  const auto reply = ask(common, request, status);
  if (!reply) return status;
  fmt::print("{}", common.json ? reply->dump(2) + "\n" : render(*reply));
  return 0;
}

/// Decimal, or as sysctl(8) reads it hexadecimal behind 0x and octal behind 0.
std::optional<std::int64_t> number_of(std::string_view digits) {
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits.starts_with('0')) {
    base = 8;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || value > INT64_MAX || error != std::errc{} || end != digits.data() + digits.size())
    return std::nullopt;
  const auto number = static_cast<std::int64_t>(value);
  return negative ? -number : number;
}

/// {"cmd":"sysctl", …} of NAME or NAME=VALUE; nothing when VALUE is no number.
std::optional<json> sysctl_request(const std::string& assignment, bool write) {
  const auto equals = assignment.find('=');
  json request{{"cmd", "sysctl"}, {"name", assignment.substr(0, equals)}};
  if (equals == std::string::npos) return write ? std::nullopt : std::optional{request};
  const auto value = number_of(std::string_view{assignment}.substr(equals + 1));
  if (!write || !value) return std::nullopt;
  request["value"] = *value;
  return request;
}

/// A reply about one of the tables that PF_KEY has.
bool is_table(const json& reply) {
  const json rows = reply.value("variables", json::array());
  return rows.size() == 1 && rows.front().value("type", "") == "messages";
}

int read_or_write(const CommonOptions& common, const json& request, bool verbose) {
  int status = 0;
  const auto reply = ask(common, request, status);
  if (!reply) return status;
  if (!verbose && is_table(*reply)) return show_table(common, request.value("name", ""));
  fmt::print("{}", common.json ? reply->dump(2) + "\n" : cli::render_variables(*reply, verbose));
  return 0;
}

}  // namespace

int show_status(const CommonOptions& common) {
  return ask_and_print(common, {{"cmd", "status"}}, [](const json& r) { return cli::render_status(r); });
}

int show_stats(const CommonOptions& common, bool nonzero_only, bool reset) {
  const cli::RenderOptions options{nonzero_only, common.colour};
  const int status =
      ask_and_print(common, {{"cmd", "stats"}}, [&](const json& r) { return cli::render_stats(r, options); });
  if (status != 0 || !reset) return status;
  int reset_status = 0;
  ask(common, {{"cmd", "reset"}}, reset_status);
  return reset_status;
}

int show_drops(const CommonOptions& common, bool all) {
  const cli::RenderOptions options{!all, common.colour};
  return ask_and_print(common, {{"cmd", "drops"}}, [&](const json& r) { return cli::render_drops(r, options); });
}

int sysctl(const CommonOptions& common, const std::vector<std::string>& assignments, bool write, bool verbose) {
  const auto render = [verbose](const json& r) { return cli::render_variables(r, verbose); };
  if (assignments.empty()) return ask_and_print(common, {{"cmd", "sysctl"}}, render);
  int worst = 0;
  for (const std::string& assignment : assignments) {
    const auto request = sysctl_request(assignment, write);
    if (!request) {
      fmt::print(stderr, "testudo: '{}': {}\n", assignment,
                 write ? "expected NAME=NUMBER" : "expected NAME (write with -w NAME=NUMBER)");
      worst = kRefused;
      continue;
    }
    if (const int status = read_or_write(common, *request, verbose); status != 0) worst = status;
  }
  return worst;
}

int tunnel(const CommonOptions& common, const std::vector<std::string>& words) {
  const bool list = words.size() == 1 && words.front() == "list";
  const json request{{"cmd", "tunnel"}, {"words", words}};
  return ask_and_print(common, request, [&](const json& r) { return list ? cli::render_tunnels(r) : std::string{}; });
}

int follow_trace(const CommonOptions& common, std::uint64_t limit) {
  auto client = ControlClient::connect(run_dir(common.run_dir));
  if (!client) {
    fmt::print(stderr, "testudo: {}\n", client.error());
    return kNoDaemon;
  }
  if (!client->send(R"({"cmd":"trace"})")) return kNoDaemon;
  const cli::RenderOptions options{false, common.colour};
  for (std::uint64_t seen = 0; limit == 0 || seen < limit; ++seen) {
    const auto line = client->receive();
    if (!line) return kNoDaemon;
    const json step = json::parse(*line, nullptr, false);
    if (!step.is_object()) continue;
    fmt::print("{}", common.json ? *line + "\n" : cli::render_trace(step, options));
    std::fflush(stdout);
  }
  return 0;
}

int show_version(bool features) {
  fmt::print("testudo {}\n", TESTUDO_VERSION);
  if (!features) return 0;
  std::string backends;
  for (const auto& name : crypto::available_backends()) backends += fmt::format(" {}", name);
  fmt::print("crypto:{}\n", backends);
  fmt::print("deflate: {}\n", crypto::make_deflate(crypto::CompressionBackend::Isal) ? "isa-l, zlib" : "zlib");
  fmt::print("encryption:");
  for (const auto& row : crypto::ciphers()) fmt::print(" {}", row.name);
  fmt::print("\nauthentication:");
  for (const auto& row : crypto::macs()) fmt::print(" {}", row.name);
  fmt::print("\n");
  return 0;
}

}  // namespace testudo::app
