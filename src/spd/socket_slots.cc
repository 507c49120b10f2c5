#include "spd/socket_slots.h"

#include <utility>

namespace testudo::spd {
namespace {

bool says_the_same(const std::optional<SocketPolicy>& a, const std::optional<SocketPolicy>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  const bool alike = a->policy.selector.source.address.family() == b->policy.selector.source.address.family();
  return alike && a->privileged == b->privileged && a->bytes == b->bytes;
}

}  // namespace

bool decides(const SocketPolicy& socket, const Policy* listed) {
  if (socket.policy.action == Action::Entrust) return false;
  return socket.privileged || listed == nullptr;
}

const SocketSlots::Slot* SocketSlots::find(unsigned slot) const {
  return slot <= kSlots && slots_[slot] ? &*slots_[slot] : nullptr;
}

unsigned SocketSlots::same(const Slot& wanted) const {
  for (unsigned slot = 1; slot <= kSlots; ++slot) {
    const auto& have = slots_[slot];
    if (have && have->udp == wanted.udp && says_the_same(have->in, wanted.in) && says_the_same(have->out, wanted.out))
      return slot;
  }
  return 0;
}

unsigned SocketSlots::vacant(bool privileged) const {
  unsigned taken = 0;
  for_each([&taken](unsigned, const Slot& slot) { taken += slot.unprivileged() ? 1 : 0; });
  if (!privileged && taken >= kForUnprivileged) return 0;
  for (unsigned slot = 1; slot <= kSlots; ++slot) {
    if (!slots_[slot]) return slot;
  }
  return 0;
}

void SocketSlots::put(unsigned slot, Slot content) {
  slots_[slot] = std::move(content);
}

std::optional<SocketSlots::Slot> SocketSlots::clear(unsigned slot) {
  return std::exchange(slots_[slot], std::nullopt);
}

void SocketSlots::hold(SocketCookie socket, unsigned slot) {
  if (const auto held = slot_of_.find(socket); held != slot_of_.end()) {
    --holders_[held->second];
    slot_of_.erase(held);
  }
  if (slot == 0) return;
  slot_of_[socket] = slot;
  ++holders_[slot];
}

void SocketSlots::for_each(const std::function<void(unsigned, const Slot&)>& visit) const {
  for (unsigned slot = 1; slot <= kSlots; ++slot) {
    if (slots_[slot]) visit(slot, *slots_[slot]);
  }
}

}  // namespace testudo::spd
