#include "pfkey/server/sa_message.h"

#include <algorithm>

namespace testudo::pfkey::server {
namespace {

namespace saflag = wire::pfkey::saflag;
using wire::pfkey::Message;
using wire::pfkey::SaType;

constexpr std::uint32_t kMaxReplayByte = 255;

std::optional<sad::Mode> mode_of(wire::pfkey::Mode mode) {
  switch (mode) {
    case wire::pfkey::Mode::Any:
    case wire::pfkey::Mode::TcpMd5:  // KAME's word for the mode of an SA that protects no IP packet
      return sad::Mode::Any;
    case wire::pfkey::Mode::Transport:
      return sad::Mode::Transport;
    case wire::pfkey::Mode::Tunnel:
      return sad::Mode::Tunnel;
  }
  return std::nullopt;
}

wire::pfkey::Mode mode_word(sad::Mode mode) {
  switch (mode) {
    case sad::Mode::Any:
      return wire::pfkey::Mode::Any;
    case sad::Mode::Transport:
      return wire::pfkey::Mode::Transport;
    case sad::Mode::Tunnel:
      return wire::pfkey::Mode::Tunnel;
  }
  return wire::pfkey::Mode::Any;
}

wire::pfkey::SaState state_word(sad::State state) {
  switch (state) {
    case sad::State::Larval:
      return wire::pfkey::SaState::Larval;
    case sad::State::Mature:
      return wire::pfkey::SaState::Mature;
    case sad::State::Dying:
      return wire::pfkey::SaState::Dying;
    case sad::State::Dead:
      return wire::pfkey::SaState::Dead;
  }
  return wire::pfkey::SaState::Dead;
}

std::uint8_t encrypt_word(const sad::SaParameters& p) {
  if (p.cipher != nullptr) return p.cipher->id;
  return p.compression != nullptr ? p.compression->id : std::uint8_t{0};
}

/// The counter that has moved: an SA runs in one direction only.
std::uint32_t counter_of(const sad::Sa& sa) {
  return static_cast<std::uint32_t>(std::max(sa.sequence.last(), sa.window.highest()));
}

wire::pfkey::LifetimeExt current_of(const sad::Sa& sa, const WallReference& wall) {
  const sad::Usage usage = sa.usage();
  wire::pfkey::LifetimeExt current;
  current.allocations = static_cast<std::uint32_t>(usage.packets);
  current.bytes = usage.bytes;
  current.addtime = static_cast<std::uint64_t>(wall.to_unix(sa.created()));
  if (usage.last) current.usetime = static_cast<std::uint64_t>(wall.to_unix(*usage.last));
  return current;
}

wire::pfkey::KeyExt key_ext(const Secret& key) {
  return {static_cast<std::uint16_t>(key.size() * 8), key.clone()};
}

void describe_keys(const sad::SaParameters& p, Message& into) {
  if (p.mac != nullptr) into.auth_key = key_ext(p.mac_key);
  if (p.cipher != nullptr) into.encrypt_key = key_ext(p.cipher_key);
}

void describe_nat(const sad::SaParameters& p, Message& into) {
  into.nat_t_type = p.nat ? static_cast<std::uint8_t>(p.nat->kind) : std::uint8_t{0};
  if (!p.nat) return;
  into.nat_t_sport = p.nat->source_port;
  into.nat_t_dport = p.nat->destination_port;
  into.nat_t_oa = p.nat->original_initiator;
  into.nat_t_oar = p.nat->original_responder;
  if (p.nat->fragment_size != 0xffff) into.nat_t_frag = p.nat->fragment_size;
}

/// From the extension, or else from the address; 0 counts as none.
std::uint16_t port_of(std::optional<std::uint16_t> extension, const std::optional<wire::pfkey::AddressExt>& address) {
  if (extension) return *extension;
  return address ? address->endpoint.port : std::uint16_t{0};
}

}  // namespace

std::optional<sad::SaProtocol> protocol_of(SaType satype) {
  switch (satype) {
    case SaType::Ah:
      return sad::SaProtocol::Ah;
    case SaType::Esp:
      return sad::SaProtocol::Esp;
    case SaType::Ipcomp:
      return sad::SaProtocol::Ipcomp;
    case SaType::TcpSignature:
      return sad::SaProtocol::TcpSignature;
    default:
      return std::nullopt;
  }
}

SaType satype_of(sad::SaProtocol protocol) {
  switch (protocol) {
    case sad::SaProtocol::Ah:
      return SaType::Ah;
    case sad::SaProtocol::Esp:
      return SaType::Esp;
    case sad::SaProtocol::Ipcomp:
      return SaType::Ipcomp;
    case sad::SaProtocol::TcpSignature:
      return SaType::TcpSignature;
  }
  return SaType::Unspec;
}

std::optional<sad::SaFlags> flags_of(std::uint32_t word) {
  constexpr std::uint32_t kKnown = saflag::kOld | saflag::kIv4b | saflag::kDeriv | saflag::kCycSeq | saflag::kRawCpi |
                                   saflag::kPadMask | saflag::kEsn;
  if ((word & ~kKnown) != 0 || (word & saflag::kPadMask) == saflag::kPadMask) return std::nullopt;
  sad::SaFlags flags;
  flags.old_format = (word & saflag::kOld) != 0;
  flags.four_byte_iv = (word & saflag::kIv4b) != 0;
  flags.derived_iv = (word & saflag::kDeriv) != 0;
  flags.cyclic_sequence = (word & saflag::kCycSeq) != 0;
  flags.raw_cpi = (word & saflag::kRawCpi) != 0;
  flags.extended_sequence = (word & saflag::kEsn) != 0;
  if ((word & saflag::kPadRandom) != 0) flags.padding = sad::Padding::Random;
  if ((word & saflag::kPadZero) != 0) flags.padding = sad::Padding::Zero;
  return flags;
}

std::uint32_t flags_word(const sad::SaFlags& flags) {
  std::uint32_t word = 0;
  if (flags.old_format) word |= saflag::kOld;
  if (flags.four_byte_iv) word |= saflag::kIv4b;
  if (flags.derived_iv) word |= saflag::kDeriv;
  if (flags.cyclic_sequence) word |= saflag::kCycSeq;
  if (flags.raw_cpi) word |= saflag::kRawCpi;
  if (flags.extended_sequence) word |= saflag::kEsn;
  if (flags.padding == sad::Padding::Random) word |= saflag::kPadRandom;
  if (flags.padding == sad::Padding::Zero) word |= saflag::kPadZero;
  return word;
}

Result<sad::SaGroup, Errno> group_of(const Message& message) {
  const auto protocol = protocol_of(message.satype);
  const auto mode = mode_of(message.sa2 ? message.sa2->mode : wire::pfkey::Mode::Any);
  if (!protocol || !mode || !message.source || !message.destination) return Failure{Errno::Invalid};
  const ReqId reqid = message.sa2 ? message.sa2->reqid : ReqId{};
  return sad::SaGroup{*protocol, *mode, message.source->endpoint.address, message.destination->endpoint.address, reqid};
}

sad::Ports ports_of(const Message& message) {
  return {port_of(message.nat_t_sport, message.source), port_of(message.nat_t_dport, message.destination)};
}

Result<std::optional<sad::NatTraversal>, Errno> nat_traversal_of(const Message& message) {
  using Kind = sad::NatTraversal::Kind;
  const std::uint8_t type = message.nat_t_type.value_or(0);
  if (type == 0) {
    if (message.nat_t_sport || message.nat_t_dport) return Failure{Errno::Invalid};
    return std::optional<sad::NatTraversal>{};
  }
  const bool known = type == wire::pfkey::kEncapNonIke || type == wire::pfkey::kEncapEspInUdp;
  sad::NatTraversal nat;
  nat.kind = type == wire::pfkey::kEncapNonIke ? Kind::NonIke : Kind::EspInUdp;
  nat.source_port = ports_of(message).source;
  nat.destination_port = ports_of(message).destination;
  // RFC 3948 encapsulates ESP; AH cannot pass a NAT.
  const bool complete = nat.source_port != 0 && nat.destination_port != 0;
  if (!known || !complete || message.satype != SaType::Esp) return Failure{Errno::Invalid};
  nat.original_initiator = message.nat_t_oa;
  nat.original_responder = message.nat_t_oar;
  nat.fragment_size = message.nat_t_frag.value_or(nat.fragment_size);
  return std::optional{nat};
}

wire::pfkey::LifetimeExt lifetime_ext(const sad::Lifetime& lifetime) {
  return {lifetime.allocations, lifetime.bytes, lifetime.addtime, lifetime.usetime};
}

wire::pfkey::AddressExt host_ext(const net::Address& address, std::uint16_t port) {
  return {{address, port}, net::protocol::kAny, static_cast<std::uint8_t>(address.width())};
}

void describe_sa(const sad::Sa& sa, const WallReference& wall, Message& into) {
  const sad::SaParameters& p = sa.parameters();
  const std::uint32_t eighths = p.replay_packets / 8;
  into.satype = satype_of(p.group.protocol);
  into.sa = {.spi = p.spi,
             .replay = static_cast<std::uint8_t>(std::min(eighths, kMaxReplayByte)),
             .state = state_word(sa.state()),
             .auth = p.mac != nullptr ? p.mac->id : std::uint8_t{0},
             .encrypt = encrypt_word(p),
             .flags = flags_word(p.flags)};
  if (eighths > kMaxReplayByte || p.replay_packets % 8 != 0) into.replay_window = p.replay_packets;
  into.sa2 = {mode_word(p.group.mode), counter_of(sa), p.group.reqid};
  if (sa.state() != sad::State::Larval) into.current = current_of(sa, wall);
  into.source = host_ext(p.group.source, p.nat ? p.nat->source_port : std::uint16_t{0});
  into.destination = host_ext(p.group.destination, p.nat ? p.nat->destination_port : std::uint16_t{0});
}

Message dumped_sa(const sad::Sa& sa, const WallReference& wall, const Message& request) {
  const sad::SaParameters& p = sa.parameters();
  Message m;
  m.type = request.type;
  m.sequence = request.sequence;
  m.pid = request.pid;
  describe_sa(sa, wall, m);
  if (p.lifetimes) {
    m.hard = lifetime_ext(p.lifetimes->hard);
    m.soft = lifetime_ext(p.lifetimes->soft);
  }
  describe_keys(p, m);
  describe_nat(p, m);
  return m;
}

}  // namespace testudo::pfkey::server
