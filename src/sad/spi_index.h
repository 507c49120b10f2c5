#pragma once
// SAs by what a packet names, (destination, protocol, SPI), with one cache line touched for each look-up, and several
// look-ups under way at a time: of a million SAs hardly one lies in a cache.  RFC 4301 section 4.4.2.1.
//
//   destination ──► number ─┐
//   protocol, SPI ──────────┴─ hash ──► slot: SPI, number and protocol, what was put there
//
// Knows nothing of SAs but their addresses, which it does not follow.  One writing thread.
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/large_pages.h"
#include "sad/sa.h"

namespace testudo::sad {

class SpiIndex {
 public:
  struct Name {
    net::Address destination;
    SaProtocol protocol = SaProtocol::Esp;
    Spi spi;  ///< of IPcomp the low 16 bits count: a packet has room for no more (RFC 3173 section 3.3)
  };
  /// An SA, and whether the caller knows of others of this name.
  struct Found {
    Sa* one = nullptr;
    bool several = false;
  };

  SpiIndex() : slots_(kFewest) {}

  /// Replaces what was there under this name.
  void put(const Name& name, Found what);
  void remove(const Name& name);

  Found find(const Name& name) const { return read(place_of(name)); }
  /// find() for each name, at most kMost; `found` is as long as `names`.
  void find(std::span<const Name> names, std::span<Found> found) const;
  static constexpr std::size_t kMost = 64;

 private:
  static constexpr std::size_t kFewest = 16;
  static constexpr std::uint32_t kSeveral = 4;  ///< beside a protocol, which is below it

  struct Slot {
    std::uint32_t spi = 0;
    std::uint32_t place = 0;  ///< number of the destination, from 1 on, kSeveral, protocol; 0: the slot is empty
    Sa* one = nullptr;
  };
  struct Destination {
    std::uint32_t number = 0;
    std::size_t names = 0;
  };

  /// Where a name is looked for.
  struct Place {
    std::uint32_t spi = 0, place = 0;
    std::size_t home = 0;
  };

  std::uint32_t number_of(const net::Address& destination) const;
  Place place_of(const Name& name, std::uint32_t number) const;
  Place place_of(const Name& name) const { return place_of(name, number_of(name.destination)); }
  void hold(const net::Address& destination);
  void release(const net::Address& destination);
  std::size_t home_of(std::uint32_t spi, std::uint32_t place) const;
  std::size_t slot_for(const Place& place) const;
  Found read(const Place& place) const;
  void grow();
  void close_gap(std::size_t gap);

  std::vector<Slot, LargePages<Slot>> slots_;  ///< a power of two, at most half full; a search goes on to the next
  std::size_t used_ = 0;
  std::unordered_map<net::Address, Destination> destinations_;
  std::vector<std::uint32_t> free_numbers_;
};

}  // namespace testudo::sad
