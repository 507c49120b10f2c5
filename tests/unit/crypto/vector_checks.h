#pragma once
// What a vector says, put to every back end that can express it.
#include <string_view>

#include "base/bytes.h"
#include "crypto/algorithms.h"

namespace testudo::crypto {

/// How many vectors were checked, and how many have a form that IPsec never uses (an IV of 16 bytes for GCM, …).
struct Tally {
  std::size_t checked = 0, foreign = 0;
};

struct AeadCase {
  CipherKind kind{};
  ByteVector key{}, nonce{}, aad{}, plain{}, sealed{}, tag{};
  bool valid = true;
};
void check_aead(const AeadCase& v, Tally& tally);

struct CipherCase {
  CipherKind kind{};
  ByteVector key{}, iv{}, plain{}, sealed{};
};
void check_cipher(const CipherCase& v, Tally& tally);

struct MacCase {
  MacKind kind{};
  ByteVector key{}, message{}, tag{};
  bool valid = true;
};
void check_mac(const MacCase& v, Tally& tally);

}  // namespace testudo::crypto
