#include "crypto/ike/rsa_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "base/hex.h"
#include "crypto/ike/prf.h"

namespace testudo::crypto::ike {
namespace {

/// OpenSSL computes with no larger ones; with smaller ones a HASH of SHA-512 could not be signed.
constexpr int kFewestBits = 768, kMostBits = 16384;

struct Free {
  void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
  void operator()(BIGNUM* p) const { BN_clear_free(p); }
  void operator()(OSSL_PARAM_BLD* p) const { OSSL_PARAM_BLD_free(p); }
  void operator()(OSSL_PARAM* p) const { OSSL_PARAM_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
};
template <typename T>
using Ptr = std::unique_ptr<T, Free>;
using SharedKey = std::shared_ptr<EVP_PKEY>;

SharedKey shared(EVP_PKEY* key) {
  return {key, EVP_PKEY_free};
}

Failure<std::string> failed(std::string words) {
  ERR_clear_error();
  return Failure{std::move(words)};
}

/// In memory that OpenSSL wipes.
Ptr<BIGNUM> number_of(Bytes bytes) {
  Ptr<BIGNUM> number{BN_secure_new()};
  if (!number || BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), number.get()) == nullptr) return nullptr;
  return number;
}

Ptr<BIGNUM> number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  ERR_clear_error();
  return Ptr<BIGNUM>{number};
}

Secret bytes_of(const BIGNUM* number) {
  if (number == nullptr) return {};
  ByteVector bytes(static_cast<std::size_t>(BN_num_bytes(number)));
  const WipeAtEnd wiped{bytes};
  BN_bn2bin(number, bytes.data());
  return Secret{bytes};
}

struct Named {
  const char* name;
  Bytes value;
};

/// A key of these numbers; null when the library takes them for none.
SharedKey key_of(std::initializer_list<Named> values, int selection) {
  const Ptr<OSSL_PARAM_BLD> builder{OSSL_PARAM_BLD_new()};
  std::vector<Ptr<BIGNUM>> numbers;
  for (const Named& each : values) {
    if (each.value.empty()) continue;
    numbers.push_back(number_of(each.value));
    if (!numbers.back() || OSSL_PARAM_BLD_push_BN(builder.get(), each.name, numbers.back().get()) != 1) return nullptr;
  }
  const Ptr<OSSL_PARAM> parameters{OSSL_PARAM_BLD_to_param(builder.get())};
  const Ptr<EVP_PKEY_CTX> context{EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr)};
  EVP_PKEY* made = nullptr;
  const bool good = parameters && context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &made, selection, parameters.get()) == 1;
  return good ? shared(made) : nullptr;
}

/// "" or why a key of these is none to believe in.
std::string complaint_about(EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < kFewestBits || bits > kMostBits) {
    return "the key has " + std::to_string(bits) + " bits; from " + std::to_string(kFewestBits) + " to " +
           std::to_string(kMostBits) + " can be used";
  }
  const auto modulus = number_of(key, OSSL_PKEY_PARAM_RSA_N), exponent = number_of(key, OSSL_PKEY_PARAM_RSA_E);
  if (!modulus || BN_is_odd(modulus.get()) == 0) return "the modulus is even";
  const bool good = exponent && BN_is_odd(exponent.get()) != 0 && BN_is_one(exponent.get()) == 0;
  return good ? "" : "the public exponent is none: it has to be odd, and 3 or more";
}

Result<SharedKey, std::string> checked_public(SharedKey key) {
  if (!key) return failed("is no public key of RSA");
  if (auto complaint = complaint_about(key.get()); !complaint.empty()) return failed(std::move(complaint));
  return key;
}

Result<SharedKey, std::string> checked_private(SharedKey key) {
  TRY(auto checked, checked_public(std::move(key)));
  const Ptr<EVP_PKEY_CTX> context{EVP_PKEY_CTX_new(checked.get(), nullptr)};
  // Without the primes it has nothing to compare.
  const bool has_primes = number_of(checked.get(), OSSL_PKEY_PARAM_RSA_FACTOR1) != nullptr;
  if (!context || (has_primes && EVP_PKEY_pairwise_check(context.get()) != 1)) {
    return failed("its numbers do not belong together");
  }
  // Signing is the proof that all of them are right, and the library's way with them.
  static constexpr std::array<std::uint8_t, 20> kProbe{0x5a};
  if (!rsa_verify(checked.get(), rsa_sign(checked.get(), kProbe), kProbe)) {
    return failed("its numbers do not belong together: what it signs is wrong");
  }
  return checked;
}

