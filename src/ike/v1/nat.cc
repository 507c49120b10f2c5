#include "ike/v1/nat.h"

#include <algorithm>
#include <array>

#include "base/endian.h"
#include "crypto/ike/prf.h"
#include "ike/v1/required.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Chain;
using v1wire::ChainWriter;
using v1wire::Payload;
namespace ipsec = v1wire::ipsec;

constexpr negotiate::Modes kRfcModes{ipsec::kUdpTunnel, ipsec::kUdpTransport};
constexpr negotiate::Modes kDraftModes{ipsec::kDraftUdpTunnel, ipsec::kDraftUdpTransport};

/// Best first.  Draft 02 has two ids: MD5 of its name, and of its name with a line break, which its own text gives.
constexpr std::array kVersions{
    NatVersion{
        "RFC 3947",
        {0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f},
        Payload::NatD,
        Payload::NatOa,
        kRfcModes,
    },
    NatVersion{
        "draft-ietf-ipsec-nat-t-ike-03",
        {0x7d, 0x94, 0x19, 0xa6, 0x53, 0x10, 0xca, 0x6f, 0x2c, 0x17, 0x9d, 0x92, 0x15, 0x52, 0x9d, 0x56},
        Payload::NatDDraft,
        Payload::NatOaDraft,
        kDraftModes,
    },
    NatVersion{
        "draft-ietf-ipsec-nat-t-ike-02",
        {0x90, 0xcb, 0x80, 0x91, 0x3e, 0xbb, 0x69, 0x6e, 0x08, 0x63, 0x81, 0xb5, 0xec, 0x42, 0x7b, 0x1f},
        Payload::NatDDraft,
        Payload::NatOaDraft,
        kDraftModes,
    },
    NatVersion{
        "draft-ietf-ipsec-nat-t-ike-02",
        {0xcd, 0x60, 0x46, 0x43, 0x35, 0xdf, 0x21, 0xf8, 0x7c, 0xfd, 0xb2, 0xfc, 0x68, 0xb6, 0xa4, 0x48},
        Payload::NatDDraft,
        Payload::NatOaDraft,
        kDraftModes,
    },
};

bool wants(const IkeSa& sa) {
  return sa.block->nat_traversal != NatTraversal::Off;
}

bool has_vendor(const Chain& chain, const NatVersion& version) {
  return std::ranges::any_of(chain.payloads, [&](const v1wire::PayloadView& p) {
    return p.type == Payload::VendorId && std::ranges::equal(p.body, version.vendor);
  });
}

/// RFC 3947 section 3.2: HASH = HASH(CKY-I | CKY-R | IP | Port)
ByteVector hash_of(const IkeSa& sa, const net::Address& address, std::uint16_t port) {
  std::array<std::uint8_t, 2> port_bytes{};
  put_be16(port_bytes.data(), port);
  return crypto::ike::digest(sa.agreed.hash->kind, {sa.cookies.bytes(), address.bytes(), port_bytes});
}

/// `force` gives an address that nobody has, so that both sides find a NAT.
ByteVector own_hash(const IkeSa& sa) {
  if (sa.block->nat_traversal != NatTraversal::Force) return hash_of(sa, sa.local.address, sa.local.port);
  return hash_of(sa, net::Address::any(sa.local.address.family()), 0);
}

/// Among these nobody's address of the public network is.
constexpr std::array kInside{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"};

}  // namespace

void add_nat_vendors(ChainWriter& out, const IkeSa& sa) {
  if (!wants(sa)) return;
  if (sa.role == Role::Responder) {
    if (sa.nat.version != nullptr) out.add(Payload::VendorId, owned(sa.nat.version->vendor));
    return;
  }
  for (const NatVersion& version : kVersions) out.add(Payload::VendorId, owned(version.vendor));
}

void choose_nat_version(IkeSa& sa, const Chain& chain) {
  sa.nat = {};
  if (!wants(sa)) return;
  const auto best = std::ranges::find_if(kVersions, [&](const NatVersion& v) { return has_vendor(chain, v); });
  if (best != kVersions.end()) sa.nat.version = &*best;
}

void add_nat_detection(ChainWriter& out, const IkeSa& sa) {
  if (sa.nat.version == nullptr) return;
  out.add(sa.nat.version->nat_d, hash_of(sa, sa.remote.address, sa.remote.port));
  out.add(sa.nat.version->nat_d, own_hash(sa));
}

void detect_nat(IkeSa& sa, const Chain& chain, const net::Endpoint& local, const net::Endpoint& remote) {
  sa.nat.here = sa.nat.there = false;
  if (sa.nat.version == nullptr) return;
  std::vector<Bytes> told;
  for (const v1wire::PayloadView& p : chain.payloads) {
    if (p.type == sa.nat.version->nat_d) told.push_back(p.body);
  }
  if (told.size() < 2) return;
  const ByteVector here = hash_of(sa, local.address, local.port);
  const ByteVector there = hash_of(sa, remote.address, remote.port);
  const auto is = [](const ByteVector& wanted) {
    return [&wanted](Bytes body) { return std::ranges::equal(wanted, body); };
  };
  // The first is of the address that the peer sends to, the others are of those that it may send from.
  sa.nat.here = !is(here)(told.front()) || sa.block->nat_traversal == NatTraversal::Force;
  sa.nat.there = std::none_of(told.begin() + 1, told.end(), is(there));
}

void float_ports(IkeSa& sa) {
  if (!sa.nat.found()) return;
  sa.nat.floated = true;
  sa.local.port = sa.policy->ports.natt;
  sa.remote.port = kNatTPort;
}

void follow(IkeSa& sa, const Received& datagram) {
  if (!sa.nat.found() || datagram.remote.address != sa.remote.address) return;
  sa.local = datagram.local;
  sa.remote = datagram.remote;
  sa.nat.floated = datagram.floated;
}

bool is_inside_name(const IkeSa& sa, const Identity& peer) {
  return sa.nat.there && is_private(peer);
}

bool is_private(const Identity& name) {
  const bool v4 = name.type == v1wire::IdType::V4Address && name.data.size() == 4;
  const bool v6 = name.type == v1wire::IdType::V6Address && name.data.size() == 16;
  if (!v4 && !v6) return false;
  const Bytes data{name.data};
  const net::Address address = v4 ? net::Address::v4(data.first<4>()) : net::Address::v6(data.first<16>());
  return std::ranges::any_of(kInside,
                             [&](const char* prefix) { return net::Prefix::parse(prefix)->contains(address); });
}

std::string nat_text(const IkeSa& sa) {
  if (sa.nat.version == nullptr) return "";
  const std::string by{sa.nat.version->name};
  if (!sa.nat.found()) return "no NAT in between by " + by;
  const char* where = sa.nat.here && sa.nat.there ? "here and at the peer" : sa.nat.here ? "here" : "at the peer";
  return "NAT " + std::string{where} + " by " + by + (sa.nat.floated ? ", ESP in UDP" : "");
}

negotiate::Modes modes_of(const IkeSa& sa) {
  return sa.nat.version != nullptr && sa.nat.found() ? sa.nat.version->modes : negotiate::Modes{};
}

}  // namespace testudo::ike::v1
