#pragma once
// The fast back end of amd64: intel-ipsec-mb.  A build without the library has the same functions, which
// say no.
#include <memory>

#include "crypto/suite.h"

namespace testudo::crypto::ipsecmb {

/// True when the library is there and its self-test passed on this machine.
bool available();

/// True for ciphers whose one packet fills the machine's width; the others need runs of packets.
bool is_wide_within_a_packet(const CipherRow& row);

/// Key lengths and combinations are checked already; the only error is NotAvailable.
Result<std::unique_ptr<Suite>, KeyError> make_suite(const SuiteKeys& keys);

}  // namespace testudo::crypto::ipsecmb
