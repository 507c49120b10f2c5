#pragma once
// A conversation of two IKE machines that bytes direct, for a fuzzer: whether each datagram arrives, how often, changed
// how (ike_tamper.h), what strangers put in between, when time passes, what the key table tells.  The same bytes do the
// same.  What must hold whatever they are: both ends end their work, and SAs of one SPI have the same keys at both ends
// unless somebody with the keys lied; and no policy that was generated outlives the SAs.
#include <array>

#include "support/ike_tamper.h"

namespace testudo::ike::test {

class IkeScript {
 public:
  explicit IkeScript(Bytes script)
      : script_(script), generates_(!script.empty() && (script[0] & 0x04) != 0), pair_(policy(byte())), tamper_(pair_) {
    pair_.b.policy.remotes[0].exchange_modes = {v1wire::Exchange::Base, v1wire::Exchange::Main,
                                                v1wire::Exchange::Aggressive};
    Remote& server = pair_.b.policy.remotes[0];
    if (std::exchange(server.mode_cfg, false)) {
      server.proposals[0].xauth = Xauth::Server;
      pair_.b.policy.mode_config.network4 = address("10.77.0.1");
      pair_.b.policy.mode_config.banner = "welcome";
      pair_.a.keys.of["anna"] = pair_.b.accounts["anna"] = "tulip";
    }
    if (generates_) {
      server.generate_policy = GeneratePolicy::Unique;
      pair_.b.policies.only = {*net::Prefix::parse("10.1.0.0/16"), *net::Prefix::parse("10.2.0.0/16")};
    }
    pair_.link = [this](unsigned, ByteVector& datagram) { return deliver(datagram); };
  }

  /// False when something does not hold.
  bool run() {
    static constexpr unsigned kMostSteps = 40, kMostDatagrams = 4000;
    for (unsigned i = 0; i < kMostSteps && !script_.empty(); ++i) step(byte());
    if (pair_.datagrams >= kMostDatagrams || (!lied_ && pair_.disagrees())) return false;
    pair_.event(pair_.b, Shutdown{});
    return pair_.b.policies.generated.empty();
  }

 private:
  static Policy policy(std::uint8_t choice) {
    static constexpr std::array kModes{v1wire::Exchange::Main, v1wire::Exchange::Aggressive, v1wire::Exchange::Base};
    Policy made = default_policy();
    Remote& remote = made.remotes[0];
    remote.exchange_modes = {kModes[choice % kModes.size()]};
    if ((choice & 0x08) != 0) {  // with enough of it for messages in pieces
      remote.ike_frag = Fragmentation::Force;
      remote.nonce_size = 256;
      remote.my_identifier = Identity{v1wire::IdType::KeyId, ByteVector(400, 'k')};
    }
    if ((choice & 0x10) != 0) remote.nat_traversal = NatTraversal::On;
    if ((choice & 0x20) != 0) remote.nat_traversal = NatTraversal::Force;
    if ((choice & 0x30) == 0x30) {  // or else with a login and an address
      remote.nat_traversal = NatTraversal::Off;
      remote.proposals[0].xauth = Xauth::Client;
      remote.xauth_login = "anna";
      remote.mode_cfg = true;
    }
    if ((choice & 0x40) != 0) remote.dpd_delay = seconds{5};
    if ((choice & 0x80) != 0) remote.proposals[0].lifetime = 60;
    return made;
  }

  std::uint8_t byte() {
    if (script_.empty()) return 0;
    const std::uint8_t first = script_.front();
    script_ = script_.subspan(1);
    return first;
  }
  Bytes some() {
    const Bytes taken = script_.first(std::min<std::size_t>(byte(), script_.size()));
    script_ = script_.subspan(taken.size());
    return taken;
  }
  std::size_t place(std::size_t size) {
    const std::size_t high = byte(), low = byte();
    return size == 0 ? 0 : (high << 8 | low) % size;
  }

