#define TESTUDO_LANES_512
// g++ 12 warns of the undefined operands in its own AVX-512 header (PR 105593).
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "crypto/native/cpu.h"
#include "crypto/native/wide512.h"
#include "unit/crypto/native/poly1305_vectors.h"

namespace testudo::crypto::native {
namespace {

TEST(Poly1305, CarriesAsTheVectorsDoInRegistersOf512Bits) {
  if (!has_vaes_512()) GTEST_SKIP() << "this machine lacks AVX-512";
#ifdef __x86_64__
  expect_poly1305_vectors<Wide512>();
#endif
}

}  // namespace
}  // namespace testudo::crypto::native
