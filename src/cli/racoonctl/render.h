#pragma once
// What racoonctl prints: racoon's JSON replies in the columns and words of racoonctl(8).  Pure; dates are in the local
// zone.
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace testudo::cli {

/// `details`: how often -l was given.
std::string render_phase1_sas(const nlohmann::json& reply, int details);
/// That it stands, the address that mode-config brought, and its banner.
std::string render_connected(const nlohmann::json& reply);
std::string render_schedule(const nlohmann::json& reply);
/// "TEXT : src[port] -> dst[port]"
std::string render_event(const nlohmann::json& event, int details);
/// One block each: what failed with whom, both sides' wishes, the nearest, and what to change.
std::string render_explanations(const nlohmann::json& reply);

}  // namespace testudo::cli