  void step(std::uint8_t what) {
    Side& side = (what & 0x80) != 0 ? pair_.b : pair_.a;
    switch (what % 8) {
      case 0:
      case 1:
        return pair_.want(side);
      case 2:
        return pair_.pass(seconds{byte()});
      case 3:
        return strange(side);
      case 4:
        return expire(side, (what & 0x40) != 0);
      case 5:
        return (what & 0x40) != 0 ? remap(side) : (pair_.event(side, Restarted{}), pair_.settle());
      case 6:
        return (what & 0x40) != 0 ? policies_change(what) : (pair_.event(side, Flushed{}), pair_.settle());
      default:
        return pair_.event(side, Shutdown{}), pair_.settle();
    }
  }

  /// What testudod says of a packet that the script makes genuine.
  void remap(Side& side) {
    if (side.in.empty()) return;
    const net::Endpoint was{side.there, static_cast<std::uint16_t>(place(0xffff))};
    const net::Endpoint now{side.there, static_cast<std::uint16_t>(place(0xffff))};
    pair_.event(side, NewMapping{Spi{side.in.begin()->first.second}, was, now});
    pair_.settle();
  }

  /// The administrator of b adds one, the time of one is over, or testudod begins or ends to refuse them.
  void policies_change(std::uint8_t what) {
    const net::Selector hosts{net::Prefix::host(pair_.b.here), net::Prefix::host(pair_.b.there)};
    if ((what & 0x20) != 0) {
      pair_.b.makes_policies = !pair_.b.makes_policies;
    } else if ((what & 0x10) != 0) {
      pair_.event(pair_.b, PolicyAdded{hosts});
    } else {
      pair_.event(pair_.b, PolicyGone{hosts});
    }
    pair_.settle();
  }

  void expire(Side& side, bool hard) {
    if (side.out.empty()) return;
    const ChildSa& sa = side.out.begin()->second;
    pair_.event(side, Expired{sa.item.protocol, sa.spi, sa.destination, hard});
    pair_.settle();
  }

  /// A message of the script's own, with the cookies of an SA that exists unless they are given too.
  void strange(Side& to) {
    const Bytes own = some();
    ByteVector message{own.begin(), own.end()};
    const auto& sas = to.machine().v1().sas();
    if (!sas.empty() && message.size() >= 16) std::ranges::copy(sas.begin()->second->cookies.bytes(), message.begin());
    pair_.event(to, Received{{to.here, 500}, {to.there, 500}, std::move(message)});
    pair_.settle();
  }

  unsigned deliver(ByteVector& datagram) {
    const std::uint8_t what = byte();
    const auto flip = [this](ByteVector& bytes) {
      if (!bytes.empty()) bytes[place(bytes.size())] ^= static_cast<std::uint8_t>(byte() | 1);
    };
    const auto replace = [this](ByteVector& payloads) {
      const Bytes own = some();
      std::ranges::copy(own.first(std::min(own.size(), payloads.size())), payloads.begin());
    };
    const bool changes_inside = what % 8 >= 4;
    if (!changes_inside) static_cast<void>(tamper_.under_encryption(datagram, {}));
    switch (what % 8) {
      case 1:
        return 0;
      case 2:
        return 2;
      case 3:
        return flip(datagram), 1;
      case 4:
        return static_cast<void>(tamper_.under_encryption(datagram, flip)), 1;
      case 5:
        lied_ = true;
        return static_cast<void>(tamper_.under_encryption(datagram, flip, Tamper::Hash::Right)), 1;
      case 6:
        lied_ = true;
        return static_cast<void>(tamper_.under_encryption(datagram, replace, Tamper::Hash::Right)), 1;
      case 7:
        if (datagram.size() > wire::ike::kHeaderBytes) datagram.resize(place(datagram.size()) + 1);
        return 1;
      default:
        return 1;
    }
  }

  Bytes script_;
  bool generates_;  ///< b has no policy but those that it makes
  Pair pair_;
  Tamper tamper_;
  bool lied_ = false;  ///< with the keys in hand
};

}  // namespace testudo::ike::test
