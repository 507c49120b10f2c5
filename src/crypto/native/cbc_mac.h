#pragma once
// AES-XCBC-MAC (RFC 3566) and AES-CMAC (RFC 4493, 4494): both are a CBC-MAC whose last block is masked with
// one subkey when it is whole and with another when it had to be padded; they differ in how the keys are
// derived.  AES is OpenSSL's.
#include <memory>

#include "crypto/algorithms.h"
#include "crypto/suite.h"

namespace testudo::crypto::native {

/// Null when kind is neither, or OpenSSL lacks AES.
std::unique_ptr<Mac> make_cbc_mac(MacKind kind, Bytes key);

}  // namespace testudo::crypto::native
