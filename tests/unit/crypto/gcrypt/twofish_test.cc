#include "crypto/gcrypt/twofish.h"

#include "unit/crypto/backends.h"

namespace testudo::crypto {
namespace {

// B. Schneier et al., "Twofish: A 128-Bit Block Cipher", appendix A.
TEST(Twofish, GivesItsAuthorsVectors) {
  const char* const zero = "00000000000000000000000000000000";
  expect_cipher({"twofish-cbc", zero, zero, zero, "9f589f5cf6122c32b6bfec2f2ae8c35a"});
  expect_cipher({"twofish-cbc", "0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff", zero, zero,
                 "37527be0052334b89f0cfccae87cfa20"});
}

}  // namespace
}  // namespace testudo::crypto
