#pragma once
// Random worlds for express_world_test.cc: what a station's databases and settings hold, drawn from a seed, the other
// way round for its peer, and the packets and changes that happen to them.
//
//   World world{seed};
//   world.furnish(near, World::Side::Near);   world.furnish(far, World::Side::Far);
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "support/station.h"

namespace testudo::test {

class World {
 public:
  enum class Side : std::uint8_t { Near, Far };

  explicit World(std::uint64_t seed) : random(seed), apart(random.chance(50)) {
    for (std::size_t i = 0; i < kTunnels; ++i) {
      add_sa(i, spd::Direction::Out);
      add_sa(i, spd::Direction::In);
      if (!apart && random.chance(30)) add_sa(i, spd::Direction::Out);
    }
    for (std::size_t i = 0; i < kTunnels; ++i) add_policies(i);
    for (int i = 0; i < 3; ++i) policies_.push_back(clear_policy());
  }

  void furnish(Station& station, Side side) const {
    for (std::size_t i = 0; i < kTunnels; ++i)
      station.host.addresses.insert(side == Side::Near ? near_end(i) : far_end(i));
    station.host.addresses.insert(ip(side == Side::Near ? "10.0.1.200" : "10.0.2.200"));
    station.host.mtu = 1400;
    for (const Association& association : sas_) static_cast<void>(station.sad.add(association.make(side)));
    for (const spd::Policy& policy : policies_) install(station, policy, side);
  }

  /// From behind this side towards the other: mostly what goes the short way.
  ByteVector packet(Side from);
  /// Something happens to the databases or settings of all these stations, at the same time.
  void change(const std::vector<Station*>& nears, const std::vector<Station*>& fars);

  /// The bytes of each packet are determined: no drawn IVs and padding.
  bool drawn() const { return drawn_; }

  SeededRandom random;
  /// Each policy has a tunnel of its own, so that the numbers of each SA are given in the order of arrival.
  const bool apart;

 private:
  static constexpr std::size_t kTunnels = 4;
  /// Of which SAs are made.
  struct Association {
    std::string cipher, mac;
    net::Address from, to;
    Spi spi;
    sad::Mode mode{}, far_mode{};  ///< the far end may see it in another way
    ReqId reqid{};
    sad::SaFlags flags;
    std::uint32_t replay = 0;
    sad::Lifetime hard{}, soft{};
    std::optional<sad::NatTraversal> nat{}, far_nat{};
    std::uint64_t sequence = 0;  ///< the last that was given

    std::unique_ptr<sad::Sa> make(Side side) const;
  };

  static net::Address near_end(std::size_t i) {
    return ip((i % 2 == 0 ? "20.0.0." : "fd00::") + std::to_string(10 + i));
  }
  static net::Address far_end(std::size_t i) {
    return ip((i % 2 == 0 ? "20.0.1." : "fd00::1:") + std::to_string(10 + i));
  }

  void add_sa(std::size_t tunnel, spd::Direction direction);
  void add_policies(std::size_t tunnel);
  sad::Mode draw_mode();
  spd::Request request_for(std::size_t tunnel, spd::Direction direction);
  spd::Policy clear_policy();
  void draw_selector(spd::Policy& policy);
  void limit(Association& made);
  static void install(Station& station, spd::Policy policy, Side side);
  void change_settings(const std::vector<Station*>& nears, std::uint32_t what, std::int32_t value);

