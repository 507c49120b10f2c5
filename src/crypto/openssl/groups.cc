#include "crypto/openssl/groups.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <memory>

namespace testudo::crypto::openssl {
namespace {

struct Release {
  void operator()(BIGNUM* p) const { BN_clear_free(p); }
  void operator()(BN_CTX* p) const { BN_CTX_free(p); }
  void operator()(EC_GROUP* p) const { EC_GROUP_free(p); }
  void operator()(EC_POINT* p) const { EC_POINT_clear_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
};
using Number = std::unique_ptr<BIGNUM, Release>;
using Context = std::unique_ptr<BN_CTX, Release>;
using Curve = std::unique_ptr<EC_GROUP, Release>;
using Point = std::unique_ptr<EC_POINT, Release>;
using Key = std::unique_ptr<EVP_PKEY, Release>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Release>;

Number number_of(Bytes bytes) {
  return Number{BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr)};
}

Number private_number(const Secret& x) {
  Number number = number_of(x.expose());
  if (number) BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  return number;
}

bool write(const BIGNUM& number, MutableBytes out) {
  return BN_bn2binpad(&number, out.data(), static_cast<int>(out.size())) == static_cast<int>(out.size());
}

/// RFC 2409 section 6.1 and 6.2, RFC 3526.  The generator of all of them is 2.
Number prime_of(std::uint16_t group) {
  switch (group) {
    case 1:
      return Number{BN_get_rfc2409_prime_768(nullptr)};
    case 2:
      return Number{BN_get_rfc2409_prime_1024(nullptr)};
    case 5:
      return Number{BN_get_rfc3526_prime_1536(nullptr)};
    case 14:
      return Number{BN_get_rfc3526_prime_2048(nullptr)};
    case 15:
      return Number{BN_get_rfc3526_prime_3072(nullptr)};
    case 16:
      return Number{BN_get_rfc3526_prime_4096(nullptr)};
    case 17:
      return Number{BN_get_rfc3526_prime_6144(nullptr)};
    case 18:
      return Number{BN_get_rfc3526_prime_8192(nullptr)};
    default:
      return nullptr;
  }
}

/// base^x modulo the group's prime, padded to its length.
bool power(const ike::GroupRow& group, const BIGNUM& base, const Secret& x, MutableBytes out) {
  const Number prime = prime_of(group.id);
  const Number exponent = private_number(x);
  const Number result{BN_new()};
  const Context context{BN_CTX_secure_new()};
  if (!prime || !exponent || !result || !context || BN_is_zero(exponent.get()) != 0) return false;
  return BN_mod_exp_mont_consttime(result.get(), &base, exponent.get(), prime.get(), context.get(), nullptr) == 1 &&
         write(*result, out);
}

std::optional<ByteVector> modp_public(const ike::GroupRow& group, const Secret& x) {
  const Number two{BN_new()};
  ByteVector out(group.public_bytes);
  if (!two || BN_set_word(two.get(), 2) != 1 || !power(group, *two, x, out)) return std::nullopt;
  return out;
}

/// RFC 6989 section 2.1: 1 < y < p - 1.  The primes are safe primes, so no other small subgroup is left.
bool is_proper(const BIGNUM& y, const ike::GroupRow& group) {
  const Number limit = prime_of(group.id);
  if (!limit || BN_sub_word(limit.get(), 1) != 1) return false;
  return BN_is_zero(&y) == 0 && BN_is_one(&y) == 0 && BN_cmp(&y, limit.get()) < 0;
}

bool modp_is_member(const ike::GroupRow& group, Bytes y) {
  const Number value = number_of(y);
  return value && is_proper(*value, group);
}

std::optional<Secret> modp_secret(const ike::GroupRow& group, const Secret& x, Bytes y) {
  const Number base = number_of(y);
  if (!base || !is_proper(*base, group)) return std::nullopt;
  ByteVector out(group.secret_bytes);
  const bool done = power(group, *base, x, out);
  Secret secret{out};
  wipe(out);
  return done ? std::optional{std::move(secret)} : std::nullopt;
}

Curve curve_of(std::uint16_t group) {
  switch (group) {
    case 19:
      return Curve{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
    case 20:
      return Curve{EC_GROUP_new_by_curve_name(NID_secp384r1)};
    case 21:
      return Curve{EC_GROUP_new_by_curve_name(NID_secp521r1)};
    default:
      return nullptr;
  }
}

/// The coordinates of x * base (null: the generator) on the curve; y may be null.
bool multiply(const EC_GROUP& curve, const EC_POINT* base, const Secret& x, BIGNUM* to_x, BIGNUM* to_y) {
  const Number scalar = private_number(x);
  const Context context{BN_CTX_secure_new()};
  const Point result{EC_POINT_new(&curve)};
  if (!scalar || !context || !result) return false;
  if (BN_is_zero(scalar.get()) != 0 || BN_cmp(scalar.get(), EC_GROUP_get0_order(&curve)) >= 0) return false;
  const BIGNUM* of_generator = base == nullptr ? scalar.get() : nullptr;
  const BIGNUM* of_base = base == nullptr ? nullptr : scalar.get();
  return EC_POINT_mul(&curve, result.get(), of_generator, base, of_base, context.get()) == 1 &&
         EC_POINT_is_at_infinity(&curve, result.get()) == 0 &&
         EC_POINT_get_affine_coordinates(&curve, result.get(), to_x, to_y, context.get()) == 1;
}

std::optional<ByteVector> ecp_public(const ike::GroupRow& group, const Secret& x) {
  const Curve curve = curve_of(group.id);
  const Number to_x{BN_new()};
  const Number to_y{BN_new()};
  if (!curve || !to_x || !to_y || !multiply(*curve, nullptr, x, to_x.get(), to_y.get())) return std::nullopt;
  ByteVector out(group.public_bytes);
  const MutableBytes both{out};
  const std::size_t half = out.size() / 2;
  if (!write(*to_x, both.first(half)) || !write(*to_y, both.subspan(half))) return std::nullopt;
  return out;
}

/// The point with these coordinates; null when it is not on the curve: RFC 6989 section 2.3.
Point point_of(const EC_GROUP& curve, Bytes y) {
  Point point{EC_POINT_new(&curve)};
  const Number at_x = number_of(y.first(y.size() / 2));
  const Number at_y = number_of(y.subspan(y.size() / 2));
  if (!point || !at_x || !at_y) return nullptr;
  const bool on = EC_POINT_set_affine_coordinates(&curve, point.get(), at_x.get(), at_y.get(), nullptr) == 1;
  return on ? std::move(point) : nullptr;
}

bool ecp_is_member(const ike::GroupRow& group, Bytes y) {
  const Curve curve = curve_of(group.id);
  return curve && point_of(*curve, y) != nullptr;
}

std::optional<Secret> ecp_secret(const ike::GroupRow& group, const Secret& x, Bytes y) {
  const Curve curve = curve_of(group.id);
  if (!curve) return std::nullopt;
  const Point peer = point_of(*curve, y);
  const Number to_x{BN_new()};
  if (!peer || !to_x) return std::nullopt;
  if (!multiply(*curve, peer.get(), x, to_x.get(), nullptr)) return std::nullopt;
  ByteVector out(group.secret_bytes);
  const bool done = write(*to_x, out);
  Secret secret{out};
  wipe(out);
  return done ? std::optional{std::move(secret)} : std::nullopt;
}

std::optional<ByteVector> x25519_public(const ike::GroupRow& group, const Secret& x) {
  const Key key{EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, x.expose().data(), x.size())};
  ByteVector out(group.public_bytes);
  std::size_t length = out.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), out.data(), &length) != 1) return std::nullopt;
  return out;
}

