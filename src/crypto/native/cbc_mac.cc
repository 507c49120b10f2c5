#include "crypto/native/cbc_mac.h"

#include <algorithm>
#include <array>

#include "base/secret.h"
#include "crypto/mac_output.h"
#include "crypto/openssl/library.h"

namespace testudo::crypto::native {
namespace {

using openssl::CipherContext;
using openssl::Direction;

constexpr std::size_t kBlock = 16;
using Block = std::array<std::uint8_t, kBlock>;
constexpr Block kZero{};

struct Keys {
  Block chain;    ///< encrypts the blocks
  Block whole;    ///< masks a last block that is whole
  Block partial;  ///< masks a last block that was padded

  ~Keys() {
    wipe(chain);
    wipe(whole);
    wipe(partial);
  }
};

CipherContext aes_cbc(Bytes key) {
  const auto cipher = openssl::fetch_cipher("AES-128-CBC");
  return cipher ? openssl::keyed_context(*cipher, key, Direction::Encrypt) : nullptr;
}

Block encrypt_block(EVP_CIPHER_CTX& context, const Block& in) {
  Block out{};
  int written = 0;
  if (openssl::restart(context, kZero.data(), Direction::Encrypt)) {
    EVP_CipherUpdate(&context, out.data(), &written, in.data(), kBlock);
  }
  return out;
}

Block filled(std::uint8_t byte) {
  Block block;
  block.fill(byte);
  return block;
}

/// RFC 3566 section 4: K1, K2, K3 are 0x01…, 0x02…, 0x03… encrypted.
Keys derive_xcbc(EVP_CIPHER_CTX& aes) {
  return {encrypt_block(aes, filled(1)), encrypt_block(aes, filled(2)), encrypt_block(aes, filled(3))};
}

/// RFC 4493 section 2.3: a shift to the left, and 0x87 when a bit fell out.  Free of branches on the key.
Block doubled(const Block& in) {
  Block out{};
  for (std::size_t i = 0; i < kBlock; ++i) {
    const unsigned next = i + 1 < kBlock ? in[i + 1] : 0U;
    out[i] = static_cast<std::uint8_t>((unsigned{in[i]} << 1U) | (next >> 7U));
  }
  out[kBlock - 1] = static_cast<std::uint8_t>(out[kBlock - 1] ^ (0x87U & (0U - (unsigned{in[0]} >> 7U))));
  return out;
}

Keys derive_cmac(EVP_CIPHER_CTX& aes, Bytes key) {
  Keys keys{};
  std::ranges::copy(key, keys.chain.begin());
  keys.whole = doubled(encrypt_block(aes, kZero));
  keys.partial = doubled(keys.whole);
  return keys;
}

class CbcMac final : public Mac {
 public:
  static std::unique_ptr<Mac> make(const Keys& keys) {
    auto made = std::make_unique<CbcMac>(keys);
    if (!made->context_) return nullptr;
    return made;
  }
  explicit CbcMac(const Keys& keys) : keys_(keys), context_(aes_cbc(keys.chain)) {}

  void compute(std::span<const Bytes> pieces, MutableBytes out) override {
    openssl::restart(*context_, kZero.data(), Direction::Encrypt);
    held_ = 0;
    for (const Bytes piece : pieces) absorb(piece);
    finish();
    put_mac(last_, out);
  }

  std::unique_ptr<Mac> clone() const override { return make(keys_); }

 private:
  /// The last block is masked, so up to one whole block is held back until more comes.
  void absorb(Bytes in) {
    while (!in.empty()) {
      if (held_ == kBlock) {
        chain(last_);
        held_ = 0;
      }
      if (held_ == 0 && in.size() > kBlock) {
        const std::size_t bulk = std::min(kScratch, (in.size() - 1) / kBlock * kBlock);
        chain(in.first(bulk));
        in = in.subspan(bulk);
        continue;
      }
      const std::size_t n = std::min(kBlock - held_, in.size());
      std::ranges::copy(in.first(n), last_.begin() + static_cast<std::ptrdiff_t>(held_));
      held_ += n;
      in = in.subspan(n);
    }
  }

  void finish() {
    const Block& mask = held_ == kBlock ? keys_.whole : keys_.partial;
    if (held_ < kBlock) {
      last_[held_] = 0x80;
      std::fill(last_.begin() + static_cast<std::ptrdiff_t>(held_) + 1, last_.end(), std::uint8_t{0});
    }
    for (std::size_t i = 0; i < kBlock; ++i) last_[i] = static_cast<std::uint8_t>(last_[i] ^ mask[i]);
    chain(last_);
    std::copy_n(scratch_.begin(), kBlock, last_.begin());
  }

  void chain(Bytes blocks) {
    int written = 0;
    EVP_CipherUpdate(context_.get(), scratch_.data(), &written, blocks.data(), static_cast<int>(blocks.size()));
  }

  static constexpr std::size_t kScratch = 1024;

  Keys keys_;
  CipherContext context_;
  Block last_{};
  std::size_t held_ = 0;
  std::array<std::uint8_t, kScratch> scratch_{};
};

}  // namespace

std::unique_ptr<Mac> make_cbc_mac(MacKind kind, Bytes key) {
  const CipherContext aes = aes_cbc(key);
  if (!aes) return nullptr;
  if (kind == MacKind::AesXcbc) return CbcMac::make(derive_xcbc(*aes));
  if (kind == MacKind::AesCmac) return CbcMac::make(derive_cmac(*aes, key));
  return nullptr;
}

}  // namespace testudo::crypto::native
