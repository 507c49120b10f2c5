#pragma once
// The SAs of phase 2 that are in use, by what messages, wishes and the key table's news name them by: SPI, peer,
// networks.  With thousands of tunnels none of these may cost a walk through all of them.  Owns them; decides nothing.
// Neither the addresses nor the networks of a child ever change, its peer's port may.
#include <list>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "base/time.h"
#include "ike/child.h"
#include "ike/keys/v1.h"
#include "ike/policy.h"
#include "ike/refusal.h"

namespace testudo::ike::v1 {

/// SAs that are in use, for DELETE and EXPIRE.
struct Child {
  struct Pair {
    ChildProtocol protocol{};
    Spi in, out;
  };
  ChildId id;
  keys::Cookies cookies;  ///< of the phase 1 that made it
  Role role = Role::Initiator;
  ChildRequest request;
  std::vector<Pair> pairs;
  Identity peer;                      ///< several may have one address
  net::Endpoint local, remote;        ///< ports: those of ESP in UDP, or 0
  bool behind_nat = false;            ///< this host is
  std::string user{};                 ///< who had logged in by XAUTH
  Time renewed_at{}, ends_at{};       ///< the soft and the hard end of its SAs
  std::optional<Time> last_chance{};  ///< it was not renewed at the soft one: see renewal.cc; set_last_chance() sets it

  /// One of its SAs; SPI 0 is any.
  bool has(ChildProtocol protocol, const net::Address& destination, Spi spi) const;
};

class ChildTable {
 public:
  using All = std::list<Child>;  ///< in the order in which they came into use

  ChildTable() = default;
  ChildTable(const ChildTable&) = delete;
  ChildTable& operator=(const ChildTable&) = delete;

  void add(Child child);
  void erase(ChildId id);
  void clear();

  const All& all() const { return all_; }
  /// Null when there is none.
  Child* find(ChildId id) const;
  /// Those of which one SA has this SPI, in whichever direction, oldest first.
  std::vector<Child*> with(ChildProtocol protocol, Spi spi) const;
  /// Those with the peer at this address, oldest first.
  std::vector<Child*> with(const net::Address& peer) const;
  /// Those for these networks, as our policy names them, oldest first.
  std::vector<Child*> with(const net::Selector& outbound) const;
  /// Those behind a NAT of ours, in no order.
  const std::set<ChildId>& behind_nat() const { return behind_nat_; }

  void set_last_chance(Child& child, std::optional<Time> when);
  std::optional<Time> next_last_chance() const;
  /// Those whose last chance has come.
  std::vector<Child*> at_last_chance(Time now) const;

 private:
  struct Place {
    std::uint64_t number = 0;  ///< of its coming
    All::iterator where;
  };
  using SpiOf = std::tuple<ChildProtocol, Spi, ChildId>;
  /// What makes selectors equal.
  using Networks =
      std::tuple<net::Address, unsigned, net::Address, unsigned, std::uint8_t, std::uint16_t, std::uint16_t>;
  static Networks networks_of(const net::Selector& s);

  std::vector<Child*> in_order(std::vector<ChildId> ids) const;

  All all_;
  std::map<ChildId, Place> places_;
  std::set<SpiOf> by_spi_;
  std::set<std::pair<net::Address, ChildId>> by_peer_;
  std::set<std::pair<Networks, ChildId>> by_networks_;
  std::set<ChildId> behind_nat_;
  std::set<std::pair<Time, ChildId>> last_chances_;
  std::uint64_t next_number_ = 0;
};

}  // namespace testudo::ike::v1
