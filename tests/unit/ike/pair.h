#pragma once
// Two IKE machines joined by a link that loses, doubles and changes what the test says, with a clock that jumps from
// deadline to deadline: a minute of retransmissions takes no time.
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "ike/machine.h"
#include "support/random.h"

namespace testudo::ike::test {

using std::chrono::seconds;

inline net::Address address(const char* text) {
  return *net::Address::parse(text);
}

class Keys final : public KeyStore {
 public:
  std::optional<Secret> pre_shared_key(const std::string& name) const override {
    const auto found = of.find(name);
    return found == of.end() ? std::nullopt : std::optional{Secret{as_bytes(found->second)}};
  }
  std::map<std::string, std::string> of;
};

/// Every policy is there, unless the test says which one alone.
class Policies final : public PolicyBase {
 public:
  std::optional<ChildRequest> find(const net::Selector& outbound, const net::Address& local,
                                   const net::Address& remote) const override {
    if (only && !(*only == outbound)) return std::nullopt;
    return ChildRequest{0, local, remote, outbound, items};
  }
  std::string nearest(const net::Selector&) const override { return only ? "10.9.0.0/16 to 10.8.0.0/16" : ""; }

  std::optional<net::Selector> only;
  std::vector<ChildItem> items{ChildItem{}};
};

/// bits 0: the cipher's usual length.
inline Phase1Transform transform(const char* cipher, unsigned bits, const char* hash, const char* group) {
  const auto* row = crypto::ike::cipher_by_name(cipher);
  return {row, static_cast<std::uint16_t>(bits == 0 ? row->default_key * 8U : bits), crypto::ike::hash_by_name(hash),
          v1wire::oakley::kPreSharedKey, crypto::ike::group_by_name(group)};
}

/// Small groups keep the tests fast; what is tested here is not their strength.
inline Policy default_policy() {
  Remote remote;
  remote.name = "anonymous";
  remote.exchange_modes = {v1wire::Exchange::Main};
  remote.proposals = {transform("aes", 128, "sha256", "curve25519")};
  Sainfo sainfo;
  sainfo.name = "anonymous";
  sainfo.encryption = {{crypto::cipher_by_name("aes-cbc"), 128}};
  sainfo.authentication = {crypto::mac_by_name("hmac-sha1")};
  Policy policy;
  policy.remotes = {remote};
  policy.sainfos = {sainfo};
  return policy;
}

struct Side {
  Side(const char* own, const char* other, std::uint64_t seed, Policy p)
      : here(address(own)), there(address(other)), random(seed), policy(std::move(p)) {
    keys.of[there.to_string()] = "the same for both";
  }

  /// The machine is made when it is first needed, so a test can change policy and keys before.
  Machine& machine() {
    if (!made) made = std::make_unique<Machine>(std::make_shared<Policy>(policy), keys, policies);
    return *made;
  }

  net::Address here, there;
  testudo::test::SeededRandom random;
  Policy policy;
  Keys keys;
  Policies policies;
  std::unique_ptr<Machine> made;
  std::uint32_t next_spi = 0x1000;
  bool gives_spis = true;
  bool answers_for_spis = true;  ///< else its key table is silent, as one that just ended

  std::vector<Refusal> refusals;
  std::vector<Told> told;
  std::vector<Hook> hooks;
  std::map<std::pair<ChildProtocol, std::uint32_t>, ChildSa> in, out;
  std::vector<std::uint32_t> abandoned;
  std::vector<KeepAlive> keepalives;
  unsigned sent = 0;

  unsigned count(Fact fact) const { return static_cast<unsigned>(std::ranges::count(told, fact, &Told::fact)); }
};

class Pair {
 public:
  explicit Pair(const Policy& policy = default_policy())
      : a("192.0.2.1", "192.0.2.2", 11, policy), b("192.0.2.2", "192.0.2.1", 22, policy) {
    a.next_spi = 0xa000;
    b.next_spi = 0xb000;
  }

  /// Called with the number of each datagram (from 1, in the order of sending): how often it is delivered.  May change
  /// it.
  std::function<unsigned(unsigned, ByteVector&)> link = [](unsigned, ByteVector&) { return 1U; };
  Side a, b;
  /// The outside of a NAT that `a` is behind; it gives every port another number.
  std::optional<net::Address> nat;
  std::uint16_t shift = 0;  ///< added to its ports, as one that forgot its mappings does
  static std::uint16_t mapped(std::uint16_t port) { return static_cast<std::uint16_t>(port + 40000); }
  static std::uint16_t unmapped(std::uint16_t port) { return static_cast<std::uint16_t>(port - 40000); }
  Time now{seconds{1000}};
  unsigned datagrams = 0;

  ChildRequest request(std::uint32_t sequence = 7) {
    return {sequence, a.here, a.there, {net::Prefix::host(a.here), net::Prefix::host(a.there)}, a.policies.items};
  }

  void event(Side& side, const Event& what) {
    for (Action& action : side.machine().on(what, now, side.random)) act(side, std::move(action));
  }
  void want(Side& side) {
    ChildRequest wanted = request();
    wanted.local = side.here;
    wanted.remote = side.there;
    wanted.outbound = {net::Prefix::host(side.here), net::Prefix::host(side.there)};
    wanted.items = side.policies.items;
    event(side, Wanted{wanted});
    settle();
  }

