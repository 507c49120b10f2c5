#pragma once
// The hash functions of IKE, alone and as HMAC: RFC 2409 section 4 takes HMAC of the negotiated hash as its prf.
// Pieces are hashed one after another, so nobody has to join secrets into a buffer.
#include <initializer_list>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/ike/rows.h"

namespace testudo::crypto::ike {

using Pieces = std::initializer_list<Bytes>;

ByteVector digest(HashKind kind, Pieces pieces);
Secret prf(const HashRow& hash, Bytes key, Pieces pieces);

/// In place, `iv` and `text` of the cipher's block; false when the library lacks the cipher or the lengths are wrong.
bool cbc_encrypt(CipherKind kind, Bytes key, Bytes iv, MutableBytes text);
bool cbc_decrypt(CipherKind kind, Bytes key, Bytes iv, MutableBytes text);

}  // namespace testudo::crypto::ike
