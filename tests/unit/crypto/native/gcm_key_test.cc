#include "crypto/native/gcm_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

namespace testudo::crypto::native {
namespace {

/// Whatever the memory is used for next finds nothing of it.
TEST(GcmSa, LeavesNeitherKeyNorSaltBehind) {
  alignas(GcmSa) std::array<unsigned char, sizeof(GcmSa)> memory{};
  auto* const sa = new (memory.data()) GcmSa;
  std::memset(sa->key.round_keys(), 0xa5, sizeof *sa->key.round_keys());
  sa->salt = {0xa5, 0xa5, 0xa5, 0xa5};
  ASSERT_GT(std::ranges::count(memory, 0xa5), 4);
  sa->~GcmSa();
  EXPECT_EQ(std::ranges::count(memory, 0xa5), 0);
}

}  // namespace
}  // namespace testudo::crypto::native
