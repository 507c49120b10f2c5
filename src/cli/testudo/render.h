#pragma once
// What `testudo` prints: the daemon's JSON replies as text for people.  Pure; --json prints the reply itself instead.
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace testudo::cli {

struct RenderOptions {
  bool nonzero_only = false;  ///< as netstat -ss
  bool colour = false;        ///< only on a terminal
};

std::string render_status(const nlohmann::json& reply);
/// The layout of NetBSD's netstat -s: one block for ipsec with nested headings, then pfkey.
std::string render_stats(const nlohmann::json& reply, const RenderOptions& options);
/// One block a reason: count, name, sentence, the last packet.
std::string render_drops(const nlohmann::json& reply, const RenderOptions& options);
/// `name = value` lines, as sysctl(8) prints them; with `verbose` the range and the meaning too.  Nodes that are no
/// numbers get one line that says what they hold, and one for each counter when they were asked for by name.
std::string render_variables(const nlohmann::json& reply, bool verbose);
/// A tunnel interface's ends, what went through it, and the policies that the system made for it.
std::string render_tunnels(const nlohmann::json& reply);
/// One step of a packet's way.
std::string render_trace(const nlohmann::json& step, const RenderOptions& options);

}  // namespace testudo::cli
