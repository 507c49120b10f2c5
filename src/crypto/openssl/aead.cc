#include "crypto/openssl/aead.h"

#include <algorithm>
#include <array>

#include "base/secret.h"
#include "crypto/job_shape.h"
#include "crypto/openssl/library.h"

namespace testudo::crypto::openssl {
namespace {

/// What all four share: a context, of which the key schedule serves both directions but for CCM, and the nonce, salt |
/// IV.
struct Core {
  const CipherRow* row;
  Secret key;
  JobShape shape;
  CipherContext context, decryption;
  std::array<std::uint8_t, 12> nonce{};

  Core(const CipherRow& r, Bytes k) : row(&r), key(k), shape(JobShape::of(r, nullptr)) {
    std::ranges::copy(k.last(r.salt), nonce.begin());
  }

  EVP_CIPHER_CTX* ctx() const { return context.get(); }

  const std::uint8_t* nonce_for(const Job& job) {
    std::ranges::copy(job.iv, nonce.begin() + row->salt);
    return nonce.data();
  }
};

/// EVP counts in int; a null input pointer would mean "finish" to some modes.
bool feed(EVP_CIPHER_CTX* ctx, std::uint8_t* out, Bytes in) {
  if (in.empty()) return true;
  int written = 0;
  return EVP_CipherUpdate(ctx, out, &written, in.data(), static_cast<int>(in.size())) == 1;
}

bool finish(EVP_CIPHER_CTX* ctx) {
  std::array<std::uint8_t, 16> nothing{};
  int written = 0;
  return EVP_CipherFinal_ex(ctx, nothing.data(), &written) == 1;
}

bool get_tag(EVP_CIPHER_CTX* ctx, MutableBytes icv) {
  return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(icv.size()), icv.data()) == 1;
}

bool set_tag(EVP_CIPHER_CTX* ctx, MutableBytes icv) {
  return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(icv.size()), icv.data()) == 1;
}

/// RFC 4106 and RFC 7634: they differ in the cipher only.
struct Stream {
  static bool run(Core& core, Job& job) {
    return feed(core.ctx(), nullptr, job.aad) && feed(core.ctx(), job.text.data(), job.text);
  }
};

/// RFC 4543: there is no text for GCM to encrypt; IV and plaintext follow SPI and sequence number as additional data.
struct Gmac {
  static bool run(Core& core, Job& job) {
    return feed(core.ctx(), nullptr, job.aad) && feed(core.ctx(), nullptr, job.iv) &&
           feed(core.ctx(), nullptr, job.text);
  }
};

/// The tag comes of the final step.
template <typename Text>
struct TagLast {
  static bool prepare(Core& core, const EVP_CIPHER& cipher) {
    const Bytes key = core.key.expose();
    core.context = keyed_context(cipher, key.first(key.size() - core.row->salt), Direction::Encrypt);
    return core.context != nullptr;
  }
  static bool seal(Core& core, Job& job) {
    return restart(*core.ctx(), core.nonce_for(job), Direction::Encrypt) && Text::run(core, job) &&
           finish(core.ctx()) && get_tag(core.ctx(), job.icv);
  }
  static bool open(Core& core, Job& job) {
    return restart(*core.ctx(), core.nonce_for(job), Direction::Decrypt) && set_tag(core.ctx(), job.icv) &&
           Text::run(core, job) && finish(core.ctx());
  }
};

