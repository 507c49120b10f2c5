#pragma once
// Files of RSA keys without certificates, as plainrsa-gen(8) writes them and racoon reads them (the language is that of
// ipsec.secrets).  The file is read by the daemon; what it must look like is judged here.  Pure.
//
//   [[LOCAL] PEER] : RSA { Modulus: 0x… PublicExponent: 0x… PrivateExponent: 0x… … }
//   [[LOCAL] PEER] : PUB 0s<base64>
//   @NAME          : PUB 0x<hexadecimal>
//
// LOCAL and PEER are addresses, networks or `any`; NAME is the identifier that the peer gives, which racoon had not.
#include <string>
#include <string_view>

#include "base/result.h"
#include "ike/plain_keys.h"

namespace testudo::config {

/// What the keys are for: private ones sign, of the peers' only the public part is taken.
enum class KeyUse : std::uint8_t { Own, Peers };

/// Failure: file:line: a sentence, of the first error.
Result<ike::PlainKeys, std::string> parse_plain_rsa(std::string_view text, const std::string& file, KeyUse use);

/// The text of a private key with its public one as a comment; the caller wipes it.
std::string plain_rsa_text(const crypto::ike::RsaPrivateKey& key);
/// ": PUB 0s…"
std::string plain_rsa_text(const crypto::ike::RsaPublicKey& key);

}  // namespace testudo::config
