#include "host/nft_match.h"

#include <algorithm>
#include <array>

#include "net/protocol.h"

namespace testudo::host {
namespace {

using net::Selector;
namespace protocol = net::protocol;

constexpr std::array<std::uint8_t, 5> kPortedProtocols{6, 17, 33, 132, 136};

bool is_v4(const Selector& s) {
  return s.source.address.is_v4();
}

// Scopes are names of links of this host; an address in a packet has none.
std::string bare(const net::Prefix& prefix) {
  const std::string text = prefix.masked().to_string();
  return text.substr(0, text.find('%'));
}

std::string numeric(const net::Prefix& prefix) {
  return bare(prefix) + "/" + std::to_string(prefix.length);
}

std::string address_match(const Selector& s) {
  const std::string ip = is_v4(s) ? "ip" : "ip6";
  std::string text = is_v4(s) ? "meta nfproto ipv4 " : "meta nfproto ipv6 ";
  if (s.source.length > 0) text += ip + " saddr " + numeric(s.source) + " ";
  if (s.destination.length > 0) text += ip + " daddr " + numeric(s.destination) + " ";
  return text;
}

// ICMP's type and code, or the ports of the others, at the place where nft counts bits of the transport header.
std::string transport_match(const Selector& s, bool type_and_code) {
  std::string text;
  if (s.source_port != 0) text += (type_and_code ? "@th,0,8 " : "@th,0,16 ") + std::to_string(s.source_port) + " ";
  if (s.destination_port != 0) {
    text += (type_and_code ? "@th,8,8 " : "@th,16,16 ") + std::to_string(s.destination_port) + " ";
  }
  return text;
}

bool has_ports(const Selector& s) {
  return s.source_port != 0 || s.destination_port != 0;
}

// KAME compares an `any` policy's ports with whatever stands for ports in the packet, ICMP's type and code too.
std::vector<std::string> any_protocol_matches(const Selector& s, const std::string& addresses, bool generous) {
  if (!has_ports(s)) return {addresses};
  std::vector<std::string> matches{addresses + "meta l4proto { 6, 17, 33, 132, 136 } " + transport_match(s, false)};
  if (s.source_port < 256 && s.destination_port < 256) {
    matches.push_back(addresses + "meta l4proto { 1, 58 } " + transport_match(s, true));
  }
  if (generous) matches.push_back(addresses + "meta l4proto { 47, 135 } ");
  return matches;
}

/// Of the pieces that count, one after another with dots between.
std::string join(const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text.append(text.empty() ? "" : " . ").append(piece);
  return text;
}

std::string masked_field(const std::string& field, net::Family family, unsigned length) {
  static constexpr std::array<std::uint8_t, 16> kOnes = [] {
    std::array<std::uint8_t, 16> ones{};
    ones.fill(0xff);
    return ones;
  }();
  const net::Address all = family == net::Family::V4 ? net::Address::v4(0xffffffff) : net::Address::v6(kOnes);
  return length == all.width() ? field : field + " & " + net::mask(all, length).to_string();
}

}  // namespace

std::vector<std::string> nft_matches(const Selector& s, bool generous) {
  const std::string addresses = address_match(s);
  if (s.protocol == protocol::kAny) return any_protocol_matches(s, addresses, generous);
  const std::string match = addresses + "meta l4proto " + std::to_string(s.protocol) + " ";
  if (!has_ports(s)) return {match};
  // The engine compares a GRE key and a mobility type; nft's view of them is not worth its rules.
  const bool readable = s.protocol != protocol::kGre && s.protocol != protocol::kMobility;
  if (readable) return {match + transport_match(s, net::has_type_and_code(s.protocol))};
  return generous ? std::vector{match} : std::vector<std::string>{};
}

std::optional<Shape> shape_of(const Selector& s) {
  const Shape shape{s.source.address.family(),
                    std::min(s.source.length, s.source.address.width()),
                    std::min(s.destination.length, s.destination.address.width()),
                    s.protocol != protocol::kAny,
                    s.source_port != 0,
                    s.destination_port != 0};
  if (has_ports(s) && std::ranges::find(kPortedProtocols, s.protocol) == kPortedProtocols.end()) return std::nullopt;
  if (shape == Shape{.family = shape.family}) return std::nullopt;
  return shape;
}

std::string nft_type(const Shape& shape) {
  const std::string address = shape.family == net::Family::V4 ? "ipv4_addr" : "ipv6_addr";
  std::vector<std::string> pieces;
  if (shape.source_length > 0) pieces.push_back(address);
  if (shape.destination_length > 0) pieces.push_back(address);
  if (shape.protocol) pieces.emplace_back("inet_proto");
  if (shape.source_port) pieces.emplace_back("inet_service");
  if (shape.destination_port) pieces.emplace_back("inet_service");
  return join(pieces);
}

std::string nft_key(const Shape& shape) {
  const bool v4 = shape.family == net::Family::V4;
  const std::string ip = v4 ? "ip" : "ip6";
  std::vector<std::string> pieces;
  if (shape.source_length > 0) pieces.push_back(masked_field(ip + " saddr", shape.family, shape.source_length));
  if (shape.destination_length > 0) {
    pieces.push_back(masked_field(ip + " daddr", shape.family, shape.destination_length));
  }
  if (shape.protocol) pieces.emplace_back("meta l4proto");
  if (shape.source_port) pieces.emplace_back("th sport");
  if (shape.destination_port) pieces.emplace_back("th dport");
  return std::string{v4 ? "meta nfproto ipv4 " : "meta nfproto ipv6 "} + join(pieces) + " ";
}

std::string nft_element(const Shape& shape, const Selector& s) {
  std::vector<std::string> pieces;
  if (shape.source_length > 0) pieces.push_back(bare(s.source));
  if (shape.destination_length > 0) pieces.push_back(bare(s.destination));
  if (shape.protocol) pieces.push_back(std::to_string(s.protocol));
  if (shape.source_port) pieces.push_back(std::to_string(s.source_port));
  if (shape.destination_port) pieces.push_back(std::to_string(s.destination_port));
  return join(pieces);
}

}  // namespace testudo::host
