#include "cli/testudo/render.h"

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

namespace testudo::cli {
namespace {

using nlohmann::json;

constexpr const char* kRed = "\033[31m";
constexpr const char* kPlain = "\033[0m";

std::string painted(const std::string& text, const char* colour, const RenderOptions& options) {
  return options.colour ? colour + text + kPlain : text;
}

std::uint64_t number(const json& object, const char* member) {
  return object.value(member, std::uint64_t{0});
}

/// netstat's first line of the ipsec block, printed only when there is something to say.
std::string violations(const json& lines) {
  std::uint64_t in = 0;
  std::uint64_t out = 0;
  for (const json& l : lines) {
    if (l.value("name", "") == "in_polvio") in = number(l, "value");
    if (l.value("name", "") == "out_polvio") out = number(l, "value");
  }
  if (in + out == 0) return {};
  return fmt::format("\t{} policy violations: {} input {} output\n", in + out, in, out);
}

bool is_violation(const std::string& name) {
  return name == "in_polvio" || name == "out_polvio";
}

/// A heading stands in front of each run of histogram lines; netstat's protocols have it without any, too.
struct Histogram {
  std::string heading;
  bool always = false;
};

/// Whatever the lines around them, a histogram's heading has one tab in front and its lines have two.
std::string stat_lines(const json& lines, const std::string& indent, const Histogram& histogram,
                       const RenderOptions& options) {
  std::string text;
  bool inside = false, headed = false;
  for (const json& l : lines) {
    const std::uint64_t value = number(l, "value");
    const std::string name = l.value("name", ""), words = l.value("words", "");
    const bool was_inside = std::exchange(inside, l.value("histogram", false));
    const bool passed_by = histogram.always && !headed && name == "ibytes";
    if ((inside && !was_inside) || passed_by) {
      text += fmt::format("\t{}:\n", histogram.heading);
      headed = true;
    }
    if (is_violation(name) || (options.nonzero_only && value == 0)) continue;
    text += inside ? fmt::format("\t\t{}: {}\n", words, value) : fmt::format("{}{} {}\n", indent, value, words);
  }
  return text;
}

std::string last_packet(const json& drop) {
  const auto last = drop.find("last");
  if (last == drop.end()) return {};
  std::string text = fmt::format("        last: {}", last->value("flow", ""));
  if (last->contains("spi")) {
    const auto spi = last->value("spi", std::uint32_t{0});
    text += fmt::format(" spi={}(0x{:08x})", spi, spi);
  }
  return text + "\n";
}

/// Of one alone the sums say as much.
std::string worker_lines(const json& workers) {
  std::string text;
  for (std::size_t i = 0; workers.size() > 1 && i < workers.size(); ++i) {
    const json& worker = workers[i];
    text += fmt::format("{:<12} {} ({}): {} from host, {} from wire\n", "worker", i, worker.value("thread", ""),
                        number(worker, "from_host"), number(worker, "from_wire"));
  }
  return text;
}

std::string host_lines(const json& host) {
  std::string text;
  for (const auto& [key, value] : host.items()) {
    if (key == "warnings" || key == "workers") continue;
    text += fmt::format("{:<12} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  text += worker_lines(host.value("workers", json::array()));
  if (const auto warnings = host.find("warnings"); warnings != host.end() && warnings->is_array()) {
    for (const json& w : *warnings)
      text += fmt::format("{:<12} {}\n", "warning", w.is_string() ? w.get<std::string>() : w.dump());
  }
  return text;
}

/// What is no number: how much it holds, or all of it when it was asked for by name.
std::string node_lines(const json& node) {
  const std::string name = node.value("name", ""), type = node.value("type", "");
  const auto counters = node.find("counters");
  if (counters == node.end()) return fmt::format("{}: {} {}\n", name, number(node, "size"), type);
  std::string text = name + ":\n";
  for (const json& c : *counters) text += fmt::format("\t{}: {}\n", c.value("name", ""), number(c, "value"));
  return text;
}

}  // namespace

std::string render_status(const json& reply) {
  const json none = json::object();
  const json& sad = reply.contains("sad") ? reply.at("sad") : none;
  const json& states = sad.contains("states") ? sad.at("states") : none;
  const json& spd = reply.contains("spd") ? reply.at("spd") : none;
  const json& packets = reply.contains("packets") ? reply.at("packets") : none;
  std::string text = host_lines(reply.contains("host") ? reply.at("host") : none);
  text += fmt::format("{:<12} {} ({} mature, {} dying, {} larval)\n", "SAs", number(sad, "total"),
                      number(states, "mature"), number(states, "dying"), number(states, "larval"));
  text += fmt::format("{:<12} {} in, {} out\n", "policies", number(spd, "in"), number(spd, "out"));
  text += fmt::format("{:<12} {} from host, {} from wire, {} to wire, {} to host, {} dropped\n", "packets",
                      number(packets, "from_host"), number(packets, "from_wire"), number(packets, "to_wire"),
                      number(packets, "to_host"), number(packets, "dropped"));
  const json& acquires = reply.contains("acquires") ? reply.at("acquires") : none;
  if (const auto forgotten = number(acquires, "forgotten"); forgotten != 0) {
    text += fmt::format("{:<12} {} of {} forgotten: more waited for the key daemon than there is room for\n",
                        "acquires", forgotten, number(acquires, "announced"));
  }
  return text;
}

std::string render_stats(const json& reply, const RenderOptions& options) {
  std::string text;
  for (const json& section : reply.value("sections", json::array())) {
    const std::string name = section.value("section", "");
    const json lines = section.value("lines", json::array());
    const bool outer = name == "ipsec";
    text += outer ? name + ":\n" + violations(lines) : "\t" + name + ":\n";
    const Histogram histogram{name + " histogram", name == "ah" || name == "esp" || name == "ipcomp"};
    text += stat_lines(lines, outer ? "\t" : "\t\t", histogram, options);
  }
  const json pfkey = reply.value("pfkey", json::object());
  if (pfkey.contains("lines"))
    text += "pfkey:\n" + stat_lines(pfkey.at("lines"), "\t", {"histogram by message type", false}, options);
  return text;
}

std::string render_drops(const json& reply, const RenderOptions& options) {
  std::string text;
  std::uint64_t total = 0;
  for (const json& drop : reply.value("drops", json::array())) {
    const std::uint64_t count = number(drop, "count");
    total += count;
    if (count == 0 && options.nonzero_only) continue;
    const std::string reason = drop.value("reason", "");
    text += fmt::format("{:>10}  {}\n        {}\n", count, count > 0 ? painted(reason, kRed, options) : reason,
                        drop.value("sentence", ""));
    text += last_packet(drop);
  }
  return text + fmt::format("{:>10}  packets dropped in all\n", total);
}

std::string render_variables(const json& reply, bool verbose) {
  std::string text;
  for (const json& v : reply.value("variables", json::array())) {
    const bool is_number = v.value("type", "int") == "int";
    text += is_number ? fmt::format("{} = {}\n", v.value("name", ""), v.value("value", 0)) : node_lines(v);
    if (!verbose) continue;
    const std::string form =
        is_number ? fmt::format("{} to {}", v.value("minimum", 0), v.value("maximum", 0)) : v.value("type", "");
    text +=
        fmt::format("\t{}{}\n\t{}\n", v.value("writable", false) ? "" : "read-only; ", form, v.value("meaning", ""));
  }
  return text;
}

std::string render_tunnels(const json& reply) {
  std::string text;
  for (const json& t : reply.value("tunnels", json::array())) {
    const json in = t.value("in", json::object()), out = t.value("out", json::object());
    text += fmt::format("{}: {} --> {}", t.value("name", ""), t.value("local", ""), t.value("remote", ""));
    if (const auto nat = t.find("nat_t"); nat != t.end())
      text += fmt::format(" nat-t {},{}", number(*nat, "local"), number(*nat, "remote"));
    if (t.value("unnumbered", false)) text += " unnumbered";
    text += fmt::format("\n\tin {} packets {} bytes, out {} packets {} bytes\n", number(in, "packets"),
                        number(in, "bytes"), number(out, "packets"), number(out, "bytes"));
    for (const json& p : t.value("policies", json::array())) {
      text += fmt::format("\t{} {} reqid {} policy {}\n", p.value("direction", ""), p.value("inside", ""),
                          number(p, "reqid"), number(p, "id"));
    }
  }
  return text;
}

std::string render_trace(const json& step, const RenderOptions& options) {
  std::string text =
      fmt::format("#{} {:<3} {:<9}", number(step, "packet"), step.value("direction", ""), step.value("step", ""));
  if (step.contains("policy")) text += fmt::format(" policy={}", number(step, "policy"));
  if (step.contains("protocol")) text += " " + step.value("protocol", "");
  if (step.contains("spi")) {
    text += fmt::format(" spi=0x{:08x} seq={}", number(step, "spi"), number(step, "sequence"));
  }
  text += fmt::format(" {} length={}", step.value("flow", ""), number(step, "length"));
  if (step.contains("reason")) {
    text += " " + painted(step.value("reason", ""), kRed, options) + ": " + step.value("sentence", "");
  }
  return text + "\n";
}

}  // namespace testudo::cli
