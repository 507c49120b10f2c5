#include "app/testudod/socket_table.h"

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "app/testudod/socket_file.h"
#include "base/hex.h"
#include "io/inet_socket.h"
#include "pfkey/server/policy_message.h"

namespace testudo::app {
namespace {

using wire::SocketRequest;

constexpr Duration kRemembered = std::chrono::seconds{1};
constexpr std::size_t kMostKnown = 65536;

/// An option of IPv6 is for IPv6 sockets; those of IPv4 they have too, for what they send to v4-mapped addresses.
bool may_have(const io::InetSocket& socket, SocketRequest::Level level) {
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

SocketTable::SocketTable(spd::Database& spd, host::Settings settings, std::string state_file, PutInForce put_in_force)
    : spd_(spd),
      settings_(std::move(settings)),
      state_file_(std::move(state_file)),
      put_in_force_(std::move(put_in_force)) {
  if (auto diag = host::SocketDiag::open()) diag_ = *std::move(diag);
}

int SocketTable::set(const io::Fd& socket, const SocketRequest& request, bool privileged, Time now) {
  const auto facts = io::inspect_socket(socket);
  if (!facts || !may_have(*facts, request.level) || settings_.slot_mask() == 0 || !diag_) return ENOPROTOOPT;
  const auto wanted = socket_policy(request.policy, {facts->ipv6, privileged}, now);
  if (!wanted) return static_cast<int>(wanted.error());
  const unsigned before = settings_.slot_of(facts->mark);
  const Slot* had = slots_.find(before);
  Slot content = had == nullptr ? Slot{} : *had;
  (wanted->policy.direction == spd::Direction::In ? content.in : content.out) = *wanted;
  const auto slot = slot_for(std::move(content));
  if (!slot) return slot.error();
  const std::uint32_t mark = (facts->mark & ~settings_.slot_mask()) | settings_.slot_mark(*slot);
  if (!io::set_mark(socket, mark)) return errno;
  slots_.hold(facts->cookie, *slot);
  known_.clear();
  return 0;
}

Result<ByteVector, int> SocketTable::get(const io::Fd& socket, const SocketRequest& request) {
  const auto facts = io::inspect_socket(socket);
  if (!facts || !may_have(*facts, request.level)) return Failure{ENOPROTOOPT};
  const auto asked = wire::socket_policy_direction(request.policy);
  const auto direction = asked ? pfkey::server::direction_of(*asked) : Failure{Errno::Invalid};
  if (!direction) return Failure{static_cast<int>(direction.error())};
  const Slot* slot = slots_.find(settings_.slot_of(facts->mark));
  if (slot == nullptr || !slot->of(*direction)) return nothing_set(*direction);
  return slot->of(*direction)->bytes;
}

Result<unsigned, int> SocketTable::slot_for(Slot wanted) {
  if (const unsigned same = slots_.same(wanted); same != 0) return same;
  return take_slot(std::move(wanted));
}

Result<unsigned, int> SocketTable::take_slot(Slot wanted) {
  const bool privileged = !wanted.unprivileged();
  unsigned slot = slots_.vacant(privileged);
  if (slot == 0) {
    reclaim();
    slot = slots_.vacant(privileged);
  }
  if (slot == 0) return Failure{ENOBUFS};
  install(slot, std::move(wanted));
  if (save() && put_in_force_({&slot, 1})) return slot;
  remove(slot);
  return Failure{ENOBUFS};
}

/// Slots that no socket has: none that was given to us, none that one of those accepted, none that waits for its end.
void SocketTable::reclaim() {
  std::set<unsigned> in_use;
  const auto listed =
      diag_->list([&](const host::SocketFacts& facts) { in_use.insert(settings_.slot_of(facts.mark)); });
  if (!listed) return;
  for (unsigned slot = 1; slot <= spd::SocketSlots::kSlots; ++slot) {
    if (!slots_.is_held(slot) && !in_use.contains(slot)) remove(slot);
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
  const auto gone = slots_.clear(slot);
  if (!gone) return;
  for (const auto* half : {&gone->in, &gone->out}) {
    if (*half) spd_.release_reqids((*half)->policy);
  }
}

const spd::SocketPolicy* SocketTable::inbound(const net::Flow& flow, Time now) const {
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

std::string SocketTable::describe() const {
  const auto half = [](const std::optional<spd::SocketPolicy>& policy) {
    return policy ? nlohmann::json(to_hex(policy->bytes)) : nlohmann::json();
  };
  nlohmann::json rows = nlohmann::json::array();
  slots_.for_each([&](unsigned number, const Slot& slot) {
    const bool privileged = (slot.in && slot.in->privileged) || (slot.out && slot.out->privileged);
    rows.push_back({{"slot", number},
                    {"mark", settings_.slot_mark(number)},
                    {"mask", settings_.slot_mask()},
                    {"privileged", privileged},
                    {"in", half(slot.in)},
                    {"out", half(slot.out)}});
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
