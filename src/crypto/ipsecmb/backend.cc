#ifdef TESTUDO_HAVE_IPSECMB
#include "crypto/ipsecmb/backend.h"

#include "crypto/ipsecmb/aead.h"
#include "crypto/ipsecmb/ccm.h"
#include "crypto/ipsecmb/chained.h"

namespace testudo::crypto::ipsecmb {
namespace {

Result<std::unique_ptr<Suite>, KeyError> make_chained(IMB_MGR& m, const SuiteKeys& keys) {
  TRY(const auto cipher, expand_cipher(m, *keys.cipher, keys.cipher_key));
  TRY(const auto mac, expand_mac(m, keys.mac, keys.mac_key));
  const bool does_nothing = cipher.mode == IMB_CIPHER_NULL && mac.algorithm == IMB_AUTH_NULL;
  if (does_nothing) return Failure{KeyError::NotAvailable};
  return std::unique_ptr<Suite>(std::make_unique<Chained>(JobShape::of(*keys.cipher, keys.mac), cipher, mac));
}

}  // namespace

bool available() {
  return manager() != nullptr;
}

bool is_wide_within_a_packet(const CipherRow& row) {
  return row.is_aead() && row.kind != CipherKind::AesCcm;
}

Result<std::unique_ptr<Suite>, KeyError> make_suite(const SuiteKeys& keys) {
  IMB_MGR* const m = manager();
  if (m == nullptr) return Failure{KeyError::NotAvailable};
  if (!keys.cipher->is_aead()) return make_chained(*m, keys);
  const bool ccm = keys.cipher->kind == CipherKind::AesCcm;
  auto aead = ccm ? make_ccm(*m, *keys.cipher, keys.cipher_key) : make_aead(*m, *keys.cipher, keys.cipher_key);
  if (!aead) return Failure{KeyError::NotAvailable};
  return aead;
}

}  // namespace testudo::crypto::ipsecmb
#endif
