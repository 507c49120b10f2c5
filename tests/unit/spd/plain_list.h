#pragma once
// What look-ups of policies are compared with, and random policies and flows to do it with.
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "net/flow.h"
#include "support/random.h"

namespace testudo::spd {

/// The specification: a list, looked at from the front.  It shares Selector with the database but decides by itself
/// what matches, bit by bit.
class PlainList {
 public:
  bool add(const net::Selector& s, std::uint32_t id) {
    if (place_of(s) != entries_.end()) return false;
    entries_.emplace_back(s, id);
    return true;
  }
  bool contains(const net::Selector& s) { return place_of(s) != entries_.end(); }
  bool remove(const net::Selector& s) {
    const auto place = place_of(s);
    if (place == entries_.end()) return false;
    entries_.erase(place);
    return true;
  }
  std::uint32_t lookup(const net::Flow& f) const {
    for (const auto& [s, id] : entries_) {
      if (matches(s, f)) return id;
    }
    return 0;
  }
  std::uint32_t first_for_addresses(const net::Address& source, const net::Address& destination) const {
    for (const auto& [s, id] : entries_) {
      if (inside(s.source, source) && inside(s.destination, destination)) return id;
    }
    return 0;
  }
  const net::Selector& at(std::size_t i) const { return entries_[i].first; }
  std::size_t size() const { return entries_.size(); }

  static bool inside(const net::Prefix& p, const net::Address& a) {
    if (p.address.family() != a.family()) return false;
    if (p.address.scope() != 0 && p.address.scope() != a.scope()) return false;
    const std::uint8_t* x = p.address.bytes().data();
    const std::uint8_t* y = a.bytes().data();
    unsigned bits = p.length;
    for (; bits >= 8; bits -= 8) {
      if (*x++ != *y++) return false;
    }
    return bits == 0 || (*x ^ *y) < (1 << (8 - bits));
  }
  static bool matches(const net::Selector& s, const net::Flow& f) {
    if (s.protocol != 255 && s.protocol != f.protocol) return false;
    if (s.source_port != 0 && s.source_port != f.source_port) return false;
    if (s.destination_port != 0 && s.destination_port != f.destination_port) return false;
    return inside(s.source, f.source) && inside(s.destination, f.destination);
  }

 private:
  using Entries = std::vector<std::pair<net::Selector, std::uint32_t>>;

  Entries::iterator place_of(const net::Selector& s) {
    return std::ranges::find_if(entries_, [&](const auto& e) { return e.first == s; });
  }

  Entries entries_;
};

/// Values from small sets, so that selectors overlap and packets hit them.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  net::Address address(bool v4) {
    const auto pick = [&](std::uint32_t n) { return static_cast<std::uint8_t>(random_.below(n)); };
    if (v4)
      return net::Address::v4(std::uint32_t{10} << 24 | std::uint32_t{pick(2)} << 16 | std::uint32_t{pick(2)} << 7 |
                              pick(3));
    const std::array<std::uint8_t, 16> b{
        0xfd, 0, 0, 0, 0, 0, 0, pick(2), static_cast<std::uint8_t>(pick(2) << 7), 0, 0, 0, 0, 0, pick(2), pick(3)};
    return net::Address::v6(b, pick(8) == 0 ? 1U + pick(2) : 0U);
  }
  net::Prefix prefix(bool v4) {
    static constexpr unsigned kShort[] = {0, 8, 15, 16, 24, 25, 31, 32};
    static constexpr unsigned kLong[] = {0, 8, 63, 64, 65, 112, 127, 128};
    return {address(v4), v4 ? kShort[random_.below(8)] : kLong[random_.below(8)]};
  }
  std::uint8_t protocol() {
    static constexpr std::uint8_t kProtocols[] = {255, 6, 17, 1};
    return kProtocols[random_.below(4)];
  }
  std::uint16_t port() { return static_cast<std::uint16_t>(random_.below(3)); }
  net::Selector selector() {
    const bool v4 = random_.chance(60);
    return {prefix(v4), prefix(v4), protocol(), port(), port()};
  }
  net::Flow flow() {
    const bool v4 = random_.chance(60);
    return {address(v4), address(v4), protocol(), port(), port()};
  }
  std::uint32_t below(std::uint32_t n) { return random_.below(n); }

 private:
  test::SeededRandom random_;
};

}  // namespace testudo::spd
