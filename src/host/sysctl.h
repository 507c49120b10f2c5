#pragma once
// Variables of the host's own network stack, below /proc/sys/net.
#include <optional>
#include <string>

namespace testudo::host {

/// "ipv4/conf/all/rp_filter" → its text without the line end; nothing when it cannot be read.
std::optional<std::string> read_sysctl(const std::string& name);
bool write_sysctl(const std::string& name, const std::string& value);

/// What the engine's device needs: see the .cc for each reason.
void set_up_device(const std::string& device);
/// What a tunnel interface needs: it says nothing of its own accord, for whatever is sent into it has to be protected.
void set_up_tunnel(const std::string& device);

}  // namespace testudo::host
