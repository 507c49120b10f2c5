#include "base/large_pages.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace testudo {
namespace {

TEST(LargePages, ServesVectorsOfAnySize) {
  for (const std::size_t n : {std::size_t{1}, std::size_t{100'000}, std::size_t{3'000'000}}) {
    std::vector<std::uint64_t, LargePages<std::uint64_t>> numbers(n, 7);
    numbers.push_back(8);
    EXPECT_EQ(numbers.front(), 7U);
    EXPECT_EQ(numbers[n - 1], 7U);
    EXPECT_EQ(numbers[n], 8U);
  }
}

TEST(LargePages, StartsALargeBlockAtAPage) {
  const std::vector<std::uint64_t, LargePages<std::uint64_t>> numbers(1'000'000);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(numbers.data()) % large_pages::kPage, 0U);
}

}  // namespace
}  // namespace testudo
