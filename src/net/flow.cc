#include "net/flow.h"

#include <functional>

namespace testudo::net {

std::string Flow::to_string() const {
  const auto name = protocol_name(protocol);
  std::string text = source.to_string();
  const bool ports = source_port != 0 || destination_port != 0;
  if (ports) text += "[" + std::to_string(source_port) + "]";
  text += " > " + destination.to_string();
  if (ports) text += "[" + std::to_string(destination_port) + "]";
  if (protocol == protocol::kAny) return text + " any";
  return text + " " + (name ? std::string{*name} : std::to_string(protocol));
}

bool Selector::matches(const Flow& flow) const {
  return (protocol == protocol::kAny || protocol == flow.protocol) &&
         (source_port == 0 || source_port == flow.source_port) &&
         (destination_port == 0 || destination_port == flow.destination_port) && source.contains(flow.source) &&
         destination.contains(flow.destination);
}

}  // namespace testudo::net

std::size_t std::hash<testudo::net::Flow>::operator()(const testudo::net::Flow& f) const noexcept {
  const std::hash<testudo::net::Address> address;
  std::size_t h = address(f.source) * 31 + address(f.destination);
  h = h * 0x9e3779b97f4a7c15U + (std::size_t{f.protocol} << 32 | std::size_t{f.source_port} << 16 | f.destination_port);
  return h ^ (h >> 31);
}
