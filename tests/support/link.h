#pragma once
// A wire between two stations that loses, doubles, reorders and delays packets, as a seed says; and the oracle that
// looks at each packet on it for what must not be there.  No threads, no clock: time is an argument.
//
//   Link link{{.loses = 10, .doubles = 5, .reorders = 20}, seed};
//   link.oracle().forbid_text("attack at dawn");
//   link.send(packet);  …  for (auto& p : link.arrived(now)) …
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "net/protocol.h"
#include "support/random.h"
#include "wire/packet/ip.h"

namespace testudo::test {

/// Watches a wire for what policy says is protected.
class LeakOracle {
 public:
  /// No packet may hold these bytes, at any offset.
  void forbid_text(std::string_view text) { texts_.emplace_back(text); }
  /// No IP header, outermost or behind protocol 4 and 41, may hold this address.
  void forbid_address(const net::Address& address) { addresses_.push_back(address); }
  /// These may cross in clear (IKE, ICMP of routers).
  void allow_protocol(std::uint8_t protocol) { allowed_.push_back(protocol); }

  std::vector<std::string> leaks(Bytes packet) const {
    std::vector<std::string> out;
    for (const std::string& text : texts_) {
      const Bytes wanted = as_bytes(text);
      const auto found = std::search(packet.begin(), packet.end(), wanted.begin(), wanted.end());
      if (found != packet.end()) out.push_back("the text \"" + text + "\" in clear");
    }
    const auto ip = wire::packet::parse_ip(packet);
    if (!ip) return out;
    for (const net::Address& address : addresses_) {
      if (ip->source == address || ip->destination == address) out.push_back("the address " + address.to_string());
    }
    if (!is_protected(ip->upper_protocol))
      out.push_back("protocol " + std::to_string(ip->upper_protocol) + " in clear");
    return out;
  }

 private:
  bool is_protected(std::uint8_t protocol) const {
    using namespace net::protocol;
    return protocol == kEsp || protocol == kAh || protocol == kIpcomp || std::ranges::count(allowed_, protocol) > 0;
  }

  std::vector<std::string> texts_;
  std::vector<net::Address> addresses_;
  std::vector<std::uint8_t> allowed_;
};

/// Percentages of packets; delay in steps of arrived().
struct LinkFaults {
  std::uint32_t loses = 0, doubles = 0, reorders = 0, corrupts = 0;
  Duration delay{};
};

class Link {
 public:
  explicit Link(const LinkFaults& faults = {}, std::uint64_t seed = 1) : faults_(faults), random_(seed) {}

  LeakOracle& oracle() { return oracle_; }
  void set_faults(const LinkFaults& faults) { faults_ = faults; }

  void send(Bytes packet, Time now) {
    ++sent_;
    for (const std::string& leak : oracle_.leaks(packet)) ADD_FAILURE() << "on the wire: " << leak;
    largest_ = std::max(largest_, packet.size());
    if (random_.chance(faults_.loses)) return;
    put({packet.begin(), packet.end()}, now);
    if (random_.chance(faults_.doubles)) put({packet.begin(), packet.end()}, now);
  }

  /// What has crossed by now, in the order of arrival.
  std::vector<ByteVector> arrived(Time now) {
    std::vector<ByteVector> out;
    std::erase_if(under_way_, [&](Crossing& crossing) {
      if (crossing.due > now) return false;
      out.push_back(std::move(crossing.packet));
      return true;
    });
    return out;
  }

  bool empty() const { return under_way_.empty(); }
  std::size_t sent() const { return sent_; }
  std::size_t largest() const { return largest_; }

 private:
  struct Crossing {
    ByteVector packet;
    Time due{};
  };

  void put(ByteVector packet, Time now) {
    if (random_.chance(faults_.corrupts)) packet[random_.below(static_cast<std::uint32_t>(packet.size()))] ^= 0x40;
    const bool overtakes = !under_way_.empty() && random_.chance(faults_.reorders);
    const auto place = overtakes ? under_way_.end() - 1 : under_way_.end();
    under_way_.insert(place, {std::move(packet), now + faults_.delay});
  }

  LinkFaults faults_;
  SeededRandom random_;
  LeakOracle oracle_;
  std::vector<Crossing> under_way_;
  std::size_t sent_ = 0, largest_ = 0;
};

}  // namespace testudo::test
