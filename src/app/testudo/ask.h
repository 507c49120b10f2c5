#pragma once
// One request to testudod and its reply, over the control socket (observe/control.h); for the commands of testudo(8).
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "app/testudo/commands.h"

namespace testudo::app {

/// On failure says why on stderr and sets `status`.
std::optional<nlohmann::json> ask(const CommonOptions& common, const nlohmann::json& request, int& status);

}  // namespace testudo::app