int no_words(char*, int, int, void*) {
  return 0;
}

Ptr<BIO> pem_reader(std::string_view text) {
  return Ptr<BIO>{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

bool is_rsa(const EVP_PKEY* key) {
  return key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
}

}  // namespace

ByteVector rsa_sign(evp_pkey_st* key, Bytes hash) {
  const Ptr<EVP_PKEY_CTX> context{EVP_PKEY_CTX_new(key, nullptr)};
  std::size_t length = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  ByteVector signature(length);
  const bool good = context && EVP_PKEY_sign_init(context.get()) == 1 &&
                    EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                    EVP_PKEY_sign(context.get(), signature.data(), &length, hash.data(), hash.size()) == 1;
  ERR_clear_error();
  signature.resize(good ? length : 0);
  return signature;
}

bool rsa_verify(evp_pkey_st* key, Bytes signature, Bytes hash) {
  if (!is_rsa(key)) return false;
  const Ptr<EVP_PKEY_CTX> context{EVP_PKEY_CTX_new(key, nullptr)};
  const bool good = context && EVP_PKEY_verify_init(context.get()) == 1 &&
                    EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                    EVP_PKEY_verify(context.get(), signature.data(), signature.size(), hash.data(), hash.size()) == 1;
  ERR_clear_error();
  return good;
}

Result<RsaPublicKey, std::string> RsaPublicKey::parse(Bytes blob) {
  static constexpr std::size_t kLong = 3;
  if (blob.empty() || (blob[0] == 0 && blob.size() < kLong)) return failed("the key ends before its exponent");
  const bool is_long = blob[0] == 0;
  const std::size_t length = is_long ? std::size_t{blob[1]} << 8 | blob[2] : blob[0];
  blob = blob.subspan(is_long ? kLong : 1);
  if (length == 0 || blob.size() <= length) return failed("the key ends before its modulus");
  return of(blob.subspan(length), blob.first(length));
}

Result<RsaPublicKey, std::string> RsaPublicKey::of(Bytes modulus, Bytes exponent) {
  TRY(auto key, checked_public(key_of({{OSSL_PKEY_PARAM_RSA_N, modulus}, {OSSL_PKEY_PARAM_RSA_E, exponent}},
                                      EVP_PKEY_PUBLIC_KEY)));
  return RsaPublicKey{std::move(key)};
}

Result<RsaPublicKey, std::string> RsaPublicKey::of_pem(std::string_view text) {
  auto read = shared(PEM_read_bio_PUBKEY(pem_reader(text).get(), nullptr, no_words, nullptr));
  if (!is_rsa(read.get())) return failed("no public key of RSA in PEM");
  TRY(auto key, checked_public(std::move(read)));
  return RsaPublicKey{std::move(key)};
}

ByteVector RsaPublicKey::blob() const {
  const auto modulus = number_of(key_.get(), OSSL_PKEY_PARAM_RSA_N), e = number_of(key_.get(), OSSL_PKEY_PARAM_RSA_E);
  const Secret exponent = bytes_of(e.get()), rest = bytes_of(modulus.get());
  static constexpr std::size_t kShort = 255;
  const auto byte = [](std::size_t value) { return static_cast<std::uint8_t>(value); };
  ByteVector blob{byte(exponent.size())};
  if (exponent.size() > kShort) blob = {0, byte(exponent.size() >> 8), byte(exponent.size())};
  blob.insert(blob.end(), exponent.expose().begin(), exponent.expose().end());
  blob.insert(blob.end(), rest.expose().begin(), rest.expose().end());
  return blob;
}

unsigned RsaPublicKey::bits() const {
  return static_cast<unsigned>(EVP_PKEY_get_bits(key_.get()));
}

std::string RsaPublicKey::name() const {
  static constexpr std::size_t kEnough = 8;
  const ByteVector hash = digest(HashKind::Sha256, {blob()});
  return "RSA " + std::to_string(bits()) + " " + to_hex(Bytes{hash}.first(kEnough));
}

bool RsaPublicKey::is_signature_of(Bytes signature, Bytes hash) const {
  return rsa_verify(key_.get(), signature, hash);
}

Result<RsaPrivateKey, std::string> RsaPrivateKey::generate(unsigned bits, std::uint32_t exponent) {
  const Ptr<EVP_PKEY_CTX> context{EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr)};
  const Ptr<BIGNUM> e{BN_new()};
  EVP_PKEY* made = nullptr;
  const bool good = context && e && BN_set_word(e.get(), exponent) == 1 && EVP_PKEY_keygen_init(context.get()) == 1 &&
                    EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), static_cast<int>(bits)) == 1 &&
                    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context.get(), e.get()) == 1 &&
                    EVP_PKEY_keygen(context.get(), &made) == 1;
  if (!good)
    return failed("this machine's OpenSSL makes no key of " + std::to_string(bits) + " bits with that exponent");
  TRY(auto key, checked_private(shared(made)));
  return RsaPrivateKey{std::move(key)};
}