  /// Delivers all that is on the way.
  void settle() {
    while (!wire_.empty()) {
      Datagram datagram = std::move(wire_.front());
      wire_.pop_front();
      if (nat && datagram.from.address == a.here)
        datagram.from = {*nat, static_cast<std::uint16_t>(mapped(datagram.from.port) + shift)};
      const bool to_nat = nat && datagram.to.address == *nat;
      if (to_nat) datagram.to = {a.here, unmapped(static_cast<std::uint16_t>(datagram.to.port - shift))};
      Side& to = datagram.to.address == a.here ? a : b;
      event(to, Received{datagram.to, datagram.from, datagram.bytes, datagram.floated});
    }
  }
  /// Lets time pass, stopping at every deadline.
  void pass(seconds time) {
    const Time end = now + time;
    settle();
    for (;;) {
      std::optional<Time> next;
      for (Side* side : {&a, &b}) {
        const auto deadline = side->machine().next_deadline();
        if (deadline && (!next || *deadline < *next)) next = deadline;
      }
      if (!next || *next > end) break;
      now = std::max(now, *next);
      event(a, Tick{});
      event(b, Tick{});
      settle();
    }
    now = end;
  }

  /// What one side sends is what the other expects: SPIs, algorithms and keys of both directions.
  bool keyed_alike() const { return same(a.out, b.in) && same(b.out, a.in); }
  /// Some SA has other keys at its other end.
  bool disagrees() const { return differ(a.out, b.in) || differ(b.out, a.in); }

 private:
  struct Datagram {
    net::Endpoint from, to;
    ByteVector bytes;
    bool floated;
  };
  using Table = std::map<std::pair<ChildProtocol, std::uint32_t>, ChildSa>;

  static bool same(const Table& left, const Table& right) {
    if (left.empty()) return false;
    return std::ranges::all_of(left, [&](const auto& entry) {
      const auto other = right.find(entry.first);
      return other != right.end() && same(entry.second, other->second);
    });
  }
  static bool differ(const Table& left, const Table& right) {
    return std::ranges::any_of(left, [&](const auto& entry) {
      const auto other = right.find(entry.first);
      return other != right.end() && !same(entry.second, other->second);
    });
  }
  static bool same(const ChildSa& x, const ChildSa& y) {
    return x.terms.cipher == y.terms.cipher && x.terms.mac == y.terms.mac &&
           equal_constant_time(x.cipher_key.expose(), y.cipher_key.expose()) &&
           equal_constant_time(x.mac_key.expose(), y.mac_key.expose()) &&
           x.terms.key_bytes() == x.cipher_key.size() + x.mac_key.size();
  }

  void act(Side& side, Action action) {
    if (auto* send = std::get_if<Send>(&action)) {
      ++side.sent;
      const unsigned copies = link(++datagrams, send->bytes);
      for (unsigned i = 0; i < copies; ++i) wire_.push_back({send->local, send->remote, send->bytes, send->floated});
    } else if (auto* alive = std::get_if<KeepAlive>(&action)) {
      side.keepalives.push_back(*alive);
    } else if (auto* spi = std::get_if<AllocateSpi>(&action)) {
      if (!side.answers_for_spis) return;
      if (!side.gives_spis) return event(side, SpiRefused{spi->child});
      event(side, SpiAllocated{spi->child, spi->item_index, Spi{side.next_spi++}});
    } else if (auto* install = std::get_if<Install>(&action)) {
      const auto key = std::pair{install->sa.item.protocol, install->sa.spi.value};
      auto& table = install->sa.direction == ChildSa::Direction::In ? side.in : side.out;
      table.insert_or_assign(key, std::move(install->sa));
    } else if (auto* remove = std::get_if<Remove>(&action)) {
      side.in.erase({remove->protocol, remove->spi.value});
      side.out.erase({remove->protocol, remove->spi.value});
    } else if (auto* abandon = std::get_if<Abandon>(&action)) {
      side.abandoned.push_back(abandon->acquire_sequence);
    } else if (auto* told = std::get_if<Told>(&action)) {
      side.told.push_back(std::move(*told));
    } else if (auto* hook = std::get_if<Hook>(&action)) {
      side.hooks.push_back(std::move(*hook));
    } else if (auto* refusal = std::get_if<Refusal>(&action)) {
      side.refusals.push_back(std::move(*refusal));
    }
  }

  std::deque<Datagram> wire_;
};

/// Notices when a private value is drawn: nothing else of 32 bytes is.
class WatchedRandom final : public Random {
 public:
  void fill(MutableBytes bytes) override {
    if (bytes.size() == 32) ++private_values;
    random_.fill(bytes);
  }
  unsigned private_values = 0;

 private:
  testudo::test::SeededRandom random_{33};
};

/// The datagram of this number, which then goes no further.
inline ByteVector caught(Pair& p, unsigned number) {
  ByteVector taken;
  p.link = [&taken, number](unsigned n, ByteVector& bytes) {
    if (n == number) taken = bytes;
    return n < number ? 1U : 0U;
  };
  p.want(p.a);
  return taken;
}

}  // namespace testudo::ike::test
