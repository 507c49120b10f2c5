#include "app/testudod/socket_table.h"

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "app/testudod/socket_file.h"
#include "base/hex.h"
#include "net/protocol.h"
#include "pfkey/server/policy_message.h"

namespace testudo::app {
namespace {

using wire::SocketRequest;

constexpr Duration kRemembered = std::chrono::seconds{1};
constexpr std::size_t kMostKnown = 65536;

/// An option of IPv6 is for IPv6 sockets; those of IPv4 they have too, for what they send to v4-mapped addresses.
bool may_have(const io::InetSocket& socket, SocketRequest::Level level) {
  if (level == SocketRequest::Level::Udp) return socket.protocol == net::protocol::kUdp;
  return socket.ipv6 || level == SocketRequest::Level::Ip;
}

/// KAME's answer for a socket whose policy was never set.
ByteVector nothing_set(spd::Direction direction) {
  wire::pfkey::PolicyExt ext;
  ext.type = wire::pfkey::PolicyType::Entrust;
  ext.direction = direction == spd::Direction::In ? wire::pfkey::Direction::In : wire::pfkey::Direction::Out;
  return wire::pfkey::compose_policy(ext);
}

}  // namespace

SocketTable::SocketTable(spd::Database& spd, host::Settings settings, std::string state_file, PutInForce put_in_force,
                         FollowPorts follow_ports)
    : spd_(spd),
      settings_(std::move(settings)),
      state_file_(std::move(state_file)),
      put_in_force_(std::move(put_in_force)),
      follow_ports_(std::move(follow_ports)) {
  if (auto diag = host::SocketDiag::open()) diag_ = *std::move(diag);
}

int SocketTable::set(const io::Fd& socket, const SocketRequest& request, const Asker& asker, Time now) {
  const auto facts = io::inspect_socket(socket);
  if (!facts || !may_have(*facts, request.level) || settings_.slot_mask() == 0 || !diag_) return ENOPROTOOPT;
  auto wanted = wanted_of(*facts, request, asker.privileged, now);
  if (!wanted) return wanted.error();
  const auto slot = slot_for(*std::move(wanted), asker.user);
  if (!slot) return slot.error();
  const std::uint32_t mark = (facts->mark & ~settings_.slot_mask()) | settings_.slot_mark(*slot);
  if (!io::set_mark(socket, mark)) return errno;
  slots_.hold(facts->cookie, *slot);
  known_.clear();
  if (request.level != SocketRequest::Level::Udp) return 0;
  const Slot* has = slots_.find(*slot);
  const bool off = has == nullptr || !has->udp;
  if (follow_ports_(off ? std::uint16_t{0} : facts->port)) return 0;
  io::set_mark(socket, facts->mark);
  slots_.hold(facts->cookie, settings_.slot_of(facts->mark));
  return ENOBUFS;
}

/// What the socket has already, and what is asked for now.
Result<SocketTable::Slot, int> SocketTable::wanted_of(const io::InetSocket& socket, const SocketRequest& request,
                                                      bool privileged, Time now) const {
  const Slot* had = slot_of(socket);
  Slot content = had == nullptr ? Slot{} : *had;
  if (request.level == SocketRequest::Level::Udp) {
    const auto form = wire::socket_encapsulation(request.policy);
    if (!form) return Failure{EINVAL};
    content.udp.reset();
    if (*form != 0) content.udp = {static_cast<spd::SocketEncapsulation::Form>(*form), privileged};
    return content;
  }
  auto policy = socket_policy(request.policy, {socket.ipv6, privileged}, now);
  if (!policy) return Failure{static_cast<int>(policy.error())};
  (policy->policy.direction == spd::Direction::In ? content.in : content.out) = *std::move(policy);
  return content;
}

Result<ByteVector, int> SocketTable::get(const io::Fd& socket, const SocketRequest& request) {
  const auto facts = io::inspect_socket(socket);
  if (!facts || !may_have(*facts, request.level)) return Failure{ENOPROTOOPT};
  if (request.level == SocketRequest::Level::Udp) {
    const Slot* has = slot_of(*facts);
    const bool on = has != nullptr && has->udp;
    return wire::compose_socket_encapsulation(on ? static_cast<std::uint8_t>(has->udp->form) : std::uint8_t{0});
  }
  const auto asked = wire::socket_policy_direction(request.policy);
  const auto direction = asked ? pfkey::server::direction_of(*asked) : Failure{Errno::Invalid};
  if (!direction) return Failure{static_cast<int>(direction.error())};
  const Slot* slot = slot_of(*facts);
  if (slot == nullptr || !slot->of(*direction)) return nothing_set(*direction);
  return slot->of(*direction)->bytes;
}

Result<unsigned, int> SocketTable::slot_for(Slot wanted, std::uint32_t user) {
  if (wanted.empty()) return 0U;
  if (const unsigned same = slots_.same(wanted); same != 0) return same;
  return take_slot(std::move(wanted), user);
}

Result<unsigned, int> SocketTable::take_slot(Slot wanted, std::uint32_t user) {
  const bool privileged = !wanted.unprivileged();
  unsigned slot = vacant(privileged, user);
  if (slot == 0) {
    reclaim();
    slot = vacant(privileged, user);
  }
  if (slot == 0) return Failure{ENOBUFS};
  install(slot, std::move(wanted));
  made_for_[slot] = user;
  if (save() && put_in_force_({&slot, 1})) return slot;
  remove(slot);
  return Failure{ENOBUFS};
}

unsigned SocketTable::vacant(bool privileged, std::uint32_t user) const {
  std::size_t has = 0;
  slots_.for_each([&](unsigned slot, const Slot& content) {
    const auto made_for = made_for_.find(slot);
    if (content.unprivileged() && made_for != made_for_.end() && made_for->second == user) ++has;
  });
  return !privileged && has >= kForOneUser ? 0 : slots_.vacant(privileged);
}

/// Slots that no socket has: none that was given to us, none that one of those accepted, none that waits for its end.
void SocketTable::reclaim() {
  std::map<unsigned, std::set<std::uint32_t>> users;
  const auto listed =
      diag_->list([&](const host::SocketFacts& facts) { users[settings_.slot_of(facts.mark)].insert(facts.uid); });
  if (!listed) return;
  for (unsigned slot = 1; slot <= spd::SocketSlots::kSlots; ++slot) {
    const auto in_use = users.find(slot);
    if (!slots_.is_held(slot) && in_use == users.end()) remove(slot);
    // Who has left a slot to others does not answer for it any more.
    if (in_use != users.end() && !in_use->second.contains(made_for_[slot])) made_for_[slot] = *in_use->second.begin();
  }
}

void SocketTable::install(unsigned slot, Slot content) {
  for (auto* half : {&content.in, &content.out}) {
    if (!*half) continue;
    // Above those that the SPD gives, so that traces and ACQUIREs name it.
    (*half)->policy.id = PolicyId{0x80000000U | slot << 1 | (half == &content.out ? 1U : 0U)};
    spd_.settle_reqids((*half)->policy);
  }
  slots_.put(slot, std::move(content));
  const auto counts = [](const std::optional<spd::SocketPolicy>& p) {
    return p && p->policy.action != spd::Action::Entrust;
  };
  any_inbound_ = false;
  slots_.for_each([&](unsigned, const Slot& s) { any_inbound_ = any_inbound_ || counts(s.in); });
}

void SocketTable::remove(unsigned slot) {
  made_for_.erase(slot);
  const auto gone = slots_.clear(slot);
  if (!gone) return;
  for (const auto* half : {&gone->in, &gone->out}) {
    if (*half) spd_.release_reqids((*half)->policy);
  }
}

const spd::SocketPolicy* SocketTable::inbound(const net::Flow& flow, Time now) const {
  const std::lock_guard only{asking_};
  const auto policy_of = [this](unsigned number) -> const spd::SocketPolicy* {
    const Slot* slot = slots_.find(number);
    return slot != nullptr && slot->in ? &*slot->in : nullptr;
  };
  if (const auto known = known_.find(flow); known != known_.end() && now < known->second.until) {
    return policy_of(known->second.slot);
  }
  const auto facts = diag_ ? diag_->receiver_of(flow) : std::nullopt;
  if (!facts) return nullptr;
  if (known_.size() >= kMostKnown) known_.clear();
  const unsigned slot = settings_.slot_of(facts->mark);
  known_[flow] = {slot, now + kRemembered};
  return policy_of(slot);
}

std::vector<host::SocketPort> SocketTable::encapsulation_ports() const {
  std::vector<host::SocketPort> ports;
  if (!diag_ || steered().empty()) return ports;
  const auto visit = [&](const host::SocketFacts& facts) {
    const Slot* slot = slots_.find(settings_.slot_of(facts.mark));
    if (slot != nullptr && slot->udp) ports.push_back({facts.local.port, slot->udp->privileged, facts.uid});
  };
  static_cast<void>(diag_->list(net::protocol::kUdp, visit));
  return ports;
}

host::SteeredSockets SocketTable::steered() const {
  host::SteeredSockets steered{.mask = settings_.slot_mask(), .esp = {}, .non_ike = {}, .ports = {}};
  slots_.for_each([&](unsigned number, const Slot& slot) {
    if (!slot.udp) return;
    const bool esp = slot.udp->form == spd::SocketEncapsulation::Form::Esp;
    (esp ? steered.esp : steered.non_ike).push_back(settings_.slot_mark(number));
  });
  return steered;
}

std::string SocketTable::describe() const {
  const auto half = [](const std::optional<spd::SocketPolicy>& policy) {
    return policy ? nlohmann::json(to_hex(policy->bytes)) : nlohmann::json();
  };
  nlohmann::json rows = nlohmann::json::array();
  slots_.for_each([&](unsigned number, const Slot& slot) {
    const bool privileged =
        (slot.in && slot.in->privileged) || (slot.out && slot.out->privileged) || (slot.udp && slot.udp->privileged);
    rows.push_back({{"slot", number},
                    {"mark", settings_.slot_mark(number)},
                    {"mask", settings_.slot_mask()},
                    {"privileged", privileged},
                    {"in", half(slot.in)},
                    {"out", half(slot.out)},
                    {"udp_encap", slot.udp ? static_cast<int>(slot.udp->form) : 0}});
  });
  return rows.dump();
}

bool SocketTable::save() const {
  return write_sockets(state_file_, slots_).has_value();
}

void SocketTable::restore(Time now) {
  if (settings_.slot_mask() == 0) return;
  std::vector<unsigned> restored;
  for (auto& [slot, content] : read_sockets(state_file_, now)) {
    install(slot, std::move(content));
    restored.push_back(slot);
  }
  if (!restored.empty()) static_cast<void>(put_in_force_(restored));
}

}  // namespace testudo::app
