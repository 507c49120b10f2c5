#include "engine/icmp.h"

#include <algorithm>
#include <utility>

#include "engine/pmtu.h"
#include "net/protocol.h"
#include "wire/reader.h"

namespace testudo::engine {
namespace {

using Kind = IcmpMeaning::Kind;

/// The protected layer of the quoted packet: ESP, AH or IPcomp, or ESP in UDP from one of our ports.
std::optional<LayerName> quoted_layer(const wire::packet::IcmpError& error, std::span<const std::uint16_t> ports) {
  if (error.spi) return LayerName{error.protocol, error.spi};
  if (error.protocol != net::protocol::kUdp) return std::nullopt;
  const auto& ip = error.ip.ip;
  wire::Reader in{error.quoted.subspan(ip.upper_offset, ip.total_length - ip.upper_offset)};
  const auto source = in.u16();
  if (!source || std::ranges::find(ports, *source) == ports.end()) return std::nullopt;
  if (!in.skip(wire::packet::kUdpHeader - sizeof *source)) return std::nullopt;
  return read_layer(net::protocol::kEsp, in.rest());
}

/// The SA that we sent the quoted packet by: its addresses are in the same order.
const sad::Sa* sender_of(const wire::packet::IpView& quoted, sad::SaProtocol protocol, Spi spi, sad::Database& sad) {
  constexpr std::uint32_t kWellKnownCpis = 256;
  const bool well_known = protocol == sad::SaProtocol::Ipcomp && spi.value < kWellKnownCpis;
  if (!well_known) return sad.find(protocol, quoted.source, quoted.destination, spi);
  return sad.inbound_compression(quoted.source, quoted.destination, static_cast<std::uint16_t>(spi.value));
}

}  // namespace

IcmpMeaning read_icmp(const Passage& passage, sad::Database& sad, std::span<const std::uint16_t> ports) {
  const auto error = wire::packet::parse_icmp_error(passage.ip, std::as_const(*passage.packet).bytes());
  if (!error) return {};
  const auto layer = quoted_layer(*error, ports);
  const auto protocol = layer ? sa_protocol(layer->protocol) : std::nullopt;
  if (!protocol) return {};
  IcmpMeaning meaning{Kind::Unbelieved, *layer, error->ip.ip.destination};
  const sad::Sa* sa = sender_of(error->ip.ip, *protocol, *layer->spi, sad);
  if (sa == nullptr || !sa->usable()) return meaning;
  meaning.kind = error->too_big() ? Kind::TooBig : Kind::Other;
  if (error->too_big()) meaning.mtu = *error->mtu != 0 ? *error->mtu : plateau_below(error->ip.stated_length);
  return meaning;
}

}  // namespace testudo::engine
