#include "crypto/openssl/library.h"

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include <utility>

namespace testudo::crypto::openssl {
namespace {

struct Library {
  OSSL_LIB_CTX* context = OSSL_LIB_CTX_new();

  Library() {
    // Where a provider is missing (some distributions package the legacy one apart), fetch_cipher() says so.
    OSSL_PROVIDER_load(context, "default");
    OSSL_PROVIDER_load(context, "legacy");
  }
};

OSSL_LIB_CTX* library() {
  static const Library* const instance = new Library;
  return instance->context;
}

}  // namespace

CipherPtr fetch_cipher(const char* name) {
  return CipherPtr{EVP_CIPHER_fetch(library(), name, nullptr)};
}

CipherContext keyed_context(const EVP_CIPHER& cipher, Bytes key, Direction direction) {
  CipherContext context{EVP_CIPHER_CTX_new()};
  const int enc = static_cast<int>(direction);
  const bool keyed = context && EVP_CipherInit_ex2(context.get(), &cipher, nullptr, nullptr, enc, nullptr) == 1 &&
                     EVP_CIPHER_CTX_set_key_length(context.get(), static_cast<int>(key.size())) == 1 &&
                     EVP_CipherInit_ex2(context.get(), nullptr, key.data(), nullptr, enc, nullptr) == 1 &&
                     EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1;
  return keyed ? std::move(context) : nullptr;
}

}  // namespace testudo::crypto::openssl
