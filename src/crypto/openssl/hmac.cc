#include "crypto/openssl/hmac.h"

#include <array>

#include "crypto/mac_output.h"
#include "crypto/openssl/hash.h"

namespace testudo::crypto::openssl {
namespace {

/// RFC 2104 section 4: the states after the first block of either hash are made once for a key.
template <typename H>
class Hmac final : public Mac {
 public:
  explicit Hmac(Bytes key) {
    std::array<std::uint8_t, H::kBlock> block{};
    if (key.size() > H::kBlock) {
      H long_key;
      long_key.update(key);
      long_key.finish(block.data());
    } else {
      std::ranges::copy(key, block.begin());
    }
    for (auto& byte : block) byte = static_cast<std::uint8_t>(byte ^ kInnerPad);
    inner_.update(block);
    for (auto& byte : block) byte = static_cast<std::uint8_t>(byte ^ kInnerPad ^ kOuterPad);
    outer_.update(block);
    wipe(block);
  }

  void compute(std::span<const Bytes> pieces, MutableBytes out) override {
    std::array<std::uint8_t, H::kDigest> digest;
    H hash = inner_;
    for (const Bytes piece : pieces) hash.update(piece);
    hash.finish(digest.data());
    hash = outer_;
    hash.update(digest);
    hash.finish(digest.data());
    put_mac(digest, out);
  }

  std::unique_ptr<Mac> clone() const override { return std::make_unique<Hmac>(*this); }

 private:
  static constexpr std::uint8_t kInnerPad = 0x36, kOuterPad = 0x5c;

  H inner_, outer_;
};

}  // namespace

std::unique_ptr<Mac> make_hmac(MacKind kind, Bytes key) {
  switch (kind) {
    case MacKind::HmacMd5:
      return std::make_unique<Hmac<Md5>>(key);
    case MacKind::HmacSha1:
      return std::make_unique<Hmac<Sha1>>(key);
    case MacKind::HmacSha256:
      return std::make_unique<Hmac<Sha256>>(key);
    case MacKind::HmacSha384:
      return std::make_unique<Hmac<Sha384>>(key);
    case MacKind::HmacSha512:
      return std::make_unique<Hmac<Sha512>>(key);
    case MacKind::HmacRipemd160:
      return std::make_unique<Hmac<Ripemd160>>(key);
    default:
      return nullptr;
  }
}

}  // namespace testudo::crypto::openssl
