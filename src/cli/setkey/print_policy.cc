#include "cli/setkey/print_policy.h"

#include <fmt/format.h>

#include "net/protocol.h"
#include "pfkey/policy/policy_text.h"

namespace testudo::cli {
namespace {

using wire::pfkey::AddressExt;
using wire::pfkey::Message;

/// True when the port fields hold something else than ports.
bool has_no_ports(std::uint8_t protocol) {
  return net::has_type_and_code(protocol) || protocol == net::protocol::kGre;
}

std::string end_text(const AddressExt& end, std::uint8_t protocol) {
  std::string text = end.endpoint.address.to_string();
  if (end.prefix_length != end.endpoint.address.width()) text += fmt::format("/{}", end.prefix_length);
  if (has_no_ports(protocol)) return text + " ";
  return text + (end.endpoint.port == 0 ? "[any] " : fmt::format("[{}] ", end.endpoint.port));
}

std::string upper_text(std::uint8_t protocol, std::uint16_t source_port, std::uint16_t destination_port) {
  const auto name = net::protocol_name(protocol);
  std::string text = name ? fmt::format("{}({})", protocol, *name) : std::to_string(protocol);
  if (source_port == 0 && destination_port == 0) return text;
  if (net::has_type_and_code(protocol)) text += fmt::format(" {},{}", source_port, destination_port);
  if (protocol == net::protocol::kGre) {
    text += fmt::format(" {}", (std::uint32_t{source_port} << 16) + destination_port);
  }
  return text;
}

std::string selector_text(const Message& message) {
  if (!message.source || !message.destination) return "(no selector, probably per-socket policy) ";
  const std::uint8_t protocol = message.source->protocol;
  return end_text(*message.source, protocol) + end_text(*message.destination, protocol) +
         upper_text(protocol, message.source->endpoint.port, message.destination->endpoint.port);
}

}  // namespace

std::string print_policy(const Message& message, const PrintOptions& options) {
  const bool contradicts =
      message.source && message.destination && message.source->protocol != message.destination->protocol;
  if (contradicts) {
    const std::uint8_t protocol = message.source->protocol;
    return end_text(*message.source, protocol) + end_text(*message.destination, protocol) +
           "upper layer protocol mismatched.\n";
  }
  std::string text = selector_text(message);
  if (!message.policy) return text + "no X_POLICY extension.\n";

  const auto policy = pfkey::print_policy_text(*message.policy, "\n\t",
                                               options.ports ? pfkey::PolicyPorts::Shown : pfkey::PolicyPorts::Hidden);
  text += policy ? fmt::format("\n\t{}\n", *policy)
                 : fmt::format("\n\tPolicy:[{}]\n", pfkey::ipsec_error_text(policy.error()));
  if (message.current) {
    text += fmt::format("\tcreated: {}  lastused: {}\n", date_text(message.current->addtime),
                        date_text(message.current->usetime));
  }
  if (message.hard) {
    text += fmt::format("\tlifetime: {}(s) validtime: {}(s)\n", message.hard->addtime, message.hard->usetime);
  }
  text += fmt::format("\tspid={} seq={} pid={}\n\trefcnt={}\n", message.policy->id.value, message.sequence, message.pid,
                      message.reserved);
  return text;
}

}  // namespace testudo::cli
