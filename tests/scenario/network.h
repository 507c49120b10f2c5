#pragma once
// The network of the scenarios, and ways to protect what crosses it:
//
//   10.0.1.0/24, fd00:1::/64 ─── A 20.0.0.1, 2001:db8::1 ═══ link ═══ B 20.0.0.2, 2001:db8::2 ─── 10.0.2.0/24,
//   fd00:2::/64
//
// A way is a list of requests in the order of a policy (the first is the innermost); protect() installs the SAs and the
// policies of both directions at both ends.
#include <string>
#include <vector>

#include "support/station.h"

namespace testudo::test {

using Proto = spd::RequestProtocol;
using Mode = spd::RequestMode;

struct Layer {
  Proto protocol = Proto::Esp;
  Mode mode = Mode::Transport;
  std::string cipher = "aes-cbc", mac = "hmac-sha256";
};
using Way = std::vector<Layer>;

/// Addresses of one family on both sides.
struct Sides {
  net::Address a, b;               ///< outside
  net::Address cloud_a, cloud_b;   ///< a host behind each
  std::string prefix_a, prefix_b;  ///< the networks behind
};

inline Sides sides(net::Family family) {
  if (family == net::Family::V4) {
    return {ip("20.0.0.1"), ip("20.0.0.2"), ip("10.0.1.5"), ip("10.0.2.5"), "10.0.1.0/24", "10.0.2.0/24"};
  }
  return {ip("2001:db8::1"), ip("2001:db8::2"), ip("fd00:1::5"), ip("fd00:2::5"), "fd00:1::/64", "fd00:2::/64"};
}

inline bool has_tunnel(const Way& way) {
  return std::ranges::any_of(way, [](const Layer& l) { return l.mode == Mode::Tunnel; });
}
inline bool hides_text(const Way& way) {
  return std::ranges::any_of(way, [](const Layer& l) { return l.protocol == Proto::Esp && l.cipher != "null"; });
}

/// What does not shrink is sent as it is (RFC 3173 section 2.2).
inline bool only_compresses(const Way& way) {
  return std::ranges::all_of(way, [](const Layer& l) { return l.protocol == Proto::Ipcomp; });
}
inline void allow_uncompressed(LeakOracle& oracle, const Way& way) {
  if (way.back().protocol != Proto::Ipcomp) return;
  oracle.allow_protocol(net::protocol::kIpv4);
  oracle.allow_protocol(net::protocol::kIpv6);
  if (only_compresses(way)) oracle.allow_protocol(net::protocol::kUdp);
}

inline std::string to_string(const Way& way) {
  std::string text;
  for (const Layer& layer : way) {
    text += text.empty() ? "" : ", ";
    text += layer.protocol == Proto::Ah ? "ah/" : layer.protocol == Proto::Esp ? "esp/" : "ipcomp/";
    text += layer.mode == Mode::Tunnel ? "tunnel" : "transport";
    if (layer.protocol == Proto::Esp) text += " " + layer.cipher + "+" + layer.mac;
  }
  return text;
}

/// The SA of one layer; the number keeps SPIs and reqids of a bundle apart.
inline sad::SaParameters sa_of(const Layer& layer, const net::Address& source, const net::Address& destination,
                               std::uint32_t number) {
  sad::SaParameters p;
  switch (layer.protocol) {
    case Proto::Ah:
      p = ah(source, destination, layer.mac);
      break;
    case Proto::Esp:
      p = esp(source, destination, layer.cipher, layer.mac);
      break;
    case Proto::Ipcomp:
      p = ipcomp(source, destination);
      break;
  }
  p.spi = Spi{0x1000 + number};
  p.group.reqid = ReqId{100 + number};
  p.group.mode = layer.mode == Mode::Tunnel ? sad::Mode::Tunnel : sad::Mode::Transport;
  return p;
}

/// Installs `way` for what crosses between the sides, with packets of `inner` in headers of `outer`.
class Protection {
 public:
  Protection(EnginePair& pair, const Way& way, net::Family inner, net::Family outer,
             spd::Level level = spd::Level::Unique)
      : way_(way), inner_(sides(inner)), outer_(sides(outer)), level_(level) {
    for (Station* station : {&pair.a, &pair.b}) {
      install_sas(*station);
      install_policies(*station, station == &pair.a);
    }
    add_addresses(pair);
    for (Link* link : {&pair.a_to_b, &pair.b_to_a}) {
      if (hides_text(way)) link->oracle().forbid_text(kMarker);
      allow_uncompressed(link->oracle(), way);
      if (!has_tunnel(way)) continue;
      link->oracle().forbid_address(inner_.cloud_a);
      link->oracle().forbid_address(inner_.cloud_b);
    }
  }

