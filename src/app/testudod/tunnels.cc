#include "app/testudod/tunnels.h"

#include <net/if.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/sysctl.h"
#include "io/clock.h"
#include "net/protocol.h"

namespace testudo::app {
namespace {

using nlohmann::json;
using wire::packet::IpView;

constexpr std::size_t kMtu = 1280;          // as ipsecif(4)'s
constexpr std::size_t kLongestAlias = 200;  // the kernel takes 255

std::string sentence(const io::SystemError& error) {
  return error.to_string();
}

/// Of several daemons in one network namespace each has a directory of its own.
std::string alias_for(const std::string& run_dir) {
  std::error_code error;
  const std::string whole = std::filesystem::weakly_canonical(run_dir, error).string();
  const std::string& name = error ? run_dir : whole;
  return "testudo tunnel of " + name.substr(name.size() - std::min(name.size(), kLongestAlias));
}

using NamedDevice = struct if_nameindex;  // which is a function's name, too

struct FreeNames {
  void operator()(NamedDevice* names) const { ::if_freenameindex(names); }
};

bool have_same_ends(const host::TunnelSpec& a, const host::TunnelSpec& b) {
  return a.local == b.local && a.remote == b.remote;
}

/// The policies of ipsecif(4): between the tunnel's ends, for IPv4 or IPv6 inside.  Several tunnels of ESP in UDP may
/// share them, so they name no ports.
spd::Policy policy_of(const host::TunnelSpec& spec, spd::Direction direction, std::uint8_t inside) {
  const bool out = direction == spd::Direction::Out;
  const net::Address& source = out ? spec.local : spec.remote;
  const net::Address& destination = out ? spec.remote : spec.local;
  spd::Policy policy;
  policy.direction = direction;
  policy.action = spd::Action::Ipsec;
  policy.selector = {{source, source.width()}, {destination, destination.width()}, inside, 0, 0};
  policy.made_by_system = true;
  policy.created = io::now();
  spd::Request request;
  request.level = spec.nat ? spd::Level::Require : spd::Level::Unique;
  policy.requests.push_back(request);
  return policy;
}

ReqId reqid_of(const host::TunnelSpec& spec, std::uint8_t inside, const engine::TunnelSettings& settings) {
  if (spec.reqid != 0 || settings.use_fixed_reqid == 0) return ReqId{spec.reqid};
  const auto base = static_cast<std::uint32_t>(settings.reqid_base),
             last = static_cast<std::uint32_t>(settings.reqid_last);
  const std::uint32_t fixed = base + 2 * host::unit_of(spec.name) + (inside == net::protocol::kIpv6 ? 1 : 0);
  return ReqId{fixed <= last ? fixed : 0};
}

json describe(const TunnelPort& port, const spd::Database& spd) {
  const host::TunnelSpec& spec = port.spec();
  json policies = json::array();
  for (const PolicyId id : port.policies) {
    const spd::Policy* policy = spd.find(id);
    if (policy == nullptr) continue;
    policies.push_back({{"id", id.value},
                        {"direction", policy->direction == spd::Direction::In ? "in" : "out"},
                        {"inside", policy->selector.protocol == net::protocol::kIpv4 ? "ipv4" : "ipv6"},
                        {"reqid", policy->requests.front().reqid.value}});
  }
  json row{{"name", spec.name},
           {"local", spec.local.to_string()},
           {"remote", spec.remote.to_string()},
           {"unnumbered", spec.unnumbered},
           {"policies", std::move(policies)},
           {"in", {{"packets", port.in().packets}, {"bytes", port.in().bytes}}},
           {"out", {{"packets", port.out().packets}, {"bytes", port.out().bytes}}}};
  if (spec.nat) row["nat_t"] = {{"local", spec.nat->local}, {"remote", spec.nat->remote}};
  return row;
}

}  // namespace

Tunnels::Tunnels(Parts parts) : parts_(std::move(parts)), alias_(alias_for(parts_.run_dir)) {}

Tunnels::~Tunnels() {
  for (const auto& port : ports_) take_away(*port);
}

void Tunnels::take_leftovers() {
  const std::unique_ptr<NamedDevice, FreeNames> all{::if_nameindex()};
  for (const NamedDevice* device = all.get(); device != nullptr && device->if_index != 0; ++device) {
    if (parts_.netlink.alias_of(device->if_index) != alias_) continue;
    // One that is in use does not open a second time.
    if (const auto tun = io::Tun::open(device->if_name, false)) static_cast<void>(tun->set_persistent(false));
  }
}

Status<std::string> Tunnels::add(const host::TunnelSpec& spec) {
  TRY_DONE(clash_of(spec));
  const bool inherited = ::if_nametoindex(spec.name.c_str()) != 0;
  TRY(auto port, make_device(spec));
  if (auto made = make_policies(*port); !made) {
    take_policies(*port);
    // What is routed into one that a killed daemon left goes nowhere, still.
    if (!inherited) static_cast<void>(port->tun().set_persistent(false));
    return made;
  }
  TunnelPort& kept = *ports_.emplace_back(std::move(port));
  kept.watch = parts_.loop.watch(kept.tun().fd(), [this, &kept] { parts_.readable(kept); });
  return Done{};
}

Status<std::string> Tunnels::remove(const std::string& name) {
  const auto found = std::ranges::find_if(ports_, [&](const auto& port) { return port->spec().name == name; });
  if (found == ports_.end()) return Failure{"there is no tunnel " + name};
  take_away(**found);
  ports_.erase(found);
  return Done{};
}

Status<std::string> Tunnels::clash_of(const host::TunnelSpec& spec) const {
  for (const auto& port : ports_) {
    const host::TunnelSpec& other = port->spec();
    if (other.name == spec.name) return Failure{"there is a tunnel " + spec.name + " already"};
    if (have_same_ends(other, spec) && !(spec.nat && other.nat && spec.nat != other.nat))
      return Failure{
          other.name + " has these two ends already" +
          (spec.nat && other.nat ? ", and these ports" : "; only with nat-t and other ports may two share them")};
  }
  const auto port = spec.nat ? spec.nat->local : std::uint16_t{0};
  if (port != 0 && std::ranges::find(parts_.encapsulation_ports, port) == parts_.encapsulation_ports.end())
    return Failure{"nat-t: " + std::to_string(port) + " is not among the encapsulation_ports of testudo.conf"};
  return Done{};
}

/// One that a killed daemon left is taken over, with its routes; another's is not.
Result<std::unique_ptr<TunnelPort>, std::string> Tunnels::make_device(const host::TunnelSpec& spec) {
  const unsigned there = ::if_nametoindex(spec.name.c_str());
  if (there != 0 && parts_.netlink.alias_of(there) != alias_)
    return Failure{"there is a device " + spec.name + " already, and it is not ours"};
  auto tun = io::Tun::open(spec.name, false);
  if (!tun) return Failure{sentence(tun.error())};
  auto port = std::make_unique<TunnelPort>(spec, *std::move(tun));
  const io::Tun& device = port->tun();
  const auto set_up = [&]() -> Status<io::SystemError> {
    TRY_DONE(parts_.netlink.set_alias(device.index(), alias_));
    if (there == 0) TRY_DONE(device.set_mtu(kMtu));
    host::set_up_tunnel(spec.name);
    TRY_DONE(device.bring_up());
    if (spec.unnumbered) TRY_DONE(parts_.netlink.add_dummy_address(device.index()));
    return device.set_persistent(true);
  };
  if (const auto done = set_up(); !done) return Failure{sentence(done.error())};
  return port;
}

/// In the order of ipsecif(4).
Status<std::string> Tunnels::make_policies(TunnelPort& port) {
  const auto same =
      std::ranges::find_if(ports_, [&](const auto& other) { return have_same_ends(other->spec(), port.spec()); });
  if (same != ports_.end()) {
    port.policies = (*same)->policies;
    give_own_policies(port);
    return Done{};
  }
  for (const std::uint8_t inside : {net::protocol::kIpv4, net::protocol::kIpv6}) {
    for (const spd::Direction direction : {spd::Direction::In, spd::Direction::Out}) {
      spd::Policy policy = policy_of(port.spec(), direction, inside);
      policy.requests.front().reqid = reqid_of(port.spec(), inside, parts_.settings.tunnels);
      const auto added = parts_.spd.add(std::move(policy));
      if (!added) return Failure{std::string{"there is a policy for protocol 4 or 41 between these two ends already"}};
      port.policies.push_back((*added)->id);
    }
  }
  give_own_policies(port);
  return Done{};
}

/// For ESP in UDP: the outbound ones with the tunnel's ports, so that its packets meet its SAs.
void Tunnels::give_own_policies(TunnelPort& port) {
  const host::TunnelSpec& spec = port.spec();
  if (!spec.nat) return;
  for (const PolicyId id : port.policies) {
    const spd::Policy* const listed = parts_.spd.find(id);
    if (listed == nullptr || listed->direction != spd::Direction::Out) continue;
    spd::SocketPolicy own{*listed, true, {}};
    own.policy.requests.front().source = net::Endpoint{spec.local, spec.nat->local};
    own.policy.requests.front().destination = net::Endpoint{spec.remote, spec.nat->remote};
    const bool v4 = listed->selector.protocol == net::protocol::kIpv4;
    port.outgoing()[v4 ? 0 : 1].own = std::move(own);
  }
}

bool Tunnels::is_shared(const TunnelPort& port, PolicyId policy) const {
  return std::ranges::any_of(ports_, [&](const auto& other) {
    return other.get() != &port && std::ranges::find(other->policies, policy) != other->policies.end();
  });
}

void Tunnels::take_policies(TunnelPort& port) {
  for (const PolicyId id : port.policies) {
    if (!is_shared(port, id)) parts_.spd.remove_of_system(id);
  }
  port.policies.clear();
}

void Tunnels::take_away(TunnelPort& port) {
  take_policies(port);
  static_cast<void>(port.tun().set_persistent(false));
}

std::string Tunnels::list() const {
  json rows = json::array();
  for (const auto& port : ports_) rows.push_back(describe(*port, parts_.spd));
  return json{{"tunnels", std::move(rows)}}.dump();
}

std::size_t Tunnels::read(TunnelPort& port) {
  // One tunnel inside another is refused, as ipsecif(4) refuses it: it would have to be told from one in itself.
  const auto again = [&](const IpView& ip) {
    const bool is = std::ranges::any_of(ports_, [&](const auto& other) { return other->is_own_output(ip); });
    if (is) warn_of_recursion(port);
    return is;
  };
  return port.read(again, parts_.settings.headers, parts_.lost);
}

void Tunnels::warn_of_recursion(const TunnelPort& port) {
  const Time now = io::now();
  if (warned_ != Time{} && now - warned_ < std::chrono::seconds{10}) return;
  warned_ = now;
  parts_.warn(port.spec().name + ": recursively called too many times: what a tunnel sends is routed into " +
              port.spec().name + "; its remote address needs a route of its own");
}

void Tunnels::settle(TunnelPort& port) {
  for (TunnelPort::Outgoing& outgoing : port.outgoing()) {
    if (!outgoing.own || outgoing.own->policy.hits == 0) continue;
    spd::Policy& own = outgoing.own->policy;
    const spd::Policy* const listed = parts_.spd.find(own.id);
    if (listed == nullptr) continue;
    listed->count(own.hits, own.last_used);
    own.hits = 0;
  }
}

bool Tunnels::take(wire::packet::PacketBuffer& packet, const sad::Ports& ports, const TunnelPort::Lost& lost) {
  const std::lock_guard only{delivering_};
  const auto outer = wire::packet::parse_ip(packet.bytes());
  if (!outer || outer->fragment) return false;
  const auto between_ends = [&](const auto& port) { return port->has_ends_of(*outer); };
  const auto its = [&](const auto& port) { return between_ends(port) && port->has_ports(ports); };
  if (const auto port = std::ranges::find_if(ports_, its); port != ports_.end()) {
    (*port)->take(packet, *outer, parts_.settings.headers, lost);
    return true;
  }
  if (std::ranges::none_of(ports_, between_ends)) return false;
  // The policy, which several tunnels share, was met by an SA with the ports of none of them.
  lost(net::DropReason::InboundPolicyMismatch, packet.bytes());
  return true;
}

void Tunnels::flush(const TunnelPort::Lost& lost) {
  const std::lock_guard only{delivering_};
  for (const auto& port : ports_) port->flush(lost);
}

}  // namespace testudo::app
