// What several workers have of one SA, in one thread; tests/unit/engine/threads_test.cc has the threads.
#include "sad/share.h"

#include <gtest/gtest.h>

#include "sad/sequence.h"
#include "support/sas.h"
#include "unit/sad/sad_fixture.h"

namespace testudo::sad {
namespace {

TEST(Share, CountsOfAllWorkersAreSummed) {
  const auto sa = test::sa(test::esp(test::ip("20.0.0.1"), test::ip("20.0.0.2"), "aes-gcm-16"));
  EXPECT_FALSE(sa->usage().first);
  sa->share(Worker{2}).count(1, 100, at(7));
  sa->share(Worker{0}).count(3, 20, at(5));
  sa->share(Worker{1}).count(2, 3, at(9));
  sa->share(Worker{2}).count(1, 100, at(8));
  const Usage usage = sa->usage();
  EXPECT_EQ(usage.packets, 7U);
  EXPECT_EQ(usage.bytes, 223U);
  EXPECT_EQ(usage.first, at(5));
  EXPECT_EQ(usage.last, at(9));
}

TEST(Share, EachWorkerHasOneAndASuiteOfItsOwn) {
  const auto sa = test::sa(test::esp(test::ip("20.0.0.1"), test::ip("20.0.0.2"), "aes-gcm-16"));
  Share &first = sa->share(Worker{0}), &second = sa->share(Worker{1});
  EXPECT_NE(&first, &second);
  EXPECT_EQ(&second, &sa->share(Worker{1}));
  EXPECT_EQ(&first, &sa->share());
  ASSERT_NE(sa->suite(second), nullptr);
  EXPECT_NE(sa->suite(first), sa->suite(second));
  EXPECT_EQ(sa->suite(second), sa->suite(second));
}

TEST(Share, ASuccessorGoesOnWithTheCountsOfAll) {
  const auto make = [] { return test::sa(test::esp(test::ip("20.0.0.1"), test::ip("20.0.0.2"), "aes-gcm-16")); };
  const auto old = make(), next = make();
  old->share(Worker{1}).count(2, 30, at(4));
  old->share(Worker{0}).count(1, 10, at(6));
  next->continue_from(*old);
  EXPECT_EQ(next->usage().packets, 3U);
  EXPECT_EQ(next->usage().bytes, 40U);
  EXPECT_EQ(next->usage().first, at(4));
}

struct Taken {
  bool extended;
  Sequence::Wrap wrap;
  std::uint64_t last, wanted, first, count;
};

TEST(Sequence, GivesWhatIsWantedAsFarAsTheRangeGoes) {
  constexpr auto kNever = Sequence::Wrap::Never, kCycle = Sequence::Wrap::Cycle;
  for (const Taken& row : {
           Taken{false, kNever, 0, 64, 1, 64},
           Taken{false, kNever, UINT32_MAX - 10, 64, UINT32_MAX - 9, 10},
           Taken{false, kNever, UINT32_MAX, 1, 0, 0},
           Taken{false, kCycle, UINT32_MAX - 10, 64, UINT32_MAX - 9, 10},
           Taken{false, kCycle, UINT32_MAX, 64, 1, 64},
           Taken{true, kNever, UINT32_MAX, 2, std::uint64_t{UINT32_MAX} + 1, 2},
           Taken{true, kNever, UINT64_MAX - 1, 64, UINT64_MAX, 1},
           Taken{true, kNever, UINT64_MAX, 64, 0, 0},
       }) {
    Sequence sequence{row.extended, row.wrap, row.last};
    Sequence::Block block = sequence.take(row.wanted);
    EXPECT_EQ(block.left(), row.count) << row.last;
    if (block.empty()) continue;
    EXPECT_EQ(sequence.last(), row.first + row.count - 1);
    EXPECT_EQ(block.next(), row.first);
    EXPECT_EQ(block.left(), row.count - 1);
  }
}

TEST(IvCounter, DrawsItsStartOnceAndGoesOnFromThere) {
  test::SeededRandom random;
  IvCounter counter;
  const std::uint64_t first = counter.take(64, random);
  EXPECT_NE(first, 0U);
  EXPECT_EQ(counter.take(1, random), first + 64);
  EXPECT_EQ(IvCounter{counter}.take(1, random), first + 65);
  IvCounter about_to_wrap{UINT64_MAX};
  EXPECT_EQ(about_to_wrap.take(1, random), UINT64_MAX);
  EXPECT_EQ(about_to_wrap.take(5, random), 0U) << "and does not draw again";
  EXPECT_EQ(about_to_wrap.next(), 5U);
}

}  // namespace
}  // namespace testudo::sad
