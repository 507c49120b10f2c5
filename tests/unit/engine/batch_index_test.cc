#include "engine/batch_index.h"

#include <gtest/gtest.h>

#include <vector>

namespace testudo::engine {
namespace {

/// The numbers that these keys get, of which every `alike` following ones have one hash.
std::vector<std::size_t> numbers_of(BatchIndex& index, std::vector<std::uint64_t>& things,
                                    const std::vector<std::uint64_t>& keys, std::uint64_t alike) {
  std::vector<std::size_t> out;
  for (const std::uint64_t key : keys) {
    const std::size_t number = index.number_of(key / alike, [&](std::size_t i) { return things.at(i) == key; });
    if (number == things.size()) things.push_back(key);
    out.push_back(number);
  }
  return out;
}

TEST(BatchIndex, GivesNumbersInTheOrderOfArrivalAndFindsThemAgain) {
  BatchIndex index;
  std::vector<std::uint64_t> things;
  EXPECT_EQ(numbers_of(index, things, {9, 5, 9, 5, 7, 9}, 1), (std::vector<std::size_t>{0, 1, 0, 1, 2, 0}));
  EXPECT_EQ(index.size(), 3U);
}

TEST(BatchIndex, HoldsAsManyAsABatchWhateverTheirHashes) {
  // With each factor another slot is the first, so that some walk over the table's end.
  for (std::uint64_t factor = 1; factor < 200; ++factor) {
    for (const std::uint64_t alike : {1U, 4U, 64U}) {
      BatchIndex index;
      std::vector<std::uint64_t> things, keys;
      for (std::uint64_t i = 0; i < BatchIndex::kMost; ++i) keys.push_back(factor * 64 + i);
      const auto first = numbers_of(index, things, keys, alike);
      EXPECT_EQ(things, keys);
      EXPECT_EQ(numbers_of(index, things, keys, alike), first);
    }
  }
}

TEST(BatchIndex, ForgetsAllOfABatch) {
  BatchIndex index;
  std::vector<std::uint64_t> things;
  numbers_of(index, things, {1, 2, 3}, 1);
  index.clear();
  EXPECT_EQ(index.size(), 0U);
  EXPECT_EQ(index.number_of(2, [](std::size_t) { return true; }), 0U) << "nothing that it could be";
}

}  // namespace
}  // namespace testudo::engine
