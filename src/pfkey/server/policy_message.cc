#include "pfkey/server/policy_message.h"

#include "net/protocol.h"

namespace testudo::pfkey::server {
namespace {

using wire::pfkey::Message;
using wire::pfkey::PolicyExt;
using wire::pfkey::RequestExt;

/// Each request is one more header around the packet; nobody nests deeper, and the engine must not have to.
constexpr std::size_t kMaxRequests = 16;

/// The SPD takes these three; ENTRUST and BYPASS are words for sockets.
Result<spd::Action, Errno> action_of(wire::pfkey::PolicyType type) {
  switch (type) {
    case wire::pfkey::PolicyType::Discard:
      return spd::Action::Discard;
    case wire::pfkey::PolicyType::None:
      return spd::Action::None;
    case wire::pfkey::PolicyType::Ipsec:
      return spd::Action::Ipsec;
    case wire::pfkey::PolicyType::Entrust:
    case wire::pfkey::PolicyType::Bypass:
      return Failure{Errno::Invalid};
  }
  return Failure{Errno::Invalid};
}

Result<spd::Action, Errno> socket_action_of(wire::pfkey::PolicyType type) {
  switch (type) {
    case wire::pfkey::PolicyType::Ipsec:
      return spd::Action::Ipsec;
    case wire::pfkey::PolicyType::Entrust:
      return spd::Action::Entrust;
    case wire::pfkey::PolicyType::Bypass:
      return spd::Action::Bypass;
    case wire::pfkey::PolicyType::Discard:
    case wire::pfkey::PolicyType::None:
      return Failure{Errno::Invalid};
  }
  return Failure{Errno::Invalid};
}

wire::pfkey::PolicyType type_word(spd::Action action) {
  switch (action) {
    case spd::Action::Discard:
      return wire::pfkey::PolicyType::Discard;
    case spd::Action::None:
      return wire::pfkey::PolicyType::None;
    case spd::Action::Ipsec:
      return wire::pfkey::PolicyType::Ipsec;
    case spd::Action::Entrust:
      return wire::pfkey::PolicyType::Entrust;
    case spd::Action::Bypass:
      return wire::pfkey::PolicyType::Bypass;
  }
  return wire::pfkey::PolicyType::Discard;
}

Result<spd::RequestProtocol, Errno> protocol_of(std::uint16_t number) {
  switch (number) {
    case net::protocol::kAh:
      return spd::RequestProtocol::Ah;
    case net::protocol::kEsp:
      return spd::RequestProtocol::Esp;
    case net::protocol::kIpcomp:
      return spd::RequestProtocol::Ipcomp;
    default:
      return Failure{Errno::ProtocolNotSupported};
  }
}

std::uint16_t protocol_word(spd::RequestProtocol protocol) {
  switch (protocol) {
    case spd::RequestProtocol::Ah:
      return net::protocol::kAh;
    case spd::RequestProtocol::Esp:
      return net::protocol::kEsp;
    case spd::RequestProtocol::Ipcomp:
      return net::protocol::kIpcomp;
  }
  return 0;
}

Result<spd::RequestMode, Errno> mode_of(wire::pfkey::Mode mode) {
  if (mode == wire::pfkey::Mode::Transport) return spd::RequestMode::Transport;
  if (mode == wire::pfkey::Mode::Tunnel) return spd::RequestMode::Tunnel;
  return Failure{Errno::Invalid};
}

Result<spd::Level, Errno> level_of(wire::pfkey::Level level) {
  switch (level) {
    case wire::pfkey::Level::Default:
      return spd::Level::Default;
    case wire::pfkey::Level::Use:
      return spd::Level::Use;
    case wire::pfkey::Level::Require:
      return spd::Level::Require;
    case wire::pfkey::Level::Unique:
      return spd::Level::Unique;
  }
  return Failure{Errno::Invalid};
}

wire::pfkey::Level level_word(spd::Level level) {
  switch (level) {
    case spd::Level::Default:
      return wire::pfkey::Level::Default;
    case spd::Level::Use:
      return wire::pfkey::Level::Use;
    case spd::Level::Require:
      return wire::pfkey::Level::Require;
    case spd::Level::Unique:
      return wire::pfkey::Level::Unique;
  }
  return wire::pfkey::Level::Default;
}

Result<spd::Request, Errno> request_of(const RequestExt& ext) {
  spd::Request request;
  TRY(request.protocol, protocol_of(ext.protocol));
  TRY(request.mode, mode_of(ext.mode));
  TRY(request.level, level_of(ext.level));
  request.reqid = ext.reqid;
  request.source = ext.source;
  request.destination = ext.destination;
  // A tunnel without ends leads nowhere.
  if (request.mode == spd::RequestMode::Tunnel && !request.source) return Failure{Errno::Invalid};
  return request;
}

RequestExt request_ext(const spd::Request& request) {
  RequestExt ext;
  ext.protocol = protocol_word(request.protocol);
  const bool tunnel = request.mode == spd::RequestMode::Tunnel;
  ext.mode = tunnel ? wire::pfkey::Mode::Tunnel : wire::pfkey::Mode::Transport;
  ext.level = level_word(request.level);
  ext.reqid = request.reqid;
  ext.source = request.source;
  ext.destination = request.destination;
  return ext;
}

Result<std::vector<spd::Request>, Errno> requests_of(const PolicyExt& policy, Requests needed) {
  std::vector<spd::Request> requests;
  if (policy.type != wire::pfkey::PolicyType::Ipsec) return requests;
  const bool lacking = policy.requests.empty() && needed == Requests::Needed;
  if (lacking || policy.requests.size() > kMaxRequests) return Failure{Errno::Invalid};
  for (const RequestExt& ext : policy.requests) {
    TRY(const auto request, request_of(ext));
    requests.push_back(request);
  }
  return requests;
}

/// Both: a tunnel between such addresses carries others, and its policy names those.
bool is_between_link_local(const net::Selector& selector) {
  constexpr unsigned kLength = 10;  // of fe80::/10
  const auto is = [](const net::Prefix& each) {
    return !each.address.is_v4() && each.address.is_link_local() && each.length >= kLength;
  };
  return is(selector.source) && is(selector.destination);
}

wire::pfkey::AddressExt address_ext(const net::Prefix& prefix, std::uint16_t port, std::uint8_t protocol) {
  return {{prefix.address, port}, protocol, static_cast<std::uint8_t>(prefix.length)};
}

}  // namespace

Result<spd::Direction, Errno> direction_of(wire::pfkey::Direction word) {
  if (word == wire::pfkey::Direction::In) return spd::Direction::In;
  if (word == wire::pfkey::Direction::Out) return spd::Direction::Out;
  return Failure{Errno::Invalid};
}

Result<spd::Direction, Errno> direction_of(const PolicyExt& policy) {
  if (policy.direction == wire::pfkey::Direction::Fwd) return spd::Direction::In;
  return direction_of(policy.direction);
}

Result<net::Selector, Errno> selector_of(const Message& message) {
  if (!message.source || !message.destination) return Failure{Errno::Invalid};
  return net::Selector{message.source->prefix(), message.destination->prefix(), message.source->protocol,
                       message.source->endpoint.port, message.destination->endpoint.port};
}

Result<spd::Policy, Errno> policy_of(const Message& message, Requests requests, Time now) {
  if (!message.policy) return Failure{Errno::Invalid};
  spd::Policy policy;
  TRY(policy.selector, selector_of(message));
  TRY(policy.direction, direction_of(*message.policy));
  TRY(policy.action, action_of(message.policy->type));
  if (policy.action == spd::Action::Ipsec && is_between_link_local(policy.selector))
    return Failure{Errno::NotSupported};
  TRY(policy.requests, requests_of(*message.policy, requests));
  policy.priority = message.policy->priority;
  if (message.hard) {
    policy.lifetime = message.hard->addtime;
    policy.validtime = message.hard->usetime;
  }
  policy.created = now;
  policy.last_used = now;
  return policy;
}

Result<spd::Policy, Errno> socket_policy_of(const PolicyExt& ext, Time now) {
  spd::Policy policy;
  TRY(policy.direction, direction_of(ext.direction));
  TRY(policy.action, socket_action_of(ext.type));
  TRY(policy.requests, requests_of(ext, Requests::Needed));
  policy.created = policy.last_used = now;
  return policy;
}

PolicyExt policy_ext(const spd::Policy& policy) {
  PolicyExt ext;
  ext.type = type_word(policy.action);
  ext.direction = policy.direction == spd::Direction::In ? wire::pfkey::Direction::In : wire::pfkey::Direction::Out;
  ext.flags = policy.made_by_system ? wire::pfkey::kPolicyFlagKernel : std::uint8_t{0};
  ext.id = policy.id;
  ext.priority = policy.priority;
  for (const spd::Request& request : policy.requests) ext.requests.push_back(request_ext(request));
  return ext;
}

void describe_policy(const spd::Policy& policy, Message& into) {
  const net::Selector& s = policy.selector;
  into.source = address_ext(s.source, s.source_port, s.protocol);
  into.destination = address_ext(s.destination, s.destination_port, s.protocol);
  into.policy = policy_ext(policy);
}

}  // namespace testudo::pfkey::server
