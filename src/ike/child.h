#pragma once
// What a CHILD SA (RFC 4301's SA pair, RFC 2409's phase 2) is asked to be and what came of it, in words that both
// versions of IKE share.  Values only.
#include <optional>
#include <vector>

#include "base/secret.h"
#include "base/strong.h"
#include "crypto/algorithms.h"
#include "net/flow.h"
#include "wire/ike/v1/constants.h"

namespace testudo::ike {

/// Names one negotiation of a child for as long as it lives.
using ChildId = Strong<struct ChildIdTag, std::uint32_t>;
/// Names one question whether a user may log in.
using LoginId = Strong<struct LoginIdTag, std::uint32_t>;
using ChildProtocol = wire::ike::v1::Protocol;

enum class Encapsulation : std::uint8_t { Tunnel, Transport };

/// One protocol of a bundle, innermost first.
struct ChildItem {
  ChildProtocol protocol = ChildProtocol::Esp;
  Encapsulation mode = Encapsulation::Transport;
  ReqId reqid;       ///< of what we send
  ReqId reqid_in{};  ///< of what we are sent: the policy of that direction has its own
};

/// What a policy asks for.  `local` and `remote` are where IKE runs: tunnel ends, or the hosts themselves.
struct ChildRequest {
  std::uint32_t acquire_sequence = 0;  ///< 0: nobody waits
  net::Address local, remote;
  net::Selector outbound;
  std::vector<ChildItem> items;
};

/// The algorithms of one SA.  For AH and IPcomp the cipher is null, for AEADs the MAC.
struct ChildTerms {
  const crypto::CipherRow* cipher = nullptr;
  std::uint16_t cipher_key_bytes = 0;  ///< as PF_KEY carries them: with salt
  const crypto::MacRow* mac = nullptr;

  std::size_t mac_key_bytes() const { return mac == nullptr ? 0 : mac->key.max; }
  std::size_t key_bytes() const { return cipher_key_bytes + mac_key_bytes(); }
};

/// When the initiator begins to replace SAs of this lifetime, both in seconds.
inline std::uint32_t soft_of(std::uint32_t lifetime) {
  return static_cast<std::uint32_t>(std::uint64_t{lifetime} * 4 / 5);
}

/// One direction of one protocol, ready for the key table.
struct ChildSa {
  /// ESP in UDP, RFC 3948: the ports of `source` and `destination`, and the addresses that they have behind their NATs.
  struct Udp {
    std::uint16_t source = 0, destination = 0;
    std::optional<net::Address> original_initiator{}, original_responder{};
    std::uint16_t fragment_size = 65535;  ///< longer packets are cut before they are encrypted
  };
  enum class Direction : std::uint8_t { In, Out };
  Direction direction = Direction::In;
  ChildId child;
  ChildItem item;
  ChildTerms terms;
  Spi spi;
  net::Address source, destination;
  std::optional<Udp> udp;
  Secret cipher_key, mac_key;
  std::uint32_t soft_seconds = 0, hard_seconds = 0;
  std::uint32_t acquire_sequence = 0;  ///< of the request that it answers
};

}  // namespace testudo::ike
