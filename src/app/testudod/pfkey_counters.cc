#include "app/testudod/pfkey_counters.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "wire/pfkey/constants.h"

namespace testudo::app {
namespace {

using nlohmann::json;
using pfkey::server::Counters;

// By message type; netstat's spelling.
constexpr std::array<std::string_view, wire::pfkey::kTypeMax + 1> kTypes{
    "reserved",  "getspi",      "update",      "add",         "delete",       "get",
    "acquire",   "register",    "expire",      "flush",       "dump",         "x_promisc",
    "x_pchange", "x_spdupdate", "x_spdadd",    "x_spddelete", "x_spdget",     "x_spdacquire",
    "x_spddump", "x_spdflush",  "x_spdsetidx", "x_spdexpire", "x_spddelete2", "x_nat_t_new_mapping",
    "x_migrate"};

json line(std::string_view name, std::uint64_t value, const std::string& words, bool histogram = false) {
  return {{"name", name}, {"value", value}, {"words", words}, {"histogram", histogram}};
}

/// "1 request sent …", "2 requests sent …": the plural is an s unless the value is one.
json counted(std::string_view name, std::uint64_t value, std::string_view noun, std::string_view rest) {
  return line(name, value, std::string{noun} + (value == 1 ? " " : "s ") + std::string{rest});
}

void add_way(json& lines, const Counters::Way& way, std::string_view prefix, std::string_view whither) {
  const std::string at{prefix};
  lines.push_back(counted(at + "total", way.total, "request", whither));
  lines.push_back(counted(at + "bytes", way.bytes, "byte", whither));
  for (std::size_t type = 0; type < std::size(way.by_type); ++type) {
    if (way.by_type[type] == 0) continue;
    const std::string name = type < kTypes.size() ? std::string{kTypes[type]} : "#" + std::to_string(type);
    lines.push_back(line(at + "type." + name, way.by_type[type], name, true));
  }
}

}  // namespace

std::string pfkey_counters(const Counters& c) {
  json lines = json::array();
  add_way(lines, c.from_user, "out_", "sent from userland");
  lines.push_back(counted("out_invlen", c.invalid_length, "message", "with invalid length field"));
  lines.push_back(counted("out_invver", c.invalid_version, "message", "with invalid version field"));
  lines.push_back(counted("out_invmsgtype", c.invalid_type, "message", "with invalid message type field"));
  lines.push_back(counted("out_tooshort", c.too_short, "message", "too short"));
  lines.push_back(counted("out_nomem", c.no_memory, "message", "with memory allocation failure"));
  lines.push_back(counted("out_dupext", c.duplicate_extension, "message", "with duplicate extension"));
  lines.push_back(counted("out_invexttype", c.invalid_extension_type, "message", "with invalid extension type"));
  lines.push_back(counted("out_invsatype", c.invalid_satype, "message", "with invalid sa type"));
  lines.push_back(counted("out_invaddr", c.invalid_address, "message", "with invalid address extension"));
  add_way(lines, c.to_user, "in_", "sent to userland");
  lines.push_back(counted("in_msgtarget.one", c.to_one, "message", "toward single socket"));
  lines.push_back(counted("in_msgtarget.all", c.to_all, "message", "toward all sockets"));
  lines.push_back(counted("in_msgtarget.registered", c.to_registered, "message", "toward registered sockets"));
  lines.push_back(counted("in_nomem", c.overflow, "message", "with memory allocation failure"));
  return json{{"lines", std::move(lines)}}.dump();
}

}  // namespace testudo::app
