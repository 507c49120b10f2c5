#include "sad/spi_index.h"

#include <array>

namespace testudo::sad {

std::size_t SpiIndex::home_of(std::uint32_t spi, std::uint32_t place) const {
  const std::uint64_t key = std::uint64_t{place} << 32 | spi;
  std::uint64_t h = key * 0x9e3779b97f4a7c15U;
  h = (h ^ h >> 32) * 0xff51afd7ed558ccdU;
  return static_cast<std::size_t>(h >> 32) & (slots_.size() - 1);
}

/// The slot of this name, or the empty one where it would be put.
std::size_t SpiIndex::slot_for(const Place& p) const {
  std::size_t at = p.home;
  while (slots_[at].place != 0 && (slots_[at].spi != p.spi || (slots_[at].place & ~kSeveral) != p.place)) {
    at = (at + 1) & (slots_.size() - 1);
  }
  return at;
}

/// 0 when no name has this destination.
std::uint32_t SpiIndex::number_of(const net::Address& destination) const {
  const auto found = destinations_.find(destination);
  return found == destinations_.end() ? 0 : found->second.number;
}

SpiIndex::Place SpiIndex::place_of(const Name& name, std::uint32_t number) const {
  const std::uint32_t spi = name.protocol == SaProtocol::Ipcomp ? name.spi.value & 0xffff : name.spi.value;
  const std::uint32_t place = number << 3 | static_cast<std::uint32_t>(name.protocol);
  return {spi, place, home_of(spi, place)};
}

void SpiIndex::hold(const net::Address& address) {
  Destination& destination = destinations_[address];
  if (destination.names++ > 0) return;
  destination.number = static_cast<std::uint32_t>(destinations_.size());
  if (free_numbers_.empty()) return;
  destination.number = free_numbers_.back();
  free_numbers_.pop_back();
}

void SpiIndex::release(const net::Address& address) {
  const auto found = destinations_.find(address);
  if (--found->second.names > 0) return;
  free_numbers_.push_back(found->second.number);
  destinations_.erase(found);
}

void SpiIndex::put(const Name& name, Found what) {
  if (2 * (used_ + 1) > slots_.size()) grow();
  hold(name.destination);
  const Place place = place_of(name);
  Slot& slot = slots_[slot_for(place)];
  if (slot.place != 0) {
    release(name.destination);  // it was counted before
  } else {
    ++used_;
  }
  slot = {place.spi, place.place | (what.several ? kSeveral : 0), what.one};
}

void SpiIndex::remove(const Name& name) {
  const std::size_t at = slot_for(place_of(name));
  if (slots_[at].place == 0) return;
  slots_[at] = {};
  --used_;
  close_gap(at);
  release(name.destination);
}

/// Moves up what had to go past the slot that became empty, so that no search ends too early.
void SpiIndex::close_gap(std::size_t gap) {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = (gap + 1) & mask; slots_[at].place != 0; at = (at + 1) & mask) {
    const std::size_t home = home_of(slots_[at].spi, slots_[at].place & ~kSeveral);
    if (((at - home) & mask) < ((at - gap) & mask)) continue;
    slots_[gap] = slots_[at];
    slots_[at] = {};
    gap = at;
  }
}

void SpiIndex::grow() {
  decltype(slots_) before(slots_.size() * 2);
  before.swap(slots_);
  for (const Slot& slot : before) {
    if (slot.place == 0) continue;
    const std::uint32_t place = slot.place & ~kSeveral;
    slots_[slot_for({slot.spi, place, home_of(slot.spi, place)})] = slot;
  }
}

SpiIndex::Found SpiIndex::read(const Place& place) const {
  const Slot& slot = slots_[slot_for(place)];
  return {slot.one, (slot.place & kSeveral) != 0};
}

void SpiIndex::find(std::span<const Name> names, std::span<Found> found) const {
  std::array<Place, kMost> places;
  const net::Address* last = nullptr;
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (last == nullptr || *last != names[i].destination) number = number_of(names[i].destination);
    last = &names[i].destination;
    places[i] = place_of(names[i], number);
    __builtin_prefetch(&slots_[places[i].home]);
  }
  for (std::size_t i = 0; i < names.size(); ++i) found[i] = read(places[i]);
}

}  // namespace testudo::sad
