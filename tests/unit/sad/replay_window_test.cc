#include "sad/replay_window.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace testudo::sad {
namespace {

// What RFC 4303 section 3.4.3 says, without a ring: one bit for every number there is.
class Model {
 public:
  Model(std::uint32_t packets, std::uint64_t base, std::size_t space) : packets_(packets), base_(base), seen_(space) {}

  bool check(std::uint64_t s) const {
    if (s == 0) return false;
    if (s > highest_) return true;
    return s + packets_ > highest_ && !seen_[s - base_];
  }
  void commit(std::uint64_t s) {
    seen_[s - base_] = true;
    highest_ = std::max(highest_, s);
  }
  std::uint64_t highest() const { return highest_; }

 private:
  std::uint64_t packets_, base_, highest_ = 0;
  std::vector<bool> seen_;
};

struct Outcome {
  std::size_t compared = 0, accepted = 0, different = 0;
};

// `pick` draws the next number from the highest so far; numbers stay in [1, space).
template <typename Pick>
Outcome compare(std::uint32_t packets, std::size_t space, std::size_t rounds, Pick pick) {
  ReplayWindow window{packets};
  Model model{packets, 0, space};
  Outcome outcome;
  for (; outcome.compared < rounds; ++outcome.compared) {
    const std::uint64_t s = pick(model.highest());
    if (s >= space) break;
    const bool fresh = window.check(s);
    outcome.different += fresh != model.check(s);
    if (!fresh) continue;
    ++outcome.accepted;
    window.commit(s);
    model.commit(s);
    outcome.different += window.highest() != model.highest();
  }
  return outcome;
}

TEST(ReplayWindow, AgreesWithABitForEveryNumberOverTenMillionRandomOnes) {
  std::mt19937_64 random{1};
  const std::vector<std::uint32_t> sizes{1,   2,   31,  32,   33,   63,   64,   65,    100,
                                         127, 128, 129, 1000, 1024, 2040, 4095, 65535, 65536};
  std::size_t compared = 0;
  for (const std::uint32_t packets : sizes) {
    const auto near_window = [&](std::uint64_t highest) {
      const std::uint64_t reach = 2 * packets + 3;  // as often behind the window as inside, now and then ahead
      const std::uint64_t back = random() % reach;
      if (random() % 4 == 0) return highest + random() % 3;
      if (random() % 4096 == 0) return highest + random() % (3 * packets);
      return highest > back ? highest - back : std::uint64_t{0};
    };
    const Outcome outcome = compare(packets, 40'000'000, 560'000, near_window);
    EXPECT_EQ(outcome.different, 0U) << "window of " << packets;
    EXPECT_GT(outcome.accepted, 50'000U) << "window of " << packets;
    compared += outcome.compared;
  }
  EXPECT_GT(compared, 10'000'000U);
}

TEST(ReplayWindow, AgreesOnSequencesMadeToHurt) {
  for (const std::uint32_t packets : {1U, 5U, 64U, 65U, 127U, 192U, 1000U, 65536U}) {
    // Each window edge, twice, then a leap that lands on every offset in a word.
    std::vector<std::uint64_t> steps;
    std::uint64_t top = 1;
    for (std::uint64_t leap = 1; leap < 400; ++leap) {
      for (const std::uint64_t back :
           {0ULL, 1ULL, 63ULL, 64ULL, 65ULL, packets - 1ULL, packets + 0ULL, packets + 1ULL}) {
        for (int twice = 0; twice < 2; ++twice) steps.push_back(top > back ? top - back : 0);
      }
      top += leap % 7 == 0 ? packets + leap : leap;
    }
    std::size_t at = 0;
    const Outcome outcome = compare(packets, 40'000'000, steps.size(), [&](std::uint64_t) { return steps[at++]; });
    EXPECT_EQ(outcome.different, 0U) << "window of " << packets;
  }
}

TEST(ReplayWindow, RefusesZeroRepeatsAndWhatIsOlderThanTheWindow) {
  struct Row {
    std::uint64_t sequence;
    bool fresh;
  };
  ReplayWindow window{10};
  for (const Row row : {Row{0, false}, Row{1, true}, Row{1, false}, Row{20, true}, Row{20, false}, Row{11, true},
                        Row{11, false}, Row{10, false}, Row{1, false}, Row{19, true}, Row{21, true}, Row{11, false},
                        Row{12, true}, Row{UINT32_MAX, true}, Row{UINT32_MAX - 10, false}, Row{UINT32_MAX - 9, true}}) {
    EXPECT_EQ(window.check(row.sequence), row.fresh) << row.sequence;
    if (row.fresh) window.commit(row.sequence);
  }
}

TEST(ReplayWindow, CheckingNeverChangesIt) {
  ReplayWindow window{64};
  window.commit(5);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(window.check(1000));
    EXPECT_TRUE(window.check(4));
    EXPECT_FALSE(window.check(5));
  }
  EXPECT_EQ(window.highest(), 5U);
}

TEST(ReplayWindow, OfNoPacketsAcceptsEverythingAndStillFollowsTheHighest) {
  ReplayWindow window{0};
  for (const std::uint64_t s : {7U, 7U, 0U, 3U}) {
    EXPECT_TRUE(window.check(s));
    window.commit(s);
  }
  EXPECT_EQ(window.highest(), 7U);
}

TEST(ReplayWindow, KeepsToItsLargestSize) {
  EXPECT_EQ(ReplayWindow{100'000}.packets(), 65536U);
}

TEST(ReplayWindow, CommittingWhatIsTooOldChangesNothing) {
  ReplayWindow window{64};
  window.commit(1000);
  window.commit(1000 - 128);  // the same bit of the ring as 1000
  window.commit(1000 - 64);
  EXPECT_TRUE(window.check(999));
  EXPECT_FALSE(window.check(1000));
  EXPECT_TRUE(window.check(1001));
}

struct Reconstruction {
  std::uint64_t highest;
  std::uint32_t low;
  std::uint64_t meant;
};

TEST(ReplayWindow, RebuildsTheHighHalfAsAppendixA2Does) {
  constexpr std::uint64_t kSpace = std::uint64_t{1} << 32;
  // With W = 64.  Case A: the window lies in one subspace (top >= 63).  Case B: it spans two.
  for (const Reconstruction& row : {
           Reconstruction{0, 1, 1},
           Reconstruction{0, 0xffffffff, 0xffffffff},  // nothing lies before the first subspace
           Reconstruction{100, 101, 101},
           Reconstruction{100, 37, 37},           // the bottom: 100 - 64 + 1
           Reconstruction{100, 36, kSpace + 36},  // below it: the next subspace
           Reconstruction{63, 0, kSpace * 0 + 0},
           Reconstruction{5 * kSpace + 1000, 937, 5 * kSpace + 937},
           Reconstruction{5 * kSpace + 1000, 936, 6 * kSpace + 936},
           Reconstruction{5 * kSpace + 1000, 0xffffffff, 5 * kSpace + 0xffffffff},
           Reconstruction{5 * kSpace + 10, 0xffffffff, 4 * kSpace + 0xffffffff},
           Reconstruction{5 * kSpace + 10, 0xffffffcb, 4 * kSpace + 0xffffffcb},  // the bottom: 10 - 64 + 1
           Reconstruction{5 * kSpace + 10, 0xffffffca, 5 * kSpace + 0xffffffca},
           Reconstruction{5 * kSpace + 10, 0, 5 * kSpace},
           Reconstruction{kSpace - 1, 0, kSpace},
       }) {
    ReplayWindow window{64, true};
    if (row.highest != 0) window.commit(row.highest);
    EXPECT_EQ(window.reconstruct(row.low), row.meant) << std::hex << row.highest << ' ' << row.low;
  }
}

TEST(ReplayWindow, WithoutExtensionANumberMeansItself) {
  ReplayWindow window{64};
  window.commit(0xfffffff0);
  EXPECT_EQ(window.reconstruct(1), 1U);
  EXPECT_FALSE(window.check(1));
}

TEST(ReplayWindow, RebuildsEveryNumberNearTheHighestAcrossASubspaceBoundary) {
  for (const std::uint32_t packets : {0U, 1U, 33U, 64U, 4096U, 65536U}) {
    const std::uint64_t boundary = std::uint64_t{7} << 32;
    for (std::uint64_t top = boundary - 70'000; top < boundary + 70'000; top += 997) {
      ReplayWindow window{packets, true};
      window.commit(top);
      const std::uint64_t behind = packets == 0 ? 1000 : packets - 1;
      for (const std::uint64_t s : {top - behind, top - behind / 2, top, top + 1, top + 1'000'000}) {
        ASSERT_EQ(window.reconstruct(static_cast<std::uint32_t>(s)), s) << "window " << packets << " top " << top;
      }
    }
  }
}

TEST(ReplayWindow, TheLastNumberOfAllIsNotFollowedByTheFirst) {
  ReplayWindow window{64, true};
  window.commit(UINT64_MAX);
  EXPECT_FALSE(window.check(window.reconstruct(0)));
  EXPECT_FALSE(window.check(window.reconstruct(1)));
  EXPECT_FALSE(window.check(UINT64_MAX));
  EXPECT_TRUE(window.check(UINT64_MAX - 1));
}

TEST(ReplayWindow, ResizedItKnowsWhatItKnewAndTrustsNothingElse) {
  for (const std::uint32_t before : {0U, 8U, 64U, 1024U}) {
    for (const std::uint32_t after : {1U, 8U, 64U, 100U, 2048U}) {
      ReplayWindow window{before};
      for (std::uint64_t n = 1; n <= 1500; n += 3) window.commit(n);
      const std::uint64_t top = window.highest();
      const ReplayWindow resized = window.resized(after);
      ASSERT_EQ(resized.highest(), top);
      for (std::uint64_t n = 1; n <= top; ++n) {
        const bool fresh = n % 3 != 1 && top - n < before && top - n < after;
        ASSERT_EQ(resized.check(n), fresh) << before << " to " << after << ": " << n;
      }
      EXPECT_TRUE(resized.check(top + 1));
    }
  }
}

}  // namespace
}  // namespace testudo::sad
