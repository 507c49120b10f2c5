#include "crypto/gcrypt/twofish.h"

#include <gcrypt.h>

#include <utility>

#include "base/secret.h"

namespace testudo::crypto::gcrypt {
namespace {

struct Close {
  void operator()(gcry_cipher_hd_t handle) const { gcry_cipher_close(handle); }  // wipes the key schedule
};
using Handle = std::unique_ptr<gcry_cipher_handle, Close>;

/// libgcrypt wants to be started once; a program that has started it already has chosen its own settings.
bool started() {
  static const bool done = [] {
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P)) return true;
    if (gcry_check_version(GCRYPT_VERSION) == nullptr) return false;
    gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    return true;
  }();
  return done;
}

Handle open(Bytes key) {
  gcry_cipher_hd_t raw = nullptr;
  const int algorithm = key.size() == 16 ? GCRY_CIPHER_TWOFISH128 : GCRY_CIPHER_TWOFISH;
  if (gcry_cipher_open(&raw, algorithm, GCRY_CIPHER_MODE_CBC, 0) != 0) return nullptr;
  Handle handle{raw};
  if (gcry_cipher_setkey(raw, key.data(), key.size()) != 0) return nullptr;
  return handle;
}

class TwofishCbc final : public Cipher {
 public:
  TwofishCbc(Bytes key, Handle handle) : key_(key), handle_(std::move(handle)) {}

  bool encrypt(Bytes iv, MutableBytes text) override {
    return gcry_cipher_setiv(handle_.get(), iv.data(), iv.size()) == 0 &&
           gcry_cipher_encrypt(handle_.get(), text.data(), text.size(), nullptr, 0) == 0;
  }
  bool decrypt(Bytes iv, MutableBytes text) override {
    return gcry_cipher_setiv(handle_.get(), iv.data(), iv.size()) == 0 &&
           gcry_cipher_decrypt(handle_.get(), text.data(), text.size(), nullptr, 0) == 0;
  }
  std::unique_ptr<Cipher> clone() const override { return make_twofish_cbc(key_.expose()); }

 private:
  Secret key_;
  Handle handle_;
};

}  // namespace

std::unique_ptr<Cipher> make_twofish_cbc(Bytes key) {
  if (!started()) return nullptr;
  Handle handle = open(key);
  if (!handle) return nullptr;
  return std::make_unique<TwofishCbc>(key, std::move(handle));
}

}  // namespace testudo::crypto::gcrypt
