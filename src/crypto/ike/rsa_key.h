#pragma once
// RSA keys without certificates, and the signatures of IKEv1 by any RSA key: RFC 2409 section 5.1, RFC 3110 section 2
// (how a public key is written).  Reads no file.  Values are immutable: any thread may use them.
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

struct evp_pkey_st;

namespace testudo::crypto::ike {

/// PKCS #1 v1.5 without an algorithm's OID: "as a private key encryption in PKCS #1 format and not as a signature".
/// Empty, and false, when the key is none of RSA or the library fails.
ByteVector rsa_sign(evp_pkey_st* key, Bytes hash);
bool rsa_verify(evp_pkey_st* key, Bytes signature, Bytes hash);

class RsaPublicKey {
 public:
  /// The length of the exponent in one byte, or in two behind a zero; the exponent; the modulus.  Failure: a sentence.
  static Result<RsaPublicKey, std::string> parse(Bytes blob);
  /// Big-endian.
  static Result<RsaPublicKey, std::string> of(Bytes modulus, Bytes exponent);
  /// `-----BEGIN PUBLIC KEY-----`
  static Result<RsaPublicKey, std::string> of_pem(std::string_view text);

  ByteVector blob() const;
  unsigned bits() const;
  /// "RSA 2048 5f1c09ab…": what tells keys apart in logs, from the SHA-256 of the blob.
  std::string name() const;
  bool is_signature_of(Bytes signature, Bytes hash) const;

 private:
  friend class RsaPrivateKey;
  explicit RsaPublicKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

/// A private key as its numbers, big-endian; those of the Chinese remainder may all be empty.
struct RsaNumbers {
  Secret modulus, public_exponent, private_exponent;
  Secret prime1, prime2, exponent1, exponent2, coefficient;
};

class RsaPrivateKey {
 public:
  static Result<RsaPrivateKey, std::string> generate(unsigned bits, std::uint32_t exponent);
  /// Refused unless the numbers belong together.
  static Result<RsaPrivateKey, std::string> of(const RsaNumbers& numbers);
  static Result<RsaPrivateKey, std::string> of_pem(std::string_view text);

  /// Somebody else has it: `signer` asks for the signature of a hash, and gives an empty one when there is none.
  using Signer = std::function<ByteVector(Bytes hash)>;
  static RsaPrivateKey elsewhere(const RsaPublicKey& public_key, Signer signer);

  /// Of one that is elsewhere the public ones alone.
  RsaNumbers numbers() const;
  RsaPublicKey public_key() const;
  /// Empty when the library failed.
  ByteVector sign(Bytes hash) const;

 private:
  explicit RsaPrivateKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
  Signer signer_;  ///< of a key that is elsewhere
};

}  // namespace testudo::crypto::ike