Result<RsaPrivateKey, std::string> RsaPrivateKey::of(const RsaNumbers& n) {
  const bool has_all =
      !n.prime1.empty() && !n.prime2.empty() && !n.exponent1.empty() && !n.exponent2.empty() && !n.coefficient.empty();
  const auto remainder = [&](const Secret& number) { return has_all ? number.expose() : Bytes{}; };
  TRY(auto key, checked_private(key_of({{OSSL_PKEY_PARAM_RSA_N, n.modulus.expose()},
                                        {OSSL_PKEY_PARAM_RSA_E, n.public_exponent.expose()},
                                        {OSSL_PKEY_PARAM_RSA_D, n.private_exponent.expose()},
                                        {OSSL_PKEY_PARAM_RSA_FACTOR1, remainder(n.prime1)},
                                        {OSSL_PKEY_PARAM_RSA_FACTOR2, remainder(n.prime2)},
                                        {OSSL_PKEY_PARAM_RSA_EXPONENT1, remainder(n.exponent1)},
                                        {OSSL_PKEY_PARAM_RSA_EXPONENT2, remainder(n.exponent2)},
                                        {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, remainder(n.coefficient)}},
                                       EVP_PKEY_KEYPAIR)));
  return RsaPrivateKey{std::move(key)};
}

Result<RsaPrivateKey, std::string> RsaPrivateKey::of_pem(std::string_view text) {
  auto read = shared(PEM_read_bio_PrivateKey(pem_reader(text).get(), nullptr, no_words, nullptr));
  if (!is_rsa(read.get())) return failed("no private key of RSA in PEM, without a pass phrase");
  TRY(auto key, checked_private(std::move(read)));
  return RsaPrivateKey{std::move(key)};
}

RsaNumbers RsaPrivateKey::numbers() const {
  const auto secret = [&](const char* name) { return bytes_of(number_of(key_.get(), name).get()); };
  return {secret(OSSL_PKEY_PARAM_RSA_N),         secret(OSSL_PKEY_PARAM_RSA_E),
          secret(OSSL_PKEY_PARAM_RSA_D),         secret(OSSL_PKEY_PARAM_RSA_FACTOR1),
          secret(OSSL_PKEY_PARAM_RSA_FACTOR2),   secret(OSSL_PKEY_PARAM_RSA_EXPONENT1),
          secret(OSSL_PKEY_PARAM_RSA_EXPONENT2), secret(OSSL_PKEY_PARAM_RSA_COEFFICIENT1)};
}

RsaPublicKey RsaPrivateKey::public_key() const {
  return RsaPublicKey{key_};
}

RsaPrivateKey RsaPrivateKey::elsewhere(const RsaPublicKey& public_key, Signer signer) {
  RsaPrivateKey made{public_key.key_};
  made.signer_ = std::move(signer);
  return made;
}

ByteVector RsaPrivateKey::sign(Bytes hash) const {
  return signer_ ? signer_(hash) : rsa_sign(key_.get(), hash);
}

}  // namespace testudo::crypto::ike
