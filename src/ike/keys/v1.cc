#include "ike/keys/v1.h"

#include <array>

#include "base/endian.h"
#include "crypto/ike/prf.h"

namespace testudo::ike::keys {
namespace {

using crypto::ike::prf;

using Cookie = std::array<std::uint8_t, 8>;

Cookie cookie_bytes(std::uint64_t cookie) {
  Cookie bytes{};
  put_be64(bytes.data(), cookie);
  return bytes;
}

/// K1 | K2 | … cut to `bytes`; Kn is made from Kn-1 by `next`, and K1 from nothing.
template <typename Next>
Secret expand(std::size_t bytes, Next next) {
  ByteVector all;
  Secret block;
  while (all.size() < bytes) {
    block = next(block.expose());
    const Bytes piece = block.expose();
    all.insert(all.end(), piece.begin(), piece.end());
  }
  Secret key{Bytes{all}.first(bytes)};
  wipe(all);
  return key;
}

}  // namespace

ByteVector Cookies::bytes() const {
  ByteVector out(16);
  put_be64(out.data(), initiator);
  put_be64(out.data() + 8, responder);
  return out;
}

Secret skeyid_of_pre_shared_key(const HashRow& hash, const Secret& key, NoncePair nonces) {
  return prf(hash, key.expose(), {nonces.initiator, nonces.responder});
}

Secret skeyid_of_signatures(const HashRow& hash, const Secret& shared, NoncePair nonces) {
  ByteVector both{nonces.initiator.begin(), nonces.initiator.end()};
  both.insert(both.end(), nonces.responder.begin(), nonces.responder.end());
  return prf(hash, both, {shared.expose()});
}

Skeyid derive(const HashRow& hash, Secret skeyid, const Secret& shared, const Cookies& cookies) {
  static constexpr std::array<std::uint8_t, 3> kNumbers{0, 1, 2};
  const Bytes numbers{kNumbers};
  const ByteVector both = cookies.bytes();
  Skeyid keys;
  keys.d = prf(hash, skeyid.expose(), {shared.expose(), both, numbers.subspan(0, 1)});
  keys.a = prf(hash, skeyid.expose(), {keys.d.expose(), shared.expose(), both, numbers.subspan(1, 1)});
  keys.e = prf(hash, skeyid.expose(), {keys.a.expose(), shared.expose(), both, numbers.subspan(2, 1)});
  keys.base = std::move(skeyid);
  return keys;
}

Secret cipher_key(const HashRow& hash, const Secret& skeyid_e, std::size_t bytes) {
  if (bytes <= skeyid_e.size()) return Secret{skeyid_e.expose().first(bytes)};
  static constexpr std::array<std::uint8_t, 1> kZero{0};
  return expand(bytes, [&](Bytes previous) {
    return prf(hash, skeyid_e.expose(), {previous.empty() ? Bytes{kZero} : previous});
  });
}

Secret keymat(const HashRow& hash, const Secret& skeyid_d, const KeymatInput& input, std::size_t bytes) {
  const std::array<std::uint8_t, 1> protocol{input.protocol};
  return expand(bytes, [&](Bytes previous) {
    return prf(hash, skeyid_d.expose(),
               {previous, input.shared, protocol, input.spi, input.nonces.initiator, input.nonces.responder});
  });
}

Secret phase1_hash(const HashRow& hash, const Secret& skeyid, const Phase1Proof& proof) {
  const Cookie own = cookie_bytes(proof.own_cookie);
  const Cookie other = cookie_bytes(proof.other_cookie);
  return prf(hash, skeyid.expose(), {proof.own_public, proof.other_public, own, other, proof.sa_body, proof.id_body});
}

}  // namespace testudo::ike::keys
