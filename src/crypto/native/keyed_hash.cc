#include "crypto/native/keyed_hash.h"

#include <array>

#include "crypto/mac_output.h"
#include "crypto/openssl/hash.h"

namespace testudo::crypto::native {
namespace {

/// The hash's own padding of a message of so many bytes: 0x80, zeros, and the length in bits as the hash
/// writes it.
ByteVector fill(std::size_t size, bool big_endian) {
  constexpr std::size_t kBlock = 64, kLengthField = 8;
  const std::size_t zeros = (2 * kBlock - kLengthField - 1 - size % kBlock) % kBlock;
  ByteVector out(1 + zeros + kLengthField);
  out[0] = 0x80;
  const std::uint64_t bits = std::uint64_t{size} * 8;
  for (std::size_t i = 0; i < kLengthField; ++i) {
    const std::size_t at = big_endian ? kLengthField - 1 - i : i;
    out[1 + zeros + at] = static_cast<std::uint8_t>(bits >> (8 * i));
  }
  return out;
}

/// RFC 1828 section 2: the key "is filled to the next 512-bit boundary, using the same pad with length technique
/// defined for MD5"; then come the datagram and the key again, unfilled.  RFC 1852 says the same of SHA.
template <typename H>
class KeyedHash final : public Mac {
 public:
  KeyedHash(Bytes key, bool big_endian) : key_(key) {
    start_.update(key);
    start_.update(fill(key.size(), big_endian));
  }
  KeyedHash(const KeyedHash& other) : Mac(other), start_(other.start_), key_(other.key_.clone()) {}
  KeyedHash& operator=(const KeyedHash&) = delete;

  void compute(std::span<const Bytes> pieces, MutableBytes out) override {
    std::array<std::uint8_t, H::kDigest> digest;
    H hash = start_;
    for (const Bytes piece : pieces) hash.update(piece);
    hash.update(key_.expose());
    hash.finish(digest.data());
    put_mac(digest, out);
  }

  std::unique_ptr<Mac> clone() const override { return std::make_unique<KeyedHash>(*this); }

 private:
  H start_;
  Secret key_;
};

}  // namespace

std::unique_ptr<Mac> make_keyed_hash(MacKind kind, Bytes key) {
  if (kind == MacKind::KeyedMd5) return std::make_unique<KeyedHash<openssl::Md5>>(key, false);
  if (kind == MacKind::KeyedSha1) return std::make_unique<KeyedHash<openssl::Sha1>>(key, true);
  return nullptr;
}

}  // namespace testudo::crypto::native
