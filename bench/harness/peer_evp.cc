#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "harness/peer.h"
#include "support/sas.h"

namespace testudo::bench {
namespace {

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

class EvpGcm final : public Peer {
 public:
  explicit EvpGcm(const Cipher& cipher) : sealing_(EVP_CIPHER_CTX_new()), opening_(EVP_CIPHER_CTX_new()) {
    const Secret key = test::key(cipher.key, 11);
    if (EVP_EncryptInit_ex(sealing_.get(), EVP_aes_128_gcm(), nullptr, key.expose().data(), nullptr) != 1 ||
        EVP_DecryptInit_ex(opening_.get(), EVP_aes_128_gcm(), nullptr, key.expose().data(), nullptr) != 1) {
      give_up("OpenSSL refuses a key");
    }
    std::copy_n(key.expose().end() - 4, 4, nonce_.begin());
  }

  void seal(std::span<const Work> batch) override {
    EVP_CIPHER_CTX* const c = sealing_.get();
    int n = 0;
    for (const Work& w : batch) {
      std::copy_n(w.head + 8, 8, nonce_.begin() + 4);
      EVP_EncryptInit_ex(c, nullptr, nullptr, nullptr, nonce_.data());
      EVP_EncryptUpdate(c, nullptr, &n, w.head, 8);
      EVP_EncryptUpdate(c, w.text, &n, w.text, static_cast<int>(w.length));
      EVP_EncryptFinal_ex(c, w.text + w.length, &n);
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, w.text + w.length);
    }
  }

  void open(std::span<const Work> batch) override {
    EVP_CIPHER_CTX* const c = opening_.get();
    int n = 0;
    for (const Work& w : batch) {
      std::copy_n(w.head + 8, 8, nonce_.begin() + 4);
      EVP_DecryptInit_ex(c, nullptr, nullptr, nullptr, nonce_.data());
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, w.text + w.length);
      EVP_DecryptUpdate(c, nullptr, &n, w.head, 8);
      EVP_DecryptUpdate(c, w.text, &n, w.text, static_cast<int>(w.length));
      EVP_DecryptFinal_ex(c, w.text + w.length, &n);
    }
  }

 private:
  Context sealing_, opening_;
  std::array<std::uint8_t, 12> nonce_{};
};

}  // namespace

std::unique_ptr<Peer> make_evp_gcm(const Cipher& cipher) {
  return std::make_unique<EvpGcm>(cipher);
}

}  // namespace testudo::bench
