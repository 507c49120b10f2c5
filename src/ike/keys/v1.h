#pragma once
// The keys of IKEv1: RFC 2409 section 5 (SKEYID and its three children), section 5.5 (KEYMAT), appendix B (the cipher's
// key and the initialization vectors).  Pure functions.
#include <cstdint>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/ike/rows.h"

namespace testudo::ike::keys {

using crypto::ike::HashRow;

struct Cookies {
  std::uint64_t initiator = 0, responder = 0;

  friend auto operator<=>(const Cookies&, const Cookies&) = default;
  /// CKY-I | CKY-R
  ByteVector bytes() const;
};

struct NoncePair {
  Bytes initiator, responder;
};

struct Skeyid {
  Secret base, d, a, e;
};

/// SKEYID = prf(pre-shared-key, Ni_b | Nr_b)
Secret skeyid_of_pre_shared_key(const HashRow& hash, const Secret& key, NoncePair nonces);

/// SKEYID = prf(Ni_b | Nr_b, g^xy)
Secret skeyid_of_signatures(const HashRow& hash, const Secret& shared, NoncePair nonces);

/// SKEYID_d, _a and _e from SKEYID and g^xy.
Skeyid derive(const HashRow& hash, Secret skeyid, const Secret& shared, const Cookies& cookies);

/// Appendix B: SKEYID_e itself when it is long enough, else K1 | K2 | … with K1 = prf(SKEYID_e, 0).
Secret cipher_key(const HashRow& hash, const Secret& skeyid_e, std::size_t bytes);

/// KEYMAT = prf(SKEYID_d, [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b), expanded to `bytes`.
struct KeymatInput {
  Bytes shared;  ///< empty without PFS
  std::uint8_t protocol = 0;
  Bytes spi;
  NoncePair nonces;
};
Secret keymat(const HashRow& hash, const Secret& skeyid_d, const KeymatInput& input, std::size_t bytes);

/// HASH_I and HASH_R of phase 1; "own" is the side that proves itself.
struct Phase1Proof {
  Bytes own_public, other_public;
  std::uint64_t own_cookie = 0, other_cookie = 0;
  Bytes sa_body, id_body;
};
Secret phase1_hash(const HashRow& hash, const Secret& skeyid, const Phase1Proof& proof);

}  // namespace testudo::ike::keys
