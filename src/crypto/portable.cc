#include "crypto/portable.h"

#include <algorithm>

#include "crypto/encrypt_then_mac.h"
#include "crypto/native/cbc_mac.h"
#include "crypto/native/keyed_hash.h"
#include "crypto/nettle/twofish.h"
#include "crypto/openssl/aead.h"
#include "crypto/openssl/ciphers.h"
#include "crypto/openssl/hmac.h"

namespace testudo::crypto::portable {
namespace {

/// NetBSD's null authentication of AH: zeros.
class NullMac final : public Mac {
 public:
  void compute(std::span<const Bytes>, MutableBytes out) override { std::ranges::fill(out, std::uint8_t{0}); }
  std::unique_ptr<Mac> clone() const override { return std::make_unique<NullMac>(); }
};

std::unique_ptr<Cipher> make_cipher(const CipherRow& row, Bytes key) {
  return row.kind == CipherKind::TwofishCbc ? nettle::make_twofish_cbc(key) : openssl::make_cipher(row, key);
}

std::unique_ptr<Mac> find_mac(MacKind kind, Bytes key) {
  if (kind == MacKind::Null) return std::make_unique<NullMac>();
  if (auto hmac = openssl::make_hmac(kind, key)) return hmac;
  if (auto keyed = native::make_keyed_hash(kind, key)) return keyed;
  return native::make_cbc_mac(kind, key);
}

}  // namespace

Result<std::unique_ptr<Suite>, KeyError> make_suite(const SuiteKeys& keys) {
  const CipherRow& row = *keys.cipher;
  if (row.is_aead()) {
    auto aead = openssl::make_aead(row, keys.cipher_key);
    if (!aead) return Failure{KeyError::NotAvailable};
    return aead;
  }
  auto cipher = make_cipher(row, keys.cipher_key);
  if (!cipher) return Failure{KeyError::NotAvailable};
  std::unique_ptr<Mac> mac;
  if (keys.mac != nullptr && keys.mac->esp_icv() != 0) {
    TRY(mac, portable::make_mac(*keys.mac, keys.mac_key));
  }
  return std::unique_ptr<Suite>(
      std::make_unique<EncryptThenMac>(JobShape::of(row, keys.mac), std::move(cipher), std::move(mac)));
}

Result<std::unique_ptr<Mac>, KeyError> make_mac(const MacRow& row, Bytes key) {
  auto mac = find_mac(row.kind, key);
  if (!mac) return Failure{KeyError::NotAvailable};
  return mac;
}

}  // namespace testudo::crypto::portable
