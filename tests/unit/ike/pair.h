#pragma once
// Two IKE machines joined by a link that loses, doubles and changes what the test says, with a clock that jumps from
// deadline to deadline: a minute of retransmissions takes no time.
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>

#include "ike/machine.h"
#include "ike/selector_id.h"
#include "ike/v1/deadline.h"
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
    const auto own = std::ranges::find(generated, outbound, &ChildRequest::outbound);
    if (own != generated.end())
      return own->local == local && own->remote == remote ? std::optional{*own} : std::nullopt;
    if (only && !(*only == outbound)) return std::nullopt;
    return ChildRequest{0, local, remote, outbound, items};
  }
  std::string in_the_way(const net::Selector& outbound) const override {
    return only && overlap(*only, outbound) ? to_string(*only) : "";
  }
  std::string nearest(const net::Selector&) const override { return only ? "10.9.0.0/16 to 10.8.0.0/16" : ""; }

  std::optional<net::Selector> only;
  std::vector<ChildRequest> generated;  ///< what MakePolicy made, each with reqids of its own
  std::vector<ChildItem> items{ChildItem{}};
};

/// bits 0: the cipher's usual length.
inline Phase1Transform transform(const char* cipher, unsigned bits, const char* hash, const char* group) {
  const auto* row = crypto::ike::cipher_by_name(cipher);
  return {row,
          static_cast<std::uint16_t>(bits == 0 ? row->default_key * 8U : bits),
          crypto::ike::hash_by_name(hash),
          v1wire::oakley::kPreSharedKey,
          Xauth::None,
          crypto::ike::group_by_name(group)};
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
  policy.limits.pause = policy.limits.before_use = {};  // this peer takes messages in their order
  return policy;
}

struct Side {
  Side(const char* own, const char* other, std::uint64_t seed, Policy p)
      : here(address(own)), there(address(other)), random(seed), policy(std::move(p)) {
    keys.of[there.to_string()] = "the same for both";
  }

  /// The machine is made when it is first needed, so a test can change policy and keys before.
  Machine& machine() {
    if (!made) made = std::make_unique<Machine>(std::make_shared<Policy>(policy), keys, policies, SlowWork::AsActions);
    return *made;
  }

  Remote& remote() { return policy.remotes[0]; }

  net::Address here, there;
  testudo::test::SeededRandom random;
  Policy policy;
  Keys keys;
  Policies policies;
  std::unique_ptr<Machine> made;
  std::uint32_t next_spi = 0x1000;
  bool gives_spis = true;
  bool makes_policies = true;
  std::vector<MakePolicy> made_policies;
  bool answers_for_spis = true;  ///< else its key table is silent, as one that just ended

  std::map<std::string, std::string> accounts;  ///< who may log in, with what password
  LoginJudged given;                            ///< what else is said of who may: an address, a token
  std::vector<Account> sessions;                ///< that began or ended
  bool judges = true;                           ///< else nobody answers whether a login is right
  std::vector<CheckLogin> questions;
  bool computes_at_once = true;  ///< else when nothing is on the way any more, the newest first
  std::vector<Compute> work;

  std::vector<Refusal> refusals;
  std::vector<Told> told;
  std::vector<Hook> hooks;
  std::map<std::pair<ChildProtocol, std::uint32_t>, ChildSa> in, out;
  std::vector<std::uint32_t> abandoned;
  std::vector<KeepAlive> keepalives;
  std::vector<Move> moves;
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
    Actions actions = side.machine().on(what, now, side.random);
    expect_no_forgotten_deadline(side);
    for (Action& action : actions) act(side, std::move(action));
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

  /// The newest work of that side.
  void compute(Side& side) {
    const Compute next = std::move(side.work.back());
    side.work.pop_back();
    event(side, Computed{next.id, std::make_shared<WorkProduct>(next.work())});
  }
  /// The event and all that comes of it, one piece of work at a time, each when nothing is on the way; how many there
  /// were.
  unsigned work_of(Side& side, const Event& what) {
    a.computes_at_once = b.computes_at_once = false;
    event(side, what);
    unsigned begun = 0;
    deliver();
    for (Side* busy = busy_side(); busy != nullptr; busy = busy_side()) {
      ++begun;
      compute(*busy);
      deliver();
    }
    return begun;
  }
  /// Delivers all that is on the way, and has done what is to compute.
  void settle() {
    deliver();
    for (Side* busy = busy_side(); busy != nullptr; busy = busy_side()) {
      compute(*busy);
      deliver();
    }
  }
  void deliver() {
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
  /// Whatever an event changes, the table knows when each SA is due.  Thrown, so that fuzzing ends with it as a test
  /// does.
  static void expect_no_forgotten_deadline(Side& side) {
    std::optional<Time> first;
    for (const auto& [cookie, sa] : side.machine().v1().sas()) {
      const auto due = v1::deadline_of(*sa);
      if (sa->due != due) throw std::logic_error{"the deadline of an SA is not known"};
      if (due && (!first || *due < *first)) first = due;
    }
    const auto next = side.machine().next_deadline();
    if (first && (!next || *next > *first)) throw std::logic_error{"the first deadline is forgotten"};
  }

  struct Datagram {
    net::Endpoint from, to;
    ByteVector bytes;
    bool floated;
  };
  using Table = std::map<std::pair<ChildProtocol, std::uint32_t>, ChildSa>;

  Side* busy_side() { return !a.work.empty() ? &a : !b.work.empty() ? &b : nullptr; }
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
    } else if (auto* policy = std::get_if<MakePolicy>(&action)) {
      side.made_policies.push_back(*policy);
      if (!side.makes_policies) return event(side, PolicyRefused{policy->child, "File exists"});
      std::erase_if(side.policies.generated,
                    [&](const auto& each) { return each.outbound == policy->request.outbound; });
      const auto number = static_cast<std::uint32_t>(0x4000 + 2 * side.made_policies.size());
      for (ChildItem& item : policy->request.items) item.reqid = ReqId{number}, item.reqid_in = ReqId{number + 1};
      side.policies.generated.push_back(policy->request);
      event(side, PolicyMade{policy->child, policy->request.outbound});
    } else if (auto* drop = std::get_if<DropPolicy>(&action)) {
      std::erase_if(side.policies.generated, [&](const auto& each) { return each.outbound == drop->outbound; });
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
    } else if (auto* login = std::get_if<CheckLogin>(&action)) {
      const auto account = side.accounts.find(login->user);
      const bool right =
          account != side.accounts.end() && equal_constant_time(as_bytes(account->second), login->password.expose());
      const LoginId id = login->login;
      side.questions.push_back(std::move(*login));
      if (side.judges)
        event(side, LoginJudged{id, right, "", side.given.address, side.given.netmask, side.given.token});
    } else if (auto* session = std::get_if<Account>(&action)) {
      side.sessions.push_back(std::move(*session));
    } else if (auto* slow = std::get_if<Compute>(&action)) {
      side.work.push_back(std::move(*slow));
      if (side.computes_at_once) compute(side);
    } else if (auto* move = std::get_if<Move>(&action)) {
      side.moves.push_back(*move);
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
