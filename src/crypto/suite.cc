#include "crypto/suite.h"

#include <vector>

#include "crypto/by_run_length.h"
#include "crypto/ipsecmb/backend.h"
#include "crypto/native/gcm.h"
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

Result<std::unique_ptr<Suite>, KeyError> make_native(const SuiteKeys& keys, native::GcmLanes lanes) {
  auto gcm = native::make_gcm(*keys.cipher, keys.cipher_key, lanes);
  if (!gcm) return Failure{KeyError::NotAvailable};
  return gcm;
}

Result<std::unique_ptr<Suite>, KeyError> make_best(const SuiteKeys& keys) {
  if (auto own = make_native(keys, native::GcmLanes::Widest)) return own;
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
    case Backend::Vaes:
      return make_native(keys, native::GcmLanes::Widest);
    case Backend::Vaes256:
      return make_native(keys, native::GcmLanes::Bits256);
    case Backend::Best:
      break;
  }
  return make_best(keys);
}

Status<KeyError> check_suite(const SuiteKeys& keys) {
  TRY_DONE(check(keys));
  if (native::makes(*keys.cipher)) return Done{};
  const auto suite = make_best(keys);
  if (!suite) return Failure{suite.error()};
  return Done{};
}

Result<std::unique_ptr<Mac>, KeyError> make_mac(const MacRow& row, Bytes key, Backend backend) {
  if (!row.key.allows(key.size())) return Failure{KeyError::BadLength};
  // ipsec-mb gains by many packets at once, and a Mac gets one.
  if (backend != Backend::Best && backend != Backend::OpenSsl) return Failure{KeyError::NotAvailable};
  return portable::make_mac(row, key);
}

std::span<const std::string_view> available_backends() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names{"openssl", "nettle"};
    if (ipsecmb::available()) names.emplace_back("ipsec-mb");
    if (!native::gcm_lanes().empty()) names.push_back(native::gcm_lanes());
    return names;
  }();
  return kNames;
}

}  // namespace testudo::crypto
