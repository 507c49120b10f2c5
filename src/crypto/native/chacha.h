#pragma once
// ChaCha20-Poly1305 of our own (RFC 7634 over RFC 8439) for machines with AVX-512: several packets of an SA at once. Of
// one or two packets a library's is faster.  Elsewhere there is none and another back end has to do.
#include <memory>

#include "crypto/suite.h"

namespace testudo::crypto::native {

/// Null when the row is not ChaCha20-Poly1305 or the machine lacks the instructions.  The key's length is checked
/// already.
std::unique_ptr<Suite> make_chacha(const CipherRow& row, Bytes key);
/// Whether make_chacha() makes one of this row, which it then does of every key.
bool makes_chacha(const CipherRow& row);

}  // namespace testudo::crypto::native
