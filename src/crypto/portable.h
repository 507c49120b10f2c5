#pragma once
// The back end that every machine has: OpenSSL, nettle for what OpenSSL lacks, our own code for what both
// lack.
#include <memory>

#include "crypto/suite.h"

namespace testudo::crypto::portable {

/// Key lengths and combinations are checked already; the only errors are NotAvailable.
Result<std::unique_ptr<Suite>, KeyError> make_suite(const SuiteKeys& keys);
Result<std::unique_ptr<Mac>, KeyError> make_mac(const MacRow& row, Bytes key);

}  // namespace testudo::crypto::portable
