#pragma once
// OpenSSL 3 with its default and legacy providers in a library context of our own: DES, Blowfish and CAST
// live in the legacy provider, and loading that into the global context would change what the rest of the
// process gets. Loaded on first use, once; any thread may call.  Never unloaded: contexts may outlive every
// static object.
#include <openssl/evp.h>

#include <memory>

#include "base/bytes.h"

namespace testudo::crypto::openssl {

struct Free {
  void operator()(EVP_CIPHER* p) const { EVP_CIPHER_free(p); }
  void operator()(EVP_CIPHER_CTX* p) const { EVP_CIPHER_CTX_free(p); }  // wipes the key schedule
};
using CipherPtr = std::unique_ptr<EVP_CIPHER, Free>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Free>;

/// The algorithm by OpenSSL's name; null when this build of OpenSSL, or the machine, lacks it.
CipherPtr fetch_cipher(const char* name);

enum class Direction : int { Decrypt = 0, Encrypt = 1 };

/// A context with the key set and padding off, ready for restart(); null on failure.
CipherContext keyed_context(const EVP_CIPHER& cipher, Bytes key, Direction direction);

/// Starts the next message under the same key.
inline bool restart(EVP_CIPHER_CTX& context, const std::uint8_t* iv, Direction direction) {
  return EVP_CipherInit_ex2(&context, nullptr, nullptr, iv, static_cast<int>(direction), nullptr) == 1;
}

}  // namespace testudo::crypto::openssl
