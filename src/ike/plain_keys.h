#pragma once
// RSA keys that no certificate names (plain_rsa of racoon.conf): whose each is, and which are for a negotiation.  What
// a file of them looks like is config/plain_rsa_file.h's.  A value; pure.
#include <optional>
#include <string>
#include <vector>

#include "crypto/ike/rsa_key.h"
#include "ike/policy.h"

namespace testudo::ike {

/// Between which hosts a key is for; nothing: any.
struct KeyScope {
  std::optional<net::Prefix> local, peer;
  std::string name;  ///< "": none; else the peer's identifier, and no address counts

  /// As the file has it.
  std::string to_string() const;
  friend bool operator==(const KeyScope&, const KeyScope&) = default;
};

struct PlainKeys {
  /// Of one scope, so that nobody makes this host try thousands.
  static constexpr std::size_t kMostOfOneScope = 16;

  struct Own {
    KeyScope scope;
    crypto::ike::RsaPrivateKey key;
  };
  struct Peer {
    KeyScope scope;
    crypto::ike::RsaPublicKey key;
  };
  std::vector<Own> own;
  std::vector<Peer> peers;

  /// The first of the most special scope; null when there is none.
  const Own* own_for(const net::Address& local, const net::Address& remote) const;

  struct Candidates {
    std::vector<const Peer*> keys;  ///< all of the most special scope
    /// Their scope says who this is: a name, or addresses among which is the one that the peer calls itself.
    bool prove_name = false;
  };
  /// Which keys a peer there that calls itself so may have.
  Candidates peers_for(const net::Address& local, const net::Address& remote, const Identity& claimed) const;
};

}  // namespace testudo::ike