/// RFC 4309: the nonce has 11 bytes, so the length field of CCM has 4.  CCM wants all lengths before the
/// first byte, and compares the tag when the text is decrypted, so it has no final step.  OpenSSL chooses the
/// code for one direction when the key is set, so here each direction has its context.
struct Ccm {
  static bool prepare(Core& core, const EVP_CIPHER& cipher) {
    core.context = keyed(core, cipher, Direction::Encrypt);
    core.decryption = keyed(core, cipher, Direction::Decrypt);
    return core.context && core.decryption;
  }
  static CipherContext keyed(const Core& core, const EVP_CIPHER& cipher, Direction direction) {
    const int enc = static_cast<int>(direction);
    const CipherRow& row = *core.row;
    CipherContext context{EVP_CIPHER_CTX_new()};
    EVP_CIPHER_CTX* ctx = context.get();
    const bool ready = ctx != nullptr && EVP_CipherInit_ex2(ctx, &cipher, nullptr, nullptr, enc, nullptr) == 1 &&
                       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, row.salt + row.iv, nullptr) == 1 &&
                       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, row.icv, nullptr) == 1 &&
                       EVP_CipherInit_ex2(ctx, nullptr, core.key.expose().data(), nullptr, enc, nullptr) == 1;
    return ready ? std::move(context) : nullptr;
  }
  static bool seal(Core& core, Job& job) {
    EVP_CIPHER_CTX* ctx = core.ctx();
    return restart(*ctx, core.nonce_for(job), Direction::Encrypt) && run(ctx, job) && get_tag(ctx, job.icv);
  }
  static bool open(Core& core, Job& job) {
    EVP_CIPHER_CTX* ctx = core.decryption.get();
    return restart(*ctx, core.nonce_for(job), Direction::Decrypt) && set_tag(ctx, job.icv) && run(ctx, job);
  }
  static bool run(EVP_CIPHER_CTX* ctx, Job& job) {
    int written = 0;
    const int size = static_cast<int>(job.text.size());
    std::uint8_t none = 0;  // a text of no bytes still has to be processed: that is what makes or checks the tag
    std::uint8_t* text = job.text.empty() ? &none : job.text.data();
    return EVP_CipherUpdate(ctx, nullptr, &written, nullptr, size) == 1 && feed(ctx, nullptr, job.aad) &&
           EVP_CipherUpdate(ctx, text, &written, text, size) == 1;
  }
};

template <typename Mode>
class Aead final : public Suite {
 public:
  static std::unique_ptr<Suite> make(const char* name, const CipherRow& row, Bytes key) {
    const CipherPtr cipher = fetch_cipher(name);
    if (!cipher) return nullptr;
    auto made = std::make_unique<Aead>(name, row, key);
    if (!Mode::prepare(made->core_, *cipher)) return nullptr;
    return made;
  }
  Aead(const char* name, const CipherRow& row, Bytes key) : name_(name), core_(row, key) {}

  void seal(std::span<Job> jobs) override {
    for (Job& job : jobs) job.ok = core_.shape.fits(job) && Mode::seal(core_, job);
  }
  void open(std::span<Job> jobs) override {
    for (Job& job : jobs) job.ok = core_.shape.fits(job) && Mode::open(core_, job);
  }
  std::unique_ptr<Suite> clone() const override { return make(name_, *core_.row, core_.key.expose()); }

 private:
  const char* name_;
  Core core_;
};

const char* pick(std::size_t key, const char* k128, const char* k192, const char* k256) {
  return key == 16 ? k128 : key == 24 ? k192 : k256;
}

}  // namespace

std::unique_ptr<Suite> make_aead(const CipherRow& row, Bytes key) {
  const std::size_t size = key.size() - row.salt;
  const char* const gcm = pick(size, "AES-128-GCM", "AES-192-GCM", "AES-256-GCM");
  switch (row.kind) {
    case CipherKind::AesGcm:
      return Aead<TagLast<Stream>>::make(gcm, row, key);
    case CipherKind::AesGmac:
      return Aead<TagLast<Gmac>>::make(gcm, row, key);
    case CipherKind::ChaCha20Poly1305:
      return Aead<TagLast<Stream>>::make("ChaCha20-Poly1305", row, key);
    case CipherKind::AesCcm:
      return Aead<Ccm>::make(pick(size, "AES-128-CCM", "AES-192-CCM", "AES-256-CCM"), row, key);
    default:
      return nullptr;
  }
}

}  // namespace testudo::crypto::openssl
