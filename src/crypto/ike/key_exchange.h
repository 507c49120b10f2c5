#pragma once
// Diffie-Hellman for IKE: MODP (RFC 2409 section 6, RFC 3526), ECP (RFC 5903) and Curve25519 (RFC 8031).  The private
// value is drawn from the caller's Random, so a negotiation can be replayed; it lives in a Secret.  What a peer sends
// is checked before it is used: RFC 6989.  One thread; slow (a modular exponentiation each).
#include <optional>

#include "base/bytes.h"
#include "base/random.h"
#include "base/secret.h"
#include "crypto/ike/rows.h"

namespace testudo::crypto::ike {

class KeyExchange {
 public:
  /// Nothing when the library fails.
  static std::optional<KeyExchange> generate(const GroupRow& group, Random& random);

  /// The same in two steps, of which the second is the slow one and may run in any thread.  A value that is drawn may
  /// be none of the group's, and then nothing comes of it: one of 2^32 with ECP 256, fewer with the others.
  static Secret draw(const GroupRow& group, Random& random);
  static std::optional<KeyExchange> of(const GroupRow& group, Secret drawn);

  /// What can be known of a peer's value without a private one of our own, that is cheaply: its length and membership.
  static bool is_plausible(const GroupRow& group, Bytes peer);

  const GroupRow& group() const { return *group_; }
  /// What goes into the KE payload, GroupRow::public_bytes long.
  const ByteVector& public_value() const { return public_; }
  /// g^xy, GroupRow::secret_bytes long; nothing when the peer's value has a wrong length, is no member of the group, or
  /// would make the secret predictable (0, 1, p-1, a point that is not on the curve, the neutral element).
  std::optional<Secret> agree(Bytes peer) const;

 private:
  KeyExchange(const GroupRow& group, Secret secret, ByteVector shown)
      : group_(&group), private_(std::move(secret)), public_(std::move(shown)) {}

  const GroupRow* group_;
  Secret private_;
  ByteVector public_;
};

}  // namespace testudo::crypto::ike
