#include "crypto/suite.h"

#include "crypto/by_run_length.h"
#include "crypto/ipsecmb/backend.h"
#include "crypto/portable.h"
#include "crypto/weak_key.h"

namespace testudo::crypto {
namespace {

Status<KeyError> check(const SuiteKeys& keys) {
  if (!keys.cipher->key.allows(keys.cipher_key.size())) return Failure{KeyError::BadLength};
  if (keys.cipher->kind == CipherKind::DesCbc && is_weak_des_key(keys.cipher_key)) return Failure{KeyError::WeakKey};
  if (keys.mac == nullptr) return Done{};
  if (!keys.mac->key.allows(keys.mac_key.size())) return Failure{KeyError::BadLength};
  // The null MAC adds nothing to ESP, so it may stand beside an AEAD.
  if (keys.cipher->is_aead() && keys.mac->esp_icv() != 0) return Failure{KeyError::NotCombinable};
  return Done{};
}

Result<std::unique_ptr<Suite>, KeyError> make_best(const SuiteKeys& keys) {
  auto wide = ipsecmb::make_suite(keys);
  if (wide && ipsecmb::is_wide_within_a_packet(*keys.cipher)) return wide;
  auto portable = portable::make_suite(keys);
  if (!wide) return portable;
  if (!portable) return wide;
  return std::unique_ptr<Suite>(std::make_unique<ByRunLength>(*std::move(wide), *std::move(portable)));
}

}  // namespace

Result<std::unique_ptr<Suite>, KeyError> make_suite(const SuiteKeys& keys, Backend backend) {
  TRY_DONE(check(keys));
  switch (backend) {
    case Backend::OpenSsl:
      return portable::make_suite(keys);
    case Backend::IpsecMb:
      return ipsecmb::make_suite(keys);
    case Backend::Best:
      break;
  }
  return make_best(keys);
}

Result<std::unique_ptr<Mac>, KeyError> make_mac(const MacRow& row, Bytes key, Backend backend) {
  if (!row.key.allows(key.size())) return Failure{KeyError::BadLength};
  // ipsec-mb gains by many packets at once, and a Mac gets one.
  if (backend == Backend::IpsecMb) return Failure{KeyError::NotAvailable};
  return portable::make_mac(row, key);
}

std::span<const std::string_view> available_backends() {
  static constexpr std::string_view kNames[] = {"openssl", "gcrypt", "ipsec-mb"};
  return std::span{kNames}.first(ipsecmb::available() ? 3 : 2);
}

}  // namespace testudo::crypto