/// OpenSSL refuses a result of zeros, which RFC 7748 section 6.1 lets an implementation check.
std::optional<Secret> x25519_secret(const ike::GroupRow& group, const Secret& x, Bytes y) {
  const Key key{EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, x.expose().data(), x.size())};
  const Key peer{EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, y.data(), y.size())};
  if (!key || !peer) return std::nullopt;
  const KeyContext context{EVP_PKEY_CTX_new(key.get(), nullptr)};
  ByteVector out(group.secret_bytes);
  std::size_t length = out.size();
  const bool done = context && EVP_PKEY_derive_init(context.get()) == 1 &&
                    EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1 &&
                    EVP_PKEY_derive(context.get(), out.data(), &length) == 1 && length == out.size();
  Secret secret{out};
  wipe(out);
  return done ? std::optional{std::move(secret)} : std::nullopt;
}

}  // namespace

bool is_member(const ike::GroupRow& group, Bytes y) {
  switch (group.kind) {
    case ike::GroupKind::Modp:
      return modp_is_member(group, y);
    case ike::GroupKind::Ecp:
      return ecp_is_member(group, y);
    case ike::GroupKind::Curve25519:
      // RFC 7748 takes any 32 bytes; points of small order but for this one show when the secret is zero.
      return std::ranges::any_of(y, [](std::uint8_t byte) { return byte != 0; });
  }
  return false;
}

std::optional<ByteVector> public_value(const ike::GroupRow& group, const Secret& x) {
  switch (group.kind) {
    case ike::GroupKind::Modp:
      return modp_public(group, x);
    case ike::GroupKind::Ecp:
      return ecp_public(group, x);
    case ike::GroupKind::Curve25519:
      return x25519_public(group, x);
  }
  return std::nullopt;
}

std::optional<Secret> shared_secret(const ike::GroupRow& group, const Secret& x, Bytes y) {
  switch (group.kind) {
    case ike::GroupKind::Modp:
      return modp_secret(group, x, y);
    case ike::GroupKind::Ecp:
      return ecp_secret(group, x, y);
    case ike::GroupKind::Curve25519:
      return x25519_secret(group, x, y);
  }
  return std::nullopt;
}

}  // namespace testudo::crypto::openssl
