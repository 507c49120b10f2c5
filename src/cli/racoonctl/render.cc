#include "cli/racoonctl/render.h"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

namespace testudo::cli {
namespace {

using nlohmann::json;

/// A daemon of another version may say less.
std::string text_of(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::int64_t number_of(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::uint64_t cookie_of(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string date_of(std::int64_t seconds) {
  const std::time_t when = seconds;
  std::tm local{};
  ::localtime_r(&when, &local);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local)};
}

json rows_of(const json& reply, const char* member) {
  const auto found = reply.find(member);
  return found != reply.end() && found->is_array() ? *found : json::array();
}

std::string place(const json& sa, const char* address, const char* port) {
  return fmt::format("{}.{}", text_of(sa, address), number_of(sa, port));
}

}  // namespace

std::string render_phase1_sas(const json& reply, int details) {
  const std::size_t width = details > 1 ? 45 : 22;
  std::string text;
  if (details > 1) text += fmt::format("{:<45} ", "Source");
  text += fmt::format("{:<{}} {:<33} ", "Destination", width, "Cookies");
  text += details == 0 ? "Created\n" : "ST S  V E Created             Phase2\n";
  for (const json& sa : rows_of(reply, "sas")) {
    if (details > 1) text += fmt::format("{:<45.45} ", place(sa, "local", "local_port"));
    text += fmt::format("{0:<{1}.{1}} {2:016x}:{3:016x} ", place(sa, "remote", "remote_port"), width,
                        cookie_of(sa, "initiator_cookie"), cookie_of(sa, "responder_cookie"));
    if (details > 0) {
      text += fmt::format("{:2} {} {:2x} {} ", number_of(sa, "state"), text_of(sa, "side"), number_of(sa, "version"),
                          text_of(sa, "exchange"));
    }
    text += date_of(number_of(sa, "created"));
    if (details > 0) text += fmt::format(" {:6}", number_of(sa, "phase2"));
    text += '\n';
  }
  return text;
}

std::string render_connected(const json& reply) {
  const auto found = reply.find("variables");
  const json variables = found == reply.end() ? json::object() : *found;
  std::string text = "VPN connexion established\n";
  if (const auto address = text_of(variables, "INTERNAL_ADDR4"); !address.empty()) {
    text += "Bound to address " + address + "\n";
  }
  const std::string line(80, '=');
  const std::string banner = text_of(variables, "BANNER");
  return banner.empty() ? text : text + line + "\n" + banner + (banner.ends_with('\n') ? "" : "\n") + line + "\n";
}

std::string render_schedule(const json& reply) {
  std::string text = "index    tick     xtime    created\n";
  std::size_t index = 0;
  for (const json& timer : rows_of(reply, "timers")) {
    text += fmt::format("{:<8} {:<8} {} {} {}\n", ++index, number_of(timer, "in"), date_of(number_of(timer, "at")),
                        date_of(number_of(timer, "created")), text_of(timer, "what"));
  }
  return text;
}

std::string render_event(const json& event, int details) {
  std::string text = fmt::format("{} : {} -> {}", text_of(event, "text"), text_of(event, "src"), text_of(event, "dst"));
  if (const std::string detail = text_of(event, "detail"); details > 0 && !detail.empty()) text += " : " + detail;
  return text + "\n";
}

std::string render_explanations(const json& reply) {
  std::string text;
  for (const json& entry : rows_of(reply, "explanations")) {
    if (!text.empty()) text += '\n';
    text += fmt::format("#{} {} with {}, phase {}", number_of(entry, "id"), date_of(number_of(entry, "last")),
                        text_of(entry, "remote"), number_of(entry, "phase"));
    if (const auto exchange = text_of(entry, "exchange"); !exchange.empty()) text += ", " + exchange;
    if (const auto message = number_of(entry, "message"); message != 0) text += fmt::format(" message {}", message);
    text += fmt::format(", as {}", text_of(entry, "role"));
    if (const auto times = number_of(entry, "times"); times > 1) text += fmt::format(", {} times", times);
    text += '\n';
    const auto line = [&](const char* name, const std::string& value) {
      if (!value.empty()) text += fmt::format("  {:<9} {}\n", name, value);
    };
    line("networks:", text_of(entry, "networks"));
    line("why:", text_of(entry, "attribute") + " " + text_of(entry, "verdict"));
    line("ours:", text_of(entry, "ours"));
    line("theirs:", text_of(entry, "theirs"));
    line("nearest:", text_of(entry, "nearest"));
    line("change:", text_of(entry, "change"));
    if (entry.value("hearsay", false)) line("proof:", "none: somebody said so without protection");
  }
  return text.empty() ? "No negotiation has failed.\n" : text;
}

}  // namespace testudo::cli