  std::vector<Association> sas_;
  std::vector<spd::Policy> policies_;
  std::uint32_t next_spi_ = 0x1000;
  bool drawn_ = false;
};

inline void World::add_sa(std::size_t tunnel, spd::Direction direction) {
  static const std::array<std::pair<std::string, std::string>, 6> kForms{{{"aes-gcm-16", ""},
                                                                          {"aes-gcm-16", ""},
                                                                          {"aes-ctr", "hmac-sha1"},
                                                                          {"null", "hmac-sha256"},
                                                                          {"chacha20-poly1305", ""},
                                                                          {"aes-cbc", "hmac-sha256"}}};
  const bool out = direction == spd::Direction::Out;
  // Drawn IVs in a part of the worlds only: there bytes cannot be compared.
  const auto& [cipher, mac] = kForms.at(random.below(random.chance(20) ? 6 : 5));
  sad::SaFlags flags;
  flags.extended_sequence = random.chance(30);
  flags.cyclic_sequence = random.chance(30);
  if (random.chance(10)) flags.padding = random.chance(50) ? sad::Padding::Zero : sad::Padding::Random;
  Association made{.cipher = cipher,
                   .mac = mac,
                   .from = out ? near_end(tunnel) : far_end(tunnel),
                   .to = out ? far_end(tunnel) : near_end(tunnel),
                   .spi = Spi{next_spi_++},
                   .flags = flags};
  made.mode = draw_mode();
  made.far_mode = random.chance(85) ? made.mode : draw_mode();
  if (random.chance(50)) made.reqid = ReqId{static_cast<std::uint32_t>(tunnel) + 1};
  // An SA whose packets also come inside those of another may see them in another order: not with a small window.
  made.replay = std::array<std::uint32_t, 4>{0, 1024, 32, 64}.at(random.below(apart ? 4 : 2));
  // Which packets pass a limit depends on their order, and inbound on what is opened in one run.
  if (apart && out) limit(made);
  if (random.chance(40)) made.nat = sad::NatTraversal{};
  if (made.nat && random.chance(20)) made.nat->fragment_size = 600;
  if (made.nat && random.chance(10)) made.nat->kind = sad::NatTraversal::Kind::NonIke;
  if (random.chance(80)) made.far_nat = made.nat;
  const bool may_be_cut = made.nat && made.nat->fragment_size == 600;
  const bool nonce = cipher != "null" && cipher != "aes-cbc";  // such SAs do not begin again at 1
  const bool ends = !flags.extended_sequence && (nonce || !flags.cyclic_sequence);
  if (random.chance(30) && (apart || !ends)) made.sequence = UINT32_MAX - random.below(400);
  if (random.chance(5) && apart && flags.extended_sequence) made.sequence = UINT64_MAX - random.below(400);
  drawn_ = drawn_ || cipher == "aes-cbc" || flags.padding == sad::Padding::Random || may_be_cut;
  sas_.push_back(std::move(made));
}

/// Where nonces and identifications start is drawn by an SA at its first packet, which need not be the same one.
inline std::unique_ptr<sad::Sa> World::Association::make(Side side) const {
  sad::SaParameters p = esp(from, to, cipher, mac, flags);
  p.spi = spi;
  p.group.mode = side == Side::Near ? mode : far_mode;
  p.group.reqid = reqid;
  p.replay_packets = replay;
  p.lifetimes = sad::Lifetimes{hard, soft};
  p.nat = side == Side::Near ? nat : far_nat;
  std::unique_ptr<sad::Sa> made = sa(std::move(p));
  made->iv_counter = sad::IvCounter{spi.value};
  made->share().identification = static_cast<std::uint16_t>(spi.value);
  if (sequence == 0) return made;
  made->sequence = sad::Sequence{flags.extended_sequence, made->sequence.wrap(), sequence};
  made->window.commit(sequence);
  return made;
}

inline sad::Mode World::draw_mode() {
  if (random.chance(75)) return sad::Mode::Tunnel;
  return random.chance(60) ? sad::Mode::Any : sad::Mode::Transport;
}

inline void World::limit(Association& p) {
  if (random.chance(10)) p.hard.allocations = 1 + random.below(200);
  if (random.chance(10)) p.hard.bytes = 1 + random.below(60000);
  if (random.chance(20)) p.soft.allocations = 1 + random.below(200);
  if (random.chance(10)) p.hard.addtime = 1 + random.below(30);
  if (random.chance(10)) p.hard.usetime = 1 + random.below(20);
}

inline void World::draw_selector(spd::Policy& policy) {
  static const std::array<std::string, 4> kSources{"10.0.1.0/24", "10.0.1.1/32", "fd01::/64", "10.0.0.0/16"};
  static const std::array<std::string, 4> kDestinations{"10.0.2.0/24", "10.0.2.2/32", "fd02::/64", "0.0.0.0/0"};
  const std::size_t source = random.below(4);
  const std::size_t other = std::array<std::size_t, 3>{0, 1, 3}.at(random.below(3));
  policy.selector.source = prefix(kSources.at(source));
  policy.selector.destination = prefix(kDestinations.at(source == 2 ? 2 : other));
  if (random.chance(30)) policy.selector.protocol = random.chance(50) ? net::protocol::kTcp : net::protocol::kUdp;
  if (policy.selector.protocol != net::protocol::kAny && random.chance(60)) {
    policy.selector.destination_port = random.chance(50) ? 80 : 4500;
  }
  if (policy.direction == spd::Direction::In) {
    std::swap(policy.selector.source, policy.selector.destination);
    std::swap(policy.selector.source_port, policy.selector.destination_port);
  }
}

inline spd::Request World::request_for(std::size_t tunnel, spd::Direction direction) {
  const bool out = direction == spd::Direction::Out;
  const net::Address from = out ? near_end(tunnel) : far_end(tunnel), to = out ? far_end(tunnel) : near_end(tunnel);
  const auto level =
      std::array{spd::Level::Require, spd::Level::Use, spd::Level::Default, spd::Level::Unique}.at(random.below(4));
  spd::Request request =
      test::tunnel(random.chance(95) ? spd::RequestProtocol::Esp : spd::RequestProtocol::Ipcomp, from, to, level);
  if (level == spd::Level::Unique) request.reqid = ReqId{static_cast<std::uint32_t>(tunnel) + 1};
  if (random.chance(4)) request.mode = spd::RequestMode::Transport;
  if (random.chance(3)) request.source = net::Endpoint{net::Address::any(from.family()), 0};
  if (random.chance(3)) request.destination->port = 4500;
  return request;
}

inline void World::add_policies(std::size_t tunnel) {
  for (const auto direction : {spd::Direction::Out, spd::Direction::In}) {
    for (std::uint32_t i = 0, n = apart ? 1 : 1 + random.below(4); i < n; ++i) {
      spd::Policy policy;
      policy.direction = direction;
      policy.action = spd::Action::Ipsec;
      draw_selector(policy);
      policy.requests.push_back(request_for(tunnel, direction));
      if (!apart && random.chance(5)) policy.requests.push_back(request_for((tunnel + 1) % kTunnels, direction));
      policies_.push_back(std::move(policy));
    }
  }
}

inline spd::Policy World::clear_policy() {
  spd::Policy policy;
  policy.direction = random.chance(50) ? spd::Direction::Out : spd::Direction::In;
  policy.action =
      std::array{spd::Action::None, spd::Action::Discard, spd::Action::Bypass, spd::Action::Entrust, spd::Action::Ipsec}
          .at(random.below(5));
  draw_selector(policy);
  return policy;
}

inline void World::install(Station& station, spd::Policy policy, Side side) {
  const bool out = policy.direction == spd::Direction::Out;
  if (side == Side::Far) policy.direction = out ? spd::Direction::In : spd::Direction::Out;
  static_cast<void>(station.spd.add(std::move(policy)));  // some have the selector of another
}

inline ByteVector World::packet(Side from) {
  static const std::array<std::string, 2> kNear{"10.0.1.", "fd01::"}, kFar{"10.0.2.", "fd02::"};
  const std::size_t family = random.below(3) == 0 ? 1 : 0;
  net::Address source = ip((from == Side::Near ? kNear : kFar).at(family) + std::to_string(1 + random.below(3)));
  net::Address destination = ip((from == Side::Near ? kFar : kNear).at(family) + std::to_string(1 + random.below(3)));
  if (family == 0 && random.chance(3)) destination = ip(from == Side::Near ? "10.0.2.200" : "10.0.1.200");
  if (family == 0 && random.chance(2)) destination = ip("224.0.0.1");
  if (family == 0 && random.chance(2)) source = ip(from == Side::Near ? "10.0.2.200" : "10.0.1.200");
  const ByteVector data = random.bytes(random.chance(8) ? 1150 + random.below(300) : random.below(200));
  IpFields fields{.traffic_class = static_cast<std::uint8_t>(random.below(256)), .dont_fragment = random.chance(50)};
  if (random.chance(4) && family == 0) fields.options = {1, 1, 1, 1};
  if (random.chance(4) && family == 1) {
    fields.options = {net::protocol::kUdp, 0, 1, 4, 0, 0, 0, 0};
    fields.first_extension = net::protocol::kDestination;
  }
  if (random.chance(3) && family == 0) fields.more_fragments = true;
  if (random.chance(4)) return icmp_echo(source, destination, 1, 2, data, fields);
  if (random.chance(4)) return test::packet(source, destination, 132, data, fields);
  if (random.chance(4))
    return test::packet(source, destination, net::protocol::kUdp, random.bytes(random.below(8)), fields);
  const auto port = static_cast<std::uint16_t>(1024 + random.below(3));
  if (random.chance(50) || !fields.options.empty()) {
    return udp({source, port}, {destination, static_cast<std::uint16_t>(random.chance(50) ? 4500 : 53)}, data, fields);
  }
  ByteVector packet = tcp({source, port}, {destination, 80}, data, fields);
  if (random.chance(3) && family == 0) packet[10] ^= 1;  // the checksum
  if (random.chance(3)) packet.resize(random.below(static_cast<std::uint32_t>(packet.size())));
  if (random.chance(4)) packet.resize(packet.size() + 7);
  return packet;
}

inline void World::change_settings(const std::vector<Station*>& nears, std::uint32_t what, std::int32_t value) {
  for (Station* station : nears) {
    engine::Settings& s = station->settings;
    const std::array<std::int32_t*, 12> variables{&s.headers.ecn_v4,      &s.headers.ecn_v6,     &s.headers.dfbit,
                                                  &s.headers.default_ttl, &s.esp_enable,         &s.enabled,
                                                  &s.ipip_spoofcheck,     &s.v4.esp_net_deflev,  &s.v6.esp_net_deflev,
                                                  &s.v4.def_policy,       &s.key.prefered_oldsa, &s.ipcomp_enable};
    *variables.at(what) = value;
  }
}

inline void World::change(const std::vector<Station*>& nears, const std::vector<Station*>& fars) {
  std::vector<Station*> all = nears;
  all.insert(all.end(), fars.begin(), fars.end());
  const Association association = sas_.at(random.below(static_cast<std::uint32_t>(sas_.size())));
  const spd::Policy policy = policies_.at(random.below(static_cast<std::uint32_t>(policies_.size())));
  const std::uint32_t kind = random.below(9), what = random.below(12), mtu = random.below(4), fresh = next_spi_++;
  const std::int32_t value = static_cast<std::int32_t>(random.below(3)) - (what < 2 ? 1 : 0);
  if (kind < 3) return change_settings(nears, what, value);
  for (Station* station : all) {
    const Side side = std::ranges::find(nears, station) != nears.end() ? Side::Near : Side::Far;
    Association successor = association;
    successor.spi = Spi{fresh};
    if (kind == 3) station->sad.remove(sad::SaProtocol::Esp, association.from, association.to, association.spi);
    if (kind == 4) static_cast<void>(station->sad.add(successor.make(side)));
    if (kind == 5) static_cast<void>(station->sad.update(association.make(side)));
    if (kind == 6) station->spd.flush();
    if (kind == 6 || kind == 7) {
      for (const spd::Policy& one : policies_) install(*station, one, side);
    }
    if (kind == 7) static_cast<void>(station->spd.remove(policy.direction, policy.selector));
    if (kind == 8) station->host.mtu = std::array<std::size_t, 4>{1500, 1400, 1280, 1000}.at(mtu);
  }
}

}  // namespace testudo::test
