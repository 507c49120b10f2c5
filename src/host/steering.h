#pragma once
// ESP and IKE share UDP 4500 (RFC 3948 section 2.2) but not a socket: rules in the language of nft that turn ESP and
// keepalives over to the engine's own socket by another destination port, and leave IKE to whoever binds 4500.
//
//   datagram to 4500 ─► the host's firewall ─► first word 0: IKE ────────────────────► socket bound to 4500
//                       (still sees 4500)      else, or 0xff alone: port rewritten ──► the engine's socket
//
//   datagram to the port of the engine's socket ──► dropped
//
//   datagram of the engine's socket ─► port rewritten to 4500 ─► the host's firewall ─► the network
//
// The same for sockets that ask for it (UDP_ENCAP), whatever port they have: their mark tells which they are, so that
// nobody's datagrams are taken but those of the socket's owner.
//
// At the input hook, behind all filters and connection tracking, and so after reassembly and before the look-up of the
// socket: neither firewalls nor the order in which the two daemons start, nor how one of them binds, matter.  Pure
// text.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "net/address.h"

namespace testudo::host {

struct Steer {
  net::Family family = net::Family::V4;
  std::uint16_t port = 4500, to = 0;  ///< where messages arrive, and the port of the engine's socket

  friend bool operator==(const Steer&, const Steer&) = default;
};

/// What of a socket's datagrams is the engine's: ESP behind 64 zero bits (UDP_ENCAP_ESPINUDP_NON_IKE), or ESP itself
/// (UDP_ENCAP_ESPINUDP).
enum class UdpEncapsulation : std::uint8_t { None, NonIke, Esp };

/// The matches of nft that find it, and keepalives.
std::span<const char* const> encapsulated_matches(UdpEncapsulation form);

/// Sockets with UDP_ENCAP.
struct SteeredSockets {
  std::uint32_t mask = 0;                   ///< of their marks
  std::vector<std::uint32_t> esp, non_ike;  ///< marks
  std::vector<Steer> ports;                 ///< what is sent to others of their ports is dropped: nobody reads it

  bool empty() const { return esp.empty() && non_ike.empty(); }
  friend bool operator==(const SteeredSockets&, const SteeredSockets&) = default;
};

/// Commands that make the table, or replace one that is there, in one transaction.
std::string nft_steer(const std::string& table, const std::vector<Steer>& steers, const SteeredSockets& sockets = {});

}  // namespace testudo::host