  static constexpr std::string_view kMarker = "attack at dawn";

  /// The ends of a conversation that the policy covers.
  net::Address from_a() const { return has_tunnel(way_) ? inner_.cloud_a : inner_.a; }
  net::Address from_b() const { return has_tunnel(way_) ? inner_.cloud_b : inner_.b; }

  /// A datagram of this many bytes of repeated marker, from A's side to B's, or back.
  ByteVector datagram(std::size_t size, const IpFields& fields = {}) const {
    return udp({from_a(), 1025}, {from_b(), 7}, text(size), fields);
  }
  ByteVector answer(std::size_t size, const IpFields& fields = {}) const {
    return udp({from_b(), 7}, {from_a(), 1025}, text(size), fields);
  }
  static ByteVector text(std::size_t size) {
    ByteVector out;
    while (out.size() < size) out.push_back(static_cast<std::uint8_t>(kMarker[out.size() % kMarker.size()]));
    return out;
  }

 private:
  void install_sas(Station& station) const {
    for (std::uint32_t i = 0; i < way_.size(); ++i) {
      station.install(sa_of(way_[i], end_a(i), end_b(i), i));
      station.install(sa_of(way_[i], end_b(i), end_a(i), i));
    }
  }

  void install_policies(Station& station, bool is_a) const {
    using spd::Direction;
    const std::string a = has_tunnel(way_) ? inner_.prefix_a : inner_.a.to_string();
    const std::string b = has_tunnel(way_) ? inner_.prefix_b : inner_.b.to_string();
    station.install(policy(is_a ? Direction::Out : Direction::In, a, b, requests(true)));
    station.install(policy(is_a ? Direction::In : Direction::Out, b, a, requests(false)));
  }

  std::vector<spd::Request> requests(bool a_to_b) const {
    std::vector<spd::Request> out;
    for (std::uint32_t i = 0; i < way_.size(); ++i) {
      spd::Request r = request(way_[i].protocol, level_);
      if (level_ == spd::Level::Unique) r.reqid = ReqId{100 + i};
      if (way_[i].mode == Mode::Tunnel) {
        r = tunnel(way_[i].protocol, a_to_b ? end_a(i) : end_b(i), a_to_b ? end_b(i) : end_a(i), level_);
        if (level_ == spd::Level::Unique) r.reqid = ReqId{100 + i};
      }
      out.push_back(r);
    }
    return out;
  }

  /// Inside the first tunnel the ends are the inner ones, from it on the outer ones.
  bool outside(std::uint32_t layer) const {
    for (std::uint32_t i = 0; i <= layer; ++i) {
      if (way_[i].mode == Mode::Tunnel) return true;
    }
    return false;
  }
  net::Address end_a(std::uint32_t layer) const { return outside(layer) ? outer_.a : from_a(); }
  net::Address end_b(std::uint32_t layer) const { return outside(layer) ? outer_.b : from_b(); }

  void add_addresses(EnginePair& pair) const {
    pair.a.host.addresses = {outer_.a, inner_.a};
    pair.b.host.addresses = {outer_.b, inner_.b};
    // Transport inside a tunnel ends at the host behind it, which then is the same machine.
    if (has_tunnel(way_) && way_.front().mode == Mode::Transport) {
      pair.a.host.addresses.insert(from_a());
      pair.b.host.addresses.insert(from_b());
      pair.a.settings.ipip_spoofcheck = pair.b.settings.ipip_spoofcheck = 1;
    }
  }

  Way way_;
  Sides inner_, outer_;
  spd::Level level_;
};

}  // namespace testudo::test
