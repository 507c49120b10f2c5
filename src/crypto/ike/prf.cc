#include "crypto/ike/prf.h"

#include <algorithm>
#include <array>

#include "crypto/openssl/ciphers.h"
#include "crypto/openssl/hash.h"
#include "crypto/openssl/hmac.h"

namespace testudo::crypto::ike {
namespace {

template <typename Hash>
ByteVector digest_with(Pieces pieces) {
  Hash hash;
  for (const Bytes piece : pieces) hash.update(piece);
  ByteVector out(Hash::kDigest);
  hash.finish(out.data());
  return out;
}

std::unique_ptr<Cipher> keyed_cipher(CipherKind kind, Bytes key, Bytes iv, Bytes text) {
  const crypto::CipherRow& row = cipher_of(kind);
  if (!row.key.allows(key.size())) return nullptr;
  if (iv.size() != row.block || text.empty() || text.size() % row.block != 0) return nullptr;
  return openssl::make_cipher(row, key);
}

}  // namespace

ByteVector digest(HashKind kind, Pieces pieces) {
  switch (kind) {
    case HashKind::Md5:
      return digest_with<openssl::Md5>(pieces);
    case HashKind::Sha1:
      return digest_with<openssl::Sha1>(pieces);
    case HashKind::Sha256:
      return digest_with<openssl::Sha256>(pieces);
    case HashKind::Sha384:
      return digest_with<openssl::Sha384>(pieces);
    case HashKind::Sha512:
      return digest_with<openssl::Sha512>(pieces);
  }
  return {};
}

Secret prf(const HashRow& hash, Bytes key, Pieces pieces) {
  std::array<std::uint8_t, 64> out{};
  const MutableBytes digest = MutableBytes{out}.first(hash.digest);
  openssl::make_hmac(hash.hmac, key)->compute({pieces.begin(), pieces.size()}, digest);
  Secret result{digest};
  wipe(out);
  return result;
}

bool cbc_encrypt(CipherKind kind, Bytes key, Bytes iv, MutableBytes text) {
  const auto cipher = keyed_cipher(kind, key, iv, text);
  return cipher && cipher->encrypt(iv, text);
}

bool cbc_decrypt(CipherKind kind, Bytes key, Bytes iv, MutableBytes text) {
  const auto cipher = keyed_cipher(kind, key, iv, text);
  return cipher && cipher->decrypt(iv, text);
}

}  // namespace testudo::crypto::ike
