#include "crypto/suite.h"

#include <vector>

#include "crypto/by_run_length.h"
#include "crypto/ipsecmb/backend.h"
#include "crypto/native/chacha.h"
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
  auto own = native::make_gcm(*keys.cipher, keys.cipher_key, lanes);
  if (!own && lanes == native::GcmLanes::Widest) own = native::make_chacha(*keys.cipher, keys.cipher_key);
  if (!own) return Failure{KeyError::NotAvailable};
  return own;
}

std::unique_ptr<Suite> by_run_length(std::unique_ptr<Suite> for_many, std::unique_ptr<Suite> for_few) {
  return std::make_unique<ByRunLength>(std::move(for_many), std::move(for_few));
}

Result<std::unique_ptr<Suite>, KeyError> make_of_libraries(const SuiteKeys& keys) {
  auto wide = ipsecmb::make_suite(keys);
  if (wide && ipsecmb::is_wide_within_a_packet(*keys.cipher)) return wide;
  auto portable = portable::make_suite(keys);
  if (!wide) return portable;
  if (!portable) return wide;
  return by_run_length(*std::move(wide), *std::move(portable));
}

Result<std::unique_ptr<Suite>, KeyError> make_best(const SuiteKeys& keys) {
  auto own = make_native(keys, native::GcmLanes::Widest);
  if (own && !native::makes_chacha(*keys.cipher)) return own;
  auto of_libraries = make_of_libraries(keys);
  if (!own) return of_libraries;
  if (!of_libraries) return own;
  return by_run_length(*std::move(own), *std::move(of_libraries));
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
  if (native::makes(*keys.cipher) || native::makes_chacha(*keys.cipher)) return Done{};
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
