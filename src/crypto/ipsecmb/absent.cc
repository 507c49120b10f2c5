#ifndef TESTUDO_HAVE_IPSECMB
#include "crypto/ipsecmb/backend.h"

namespace testudo::crypto::ipsecmb {

bool available() {
  return false;
}
bool is_wide_within_a_packet(const CipherRow&) {
  return false;
}

Result<std::unique_ptr<Suite>, KeyError> make_suite(const SuiteKeys&) {
  return Failure{KeyError::NotAvailable};
}

}  // namespace testudo::crypto::ipsecmb
#endif
