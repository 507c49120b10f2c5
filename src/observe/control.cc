#include "observe/control.h"

#include <cerrno>
#include <nlohmann/json.hpp>

#include "observe/netstat.h"
#include "observe/nodes.h"
#include "observe/variables.h"

namespace testudo::observe {
namespace {

using nlohmann::json;

json failure(int error, const std::string& words) {
  return {{"ok", false}, {"errno", error}, {"error", words}};
}

/// The request as an object, or nothing.  Foreign text: parsed without exceptions.
std::optional<json> parse_object(std::string_view text) {
  json value = json::parse(text, nullptr, false);
  if (!value.is_object()) return std::nullopt;
  return value;
}

/// A member that must be a string; empty when it is absent or something else.
std::string text_of(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// JSON text of another part of the daemon, as a value.
json embedded(const std::function<std::string()>& source) {
  if (!source) return json::object();
  json value = json::parse(source(), nullptr, false);
  return value.is_discarded() ? json::object() : value;
}

json sa_counts(const Sources& s) {
  std::array<std::uint64_t, 4> by_state{};
  s.sad.for_each([&](const sad::Sa& sa) {
    ++by_state[static_cast<std::size_t>(sa.state())];
    if (s.breathe) s.breathe();
  });
  return {{"larval", by_state[0]}, {"mature", by_state[1]}, {"dying", by_state[2]}, {"dead", by_state[3]}};
}

engine::Statistics counted_by_all(const Sources& s) {
  engine::Statistics sum;
  for (const engine::Engine* const engine : s.engines) sum += engine->statistics();
  return sum;
}

json status(const Sources& s) {
  const engine::Statistics stats = counted_by_all(s);
  return {{"ok", true},
          {"host", embedded(s.host_facts)},
          {"sad", {{"total", s.sad.size()}, {"states", sa_counts(s)}}},
          {"spd", {{"in", s.spd.size(spd::Direction::In)}, {"out", s.spd.size(spd::Direction::Out)}}},
          {"packets",
           {{"from_host", stats.outbound_packets},
            {"from_wire", stats.inbound_packets},
            {"to_wire", stats.to_wire},
            {"to_host", stats.to_host},
            {"dropped", stats.dropped()}}},
          {"acquires",
           {{"announced", stats.acquires},
            {"held_back", stats.acquires_suppressed},
            {"forgotten", stats.acquires_forgotten}}}};
}

json stats(const Sources& s) {
  json sections = json::array();
  for (const StatSection& section : netstat_sections(counted_by_all(s))) {
    json lines = json::array();
    for (const StatLine& l : section.lines) {
      lines.push_back({{"name", l.name}, {"value", l.value}, {"words", l.words}, {"histogram", l.in_histogram}});
    }
    sections.push_back({{"section", section.name}, {"lines", std::move(lines)}});
  }
  return {{"ok", true}, {"sections", std::move(sections)}, {"pfkey", embedded(s.pfkey_counters)}};
}

json drops(const Sources& s) {
  json rows = json::array();
  const engine::Statistics counted = counted_by_all(s);
  for (std::size_t i = 0; i < net::kDropReasonCount; ++i) {
    const engine::DropCount& drop = counted.drops[i];
    json row{
        {"reason", net::kDropReasons[i].name}, {"count", drop.packets}, {"sentence", net::kDropReasons[i].sentence}};
    if (drop.last) {
      row["last"] = {{"flow", drop.last->flow.to_string()}, {"protocol", drop.last->protocol}};
      if (drop.last->spi) row["last"]["spi"] = drop.last->spi->value;
    }
    rows.push_back(std::move(row));
  }
  return {{"ok", true}, {"drops", std::move(rows)}};
}

json describe_variable(const Variable& v, engine::Settings& settings) {
  return {{"name", v.name},       {"type", "int"},          {"value", v.in(settings)}, {"minimum", v.minimum},
          {"maximum", v.maximum}, {"writable", v.writable}, {"meaning", v.meaning}};
}

json node_counters(const Node& node, const Sources& s) {
  json counters = json::array();
  if (node.kind == Node::Kind::PfkeyCounters) {
    for (const json& line : embedded(s.pfkey_counters).value("lines", json::array())) {
      counters.push_back({{"name", text_of(line, "name")}, {"value", line.value("value", std::uint64_t{0})}});
    }
  }
  for (const StatLine& line : counters_of(node, counted_by_all(s))) {
    counters.push_back({{"name", line.name}, {"value", line.value}});
  }
  return counters;
}

/// A list shows what a node is; who asks for it by name gets what it holds, as far as this layer knows it.
json describe_node(const Node& node, const Sources& s, bool whole) {
  const bool messages = node.kind == Node::Kind::Sas || node.kind == Node::Kind::Policies;
  json row{{"name", node.name},
           {"type", messages ? "messages" : "counters"},
           {"writable", false},
           {"meaning", node.meaning}};
  if (messages) {
    row["size"] = node.kind == Node::Kind::Sas ? s.sad.size() : s.spd.size();
    return row;
  }
  json counters = node_counters(node, s);
  row["size"] = counters.size();
  if (whole) row["counters"] = std::move(counters);
  return row;
}

json write_failure(WriteError error, const std::string& name) {
  switch (error) {
    case WriteError::NoSuchName:
      return failure(ENOENT, name + ": no such variable");
    case WriteError::ReadOnly:
      return failure(EPERM, name + ": read-only");
    case WriteError::Busy:
      return failure(EBUSY, name + ": cannot be 0 while policies are installed (setkey -FP first)");
    case WriteError::OutOfRange:
      break;
  }
  const Variable* v = find_variable(name);
  return failure(EINVAL, name + ": the value must be between " + std::to_string(v->minimum) + " and " +
                             std::to_string(v->maximum));
}

json write(const Sources& s, const std::string& name, const json& value) {
  if (find_node(name) != nullptr) return write_failure(WriteError::ReadOnly, name);
  if (!value.is_number_integer()) return failure(EINVAL, name + ": the value must be a whole number");
  if (const auto error = write_variable(s.settings, name, value.get<std::int64_t>(), s.spd.size())) {
    return write_failure(*error, name);
  }
  if (s.settings_changed) s.settings_changed(name);
  return {{"ok", true}, {"variables", json::array({describe_variable(*find_variable(name), s.settings)})}};
}

/// True of the node itself, of what lies in its subtree, and of everything for "".
bool is_below(std::string_view tree, std::string_view name) {
  return tree.empty() || (name.starts_with(tree) && (name.size() == tree.size() || name[tree.size()] == '.'));
}

/// {"cmd":"sysctl"} lists all, with "name" one or a subtree, with "value" it writes.
json sysctl(const Sources& s, const json& request, bool privileged) {
  const std::string name = text_of(request, "name");
  if (const auto value = request.find("value"); value != request.end()) {
    if (!privileged) return failure(EPERM, "writing a variable needs root or CAP_NET_ADMIN");
    return write(s, name, *value);
  }
  json rows = json::array();
  if (const Node* node = find_node(name)) {
    rows.push_back(describe_node(*node, s, true));
    return {{"ok", true}, {"variables", std::move(rows)}};
  }
  for (const Variable& v : variables()) {
    if (is_below(name, v.name)) rows.push_back(describe_variable(v, s.settings));
  }
  for (const Node& node : nodes()) {
    if (is_below(name, node.name)) rows.push_back(describe_node(node, s, false));
  }
  if (rows.empty()) return failure(ENOENT, name + ": no such variable");
  return {{"ok", true}, {"variables", std::move(rows)}};
}

json tunnel(const Sources& s, const json& request, bool privileged) {
  std::vector<std::string> words;
  for (const json& word : request.value("words", json::array())) {
    if (word.is_string()) words.push_back(word.get<std::string>());
  }
  if (!s.tunnels) return failure(EOPNOTSUPP, "there are no tunnels without a host");
  const bool changes = words.empty() || words.front() != "list";
  if (changes && !privileged) return failure(EPERM, "changing tunnels needs root or CAP_NET_ADMIN");
  return embedded([&] { return s.tunnels(words); });
}

json answer(const Sources& s, std::string_view text, bool privileged) {
  const auto request = parse_object(text);
  if (!request) return failure(EINVAL, "the request is not a JSON object");
  const std::string cmd = text_of(*request, "cmd");
  if (cmd == "status") return status(s);
  if (cmd == "sockets") return {{"ok", true}, {"slots", embedded(s.sockets)}};
  if (cmd == "stats") return stats(s);
  if (cmd == "drops") return drops(s);
  if (cmd == "sysctl") return sysctl(s, *request, privileged);
  if (cmd == "tunnel") return tunnel(s, *request, privileged);
  if (cmd == "reset") {
    if (!privileged) return failure(EPERM, "resetting the counters needs root or CAP_NET_ADMIN");
    for (engine::Engine* const engine : s.engines) engine->reset_statistics();
    return {{"ok", true}};
  }
  return failure(EINVAL, "unknown command '" + cmd + "'");
}

}  // namespace

std::string Control::handle(std::string_view request, bool privileged) {
  return answer(sources_, request, privileged).dump(-1, ' ', false, json::error_handler_t::replace);
}

bool Control::wants_trace(std::string_view request) {
  const auto object = parse_object(request);
  return object && text_of(*object, "cmd") == "trace";
}

bool Control::wants_tap(std::string_view request) {
  const auto object = parse_object(request);
  return object && text_of(*object, "cmd") == "tap";
}

}  // namespace testudo::observe
