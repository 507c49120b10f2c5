#pragma once
// OpenSSL's hash functions as plain values: a state can be copied by assignment.  An HMAC is two prepared
// states copied for each packet, and EVP_MD_CTX_copy_ex() of OpenSSL 3.0 allocates for each copy; the
// functions used here do not.  They are marked deprecated but are the same code, with the same assembly, and
// need no provider.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/ripemd.h>
#include <openssl/sha.h>

#include "base/bytes.h"
#include "base/secret.h"

namespace testudo::crypto::openssl {

/// One hash: its state and OpenSSL's three functions over it.
template <typename Context, auto kInit, auto kUpdate, auto kFinal, std::size_t kDigestBytes, std::size_t kBlockBytes>
class Hash {
 public:
  static constexpr std::size_t kDigest = kDigestBytes;
  static constexpr std::size_t kBlock = kBlockBytes;

  Hash() { kInit(&context_); }
  Hash(const Hash&) = default;
  Hash& operator=(const Hash&) = default;
  ~Hash() { OPENSSL_cleanse(&context_, sizeof context_); }

  void update(Bytes bytes) { kUpdate(&context_, bytes.data(), bytes.size()); }
  /// digest has kDigest bytes.
  void finish(std::uint8_t* digest) { kFinal(digest, &context_); }

 private:
  Context context_;
};

using Md5 = Hash<MD5_CTX, MD5_Init, MD5_Update, MD5_Final, 16, 64>;
using Sha1 = Hash<SHA_CTX, SHA1_Init, SHA1_Update, SHA1_Final, 20, 64>;
using Sha256 = Hash<SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final, 32, 64>;
using Sha384 = Hash<SHA512_CTX, SHA384_Init, SHA384_Update, SHA384_Final, 48, 128>;
using Sha512 = Hash<SHA512_CTX, SHA512_Init, SHA512_Update, SHA512_Final, 64, 128>;
using Ripemd160 = Hash<RIPEMD160_CTX, RIPEMD160_Init, RIPEMD160_Update, RIPEMD160_Final, 20, 64>;

}  // namespace testudo::crypto::openssl
