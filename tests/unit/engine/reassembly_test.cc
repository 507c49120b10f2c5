#include "engine/reassembly.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/packets.h"
#include "support/random.h"

namespace testudo::engine {
namespace {

using net::DropReason;
using test::SeededRandom;
using wire::packet::PacketBuffer;

const net::Address a4 = test::ip("10.0.0.1"), b4 = test::ip("10.0.0.2");
const net::Address a6 = test::ip("fd00::1"), b6 = test::ip("fd00::2");
constexpr Time kFirst{std::chrono::hours{1}};

struct Cut {
  std::size_t offset = 0;
  ByteVector data;
  bool more = false;
  std::uint32_t id = 7;
  std::uint8_t traffic_class = 0;
  std::uint8_t protocol = 50;
};

ByteVector fragment_packet(bool v4, const Cut& cut) {
  if (v4) {
    return test::packet(a4, b4, cut.protocol, cut.data,
                        {.traffic_class = cut.traffic_class,
                         .identification = static_cast<std::uint16_t>(cut.id),
                         .more_fragments = cut.more,
                         .fragment_offset = static_cast<std::uint16_t>(cut.offset)});
  }
  ByteVector header{cut.protocol, 0};
  test::detail::put16(header, cut.offset | (cut.more ? 1U : 0U));
  test::detail::put32(header, cut.id);
  return test::packet(a6, b6, cut.protocol, cut.data,
                      {.traffic_class = cut.traffic_class, .options = header, .first_extension = 44});
}

ByteVector whole_packet(bool v4, const ByteVector& payload, std::uint32_t id = 7, std::uint8_t traffic_class = 0) {
  const test::IpFields fields{.traffic_class = traffic_class, .identification = static_cast<std::uint16_t>(id)};
  return v4 ? test::packet(a4, b4, 50, payload, fields) : test::packet(a6, b6, 50, payload, fields);
}

/// Cuts at random multiples of 8.
std::vector<Cut> random_cuts(SeededRandom& random, const ByteVector& payload, std::uint32_t id) {
  std::vector<Cut> cuts;
  const std::size_t longest = 8 * (1 + random.below(100));
  for (std::size_t at = 0; at < payload.size();) {
    std::size_t n = 8 * (1 + random.below(static_cast<std::uint32_t>(longest / 8)));
    // A whole packet is no fragment.
    if (at == 0) n = std::min(n, (payload.size() - 1) / 8 * 8);
    const std::size_t end = std::min(at + n, payload.size());
    cuts.push_back({at,
                    ByteVector(payload.begin() + static_cast<std::ptrdiff_t>(at),
                               payload.begin() + static_cast<std::ptrdiff_t>(end)),
                    end < payload.size(), id});
    at = end;
  }
  return cuts;
}

void shuffle(SeededRandom& random, std::vector<Cut>& cuts) {
  for (std::size_t i = cuts.size(); i > 1; --i)
    std::swap(cuts[i - 1], cuts[random.below(static_cast<std::uint32_t>(i))]);
}

struct Bench {
  std::vector<Reassembler::Lost> lost;
  ReassemblyLimits limits;
  Reassembler reassembler{[this](const Reassembler::Lost& l) { lost.push_back(l); }, limits};
  PacketBuffer buffer;

  explicit Bench(const ReassemblyLimits& with = {}) : limits(with) {}

  Reassembler::Added add(const ByteVector& packet, Time now = kFirst) {
    EXPECT_TRUE(buffer.assign(packet));
    const auto ip = wire::packet::parse_ip(packet);
    EXPECT_TRUE(ip && ip->fragment);
    return reassembler.add(buffer, *ip, now);
  }
  bool held(const ByteVector& packet, Time now = kFirst) {
    return std::holds_alternative<Reassembler::Held>(add(packet, now));
  }
  /// How many fragments were joined; 0 when it is not complete.
  std::size_t completed(const ByteVector& packet, Time now = kFirst) {
    const auto added = add(packet, now);
    const auto* complete = std::get_if<Reassembler::Complete>(&added);
    return complete != nullptr ? complete->fragments : 0;
  }
  /// How many fragments were dropped as invalid; 0 when it was not.
  std::size_t invalid(const ByteVector& packet, Time now = kFirst) {
    const auto added = add(packet, now);
    const auto* drop = std::get_if<Reassembler::Drop>(&added);
    return drop != nullptr && drop->reason == DropReason::ReassemblyInvalid ? drop->fragments : 0;
  }
  ByteVector content() const { return {buffer.bytes().begin(), buffer.bytes().end()}; }
};

TEST(Reassembly, RebuildsRandomFragmentationsInRandomOrderExactly) {
  SeededRandom random{1};
  Bench bench;
  for (std::uint32_t round = 0; round < 10000; ++round) {
    const bool v4 = random.chance(50);
    const ByteVector payload = random.bytes(9 + random.below(round % 100 == 0 ? 60000 : 1500));
    std::vector<Cut> cuts = random_cuts(random, payload, round);
    if (random.chance(20)) cuts.push_back(cuts[random.below(static_cast<std::uint32_t>(cuts.size()))]);
    shuffle(random, cuts);
    std::size_t fragments = 0;
    std::size_t used = 0;
    for (const Cut& cut : cuts) {
      ++used;
      fragments = bench.completed(fragment_packet(v4, cut));
      if (fragments != 0) break;
    }
    ASSERT_EQ(fragments, used);
    ASSERT_EQ(bench.content(), whole_packet(v4, payload, round)) << round;
    if (used < cuts.size()) {
      EXPECT_TRUE(bench.held(fragment_packet(v4, cuts.back()))) << "a late duplicate begins another packet";
    }
    bench.reassembler.tick(kFirst + std::chrono::hours{1});
    ASSERT_EQ(bench.reassembler.bytes_kept(), 0U);
  }
}

TEST(Reassembly, RebuildsManyPacketsAtATime) {
  SeededRandom random{2};
  Bench bench;
  std::vector<ByteVector> payloads;
  std::vector<Cut> cuts;
  for (std::uint32_t id = 0; id < 200; ++id) {
    payloads.push_back(random.bytes(100 + random.below(2000)));
    const auto more = random_cuts(random, payloads.back(), id);
    cuts.insert(cuts.end(), more.begin(), more.end());
  }
  shuffle(random, cuts);
  std::size_t completed = 0;
  for (const Cut& cut : cuts) {
    if (bench.completed(fragment_packet(false, cut)) == 0) continue;
    ++completed;
    EXPECT_EQ(bench.content(), whole_packet(false, payloads[cut.id]));
  }
  EXPECT_EQ(completed, 200U);
  EXPECT_EQ(bench.reassembler.unfinished(), 0U);
  EXPECT_TRUE(bench.lost.empty());
}

TEST(Reassembly, HandsTheHeaderOfTheFirstFragmentOn) {
  Bench bench;
  const test::IpFields first{.ttl = 9, .identification = 7, .more_fragments = true, .options = {7, 4, 4, 0}};
  const test::IpFields last{.ttl = 200, .identification = 7, .fragment_offset = 16};
  EXPECT_TRUE(bench.held(test::packet(a4, b4, 17, ByteVector(5, 2), last)));
  EXPECT_EQ(bench.completed(test::packet(a4, b4, 17, ByteVector(16, 1), first)), 2U);
  ByteVector payload(16, 1);
  payload.resize(21, 2);
  EXPECT_EQ(bench.content(),
            test::packet(a4, b4, 17, payload, {.ttl = 9, .identification = 7, .options = {7, 4, 4, 0}}));
}

// RFC 8200 section 4.5: the fragment header goes, what stood in front of it stays, and only the next header "from the
// Offset zero fragment packet is used".
TEST(Reassembly, RemovesTheFragmentHeaderFromAnIpv6Chain) {
  Bench bench;
  const ByteVector first{44, 0, 1, 4, 0, 0, 0, 0, /**/ 60, 0, 0, 1, 0, 0, 0, 9};
  const ByteVector last{44, 0, 1, 4, 0, 0, 0, 0, /**/ 17, 0, 0, 16, 0, 0, 0, 9};
  const ByteVector options_and_data{50, 0, 1, 4, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_TRUE(bench.held(test::packet(a6, b6, 60, options_and_data, {.options = first, .first_extension = 0})));
  EXPECT_EQ(bench.completed(test::packet(a6, b6, 60, ByteVector{9}, {.options = last, .first_extension = 0})), 2U);
  ByteVector payload = options_and_data;
  payload.push_back(9);
  EXPECT_EQ(bench.content(),
            test::packet(a6, b6, 60, payload, {.options = {60, 0, 1, 4, 0, 0, 0, 0}, .first_extension = 0}));
}

TEST(Reassembly, KeepsPacketsApartThatDifferInAnyPartOfTheKey) {
  const ByteVector data(8, 1);
  const test::IpFields first{.identification = 7, .more_fragments = true},
      last{.identification = 7, .fragment_offset = 8};
  const test::IpFields other_id{.identification = 8, .fragment_offset = 8};
  Bench bench;
  EXPECT_TRUE(bench.held(test::packet(a4, b4, 50, data, first)));
  EXPECT_TRUE(bench.held(test::packet(a4, b4, 50, data, other_id)));
  EXPECT_TRUE(bench.held(test::packet(a4, b4, 51, data, last)));
  EXPECT_TRUE(bench.held(test::packet(b4, a4, 50, data, last)));
  EXPECT_TRUE(bench.held(test::packet(a4, a4, 50, data, last)));
  EXPECT_EQ(bench.reassembler.unfinished(), 5U);
  EXPECT_EQ(bench.completed(test::packet(a4, b4, 50, data, last)), 2U);
}

TEST(Reassembly, ToleratesExactDuplicates) {
  for (const bool v4 : {true, false}) {
    Bench bench;
    const ByteVector first = fragment_packet(v4, {0, ByteVector(16, 1), true});
    EXPECT_TRUE(bench.held(first));
    EXPECT_TRUE(bench.held(first));
    EXPECT_EQ(bench.completed(fragment_packet(v4, {16, ByteVector(3, 2), false})), 3U);
  }
}

TEST(Reassembly, DropsAPacketWhoseFragmentsOverlapWithAllThatStillCome) {
  struct Row {
    const char* what;
    Cut cut;
  };
  const ByteVector ones(32, 1), twos(16, 2);
  for (const bool v4 : {true, false}) {
    for (const Row& row :
         {Row{"same place, other bytes", {16, ByteVector(32, 2), true}}, Row{"shorter", {16, twos, true}},
          Row{"longer", {16, ByteVector(40, 1), true}}, Row{"reaches in from the left", {8, twos, true}},
          Row{"starts inside", {40, twos, true}}, Row{"covers", {8, ByteVector(64, 1), true}},
          Row{"last, but not behind the others", {8, ByteVector(8, 2), false}},
          Row{"same bytes, but last", {16, ones, false}}}) {
      SCOPED_TRACE(row.what);
      Bench bench;
      EXPECT_TRUE(bench.held(fragment_packet(v4, {16, ones, true})));
      EXPECT_EQ(bench.invalid(fragment_packet(v4, row.cut)), 2U);
      EXPECT_EQ(bench.invalid(fragment_packet(v4, {0, twos, true})), 1U) << "what still arrives is dropped too";
      EXPECT_TRUE(bench.held(fragment_packet(v4, {16, ones, true, 8}))) << "another packet is not concerned";
      bench.reassembler.tick(kFirst + std::chrono::seconds{60});
      ASSERT_EQ(bench.lost.size(), 1U) << "the broken one was counted when it broke";
      EXPECT_TRUE(bench.held(fragment_packet(v4, {16, ones, true}), kFirst + std::chrono::seconds{61}));
    }
  }
}

TEST(Reassembly, DropsAPacketWhoseFragmentsDisagreeAboutItsEnd) {
  for (const bool v4 : {true, false}) {
    for (const Cut& second : {Cut{24, ByteVector(8, 1), false}, Cut{8, ByteVector(4, 1), false},
                              Cut{32, ByteVector(8, 1), true}, Cut{16, ByteVector(8, 1), true}}) {
      Bench bench;
      EXPECT_TRUE(bench.held(fragment_packet(v4, {16, ByteVector(8, 1), false})));
      EXPECT_EQ(bench.invalid(fragment_packet(v4, second)), 2U);
    }
  }
}

TEST(Reassembly, DropsOnlyTheFragmentThatCannotBeOne) {
  for (const bool v4 : {true, false}) {
    Bench bench;
    EXPECT_TRUE(bench.held(fragment_packet(v4, {0, ByteVector(16, 1), true})));
    EXPECT_EQ(bench.invalid(fragment_packet(v4, {16, ByteVector(9, 1), true})), 1U) << "not a multiple of 8";
    EXPECT_EQ(bench.invalid(fragment_packet(v4, {16, {}, true})), 1U) << "empty";
    EXPECT_EQ(bench.invalid(fragment_packet(v4, {16, {}, false})), 1U) << "empty and last";
    EXPECT_EQ(bench.invalid(fragment_packet(v4, {65528, ByteVector(100, 1), false})), 1U) << "ping of death";
    EXPECT_EQ(bench.completed(fragment_packet(v4, {16, ByteVector(9, 1), false})), 2U) << "the good ones still count";
  }
}

TEST(Reassembly, RebuildsTheLargestPacketAndRefusesOneByteMore) {
  // IPv4 counts its header: 65535 - 20 bytes of payload.
  for (const std::size_t size : {65515U, 65516U}) {
    Bench bench;
    SeededRandom random{3};
    const ByteVector payload = random.bytes(size);
    std::size_t completed = 0;
    std::size_t refused = 0;
    for (const Cut& cut : random_cuts(random, payload, 7)) {
      const ByteVector packet = fragment_packet(true, cut);
      const auto added = bench.add(packet);
      completed += std::holds_alternative<Reassembler::Complete>(added) ? 1U : 0U;
      refused += std::holds_alternative<Reassembler::Drop>(added) ? 1U : 0U;
    }
    EXPECT_EQ(completed, size == 65515 ? 1U : 0U);
    EXPECT_EQ(refused, size == 65515 ? 0U : 1U);
  }
}

TEST(Reassembly, CountsOptionsOfAFirstFragmentThatComesLateInTheLength) {
  Bench bench;
  SeededRandom random{4};
  const ByteVector payload = random.bytes(65515);
  const ByteVector head(payload.begin(), payload.begin() + 8), tail(payload.begin() + 8, payload.end());
  for (const Cut& cut : random_cuts(random, tail, 7))
    EXPECT_TRUE(bench.held(fragment_packet(true, {cut.offset + 8, cut.data, cut.more})));
  const std::size_t dropped = bench.invalid(
      test::packet(a4, b4, 50, head, {.identification = 7, .more_fragments = true, .options = {1, 1, 1, 1}}));
  EXPECT_GT(dropped, 1U);
  EXPECT_EQ(bench.reassembler.unfinished(), 0U);
}

TEST(Reassembly, SaysWhenTheBufferIsTooSmall) {
  Bench bench;
  bench.buffer = PacketBuffer{100};
  EXPECT_TRUE(bench.held(fragment_packet(true, {0, ByteVector(80, 1), true})));
  const auto added = bench.add(fragment_packet(true, {80, ByteVector(80, 1), false}));
  const auto* drop = std::get_if<Reassembler::Drop>(&added);
  ASSERT_NE(drop, nullptr);
  EXPECT_EQ(drop->reason, DropReason::NoRoom);
  EXPECT_EQ(drop->fragments, 2U);
}

// RFC 3168 section 5.3, over all pairs of first and second fragment; 0xff: dropped.
TEST(Reassembly, LosesNoMarkOfCongestion) {
  constexpr std::uint8_t kDrop = 0xff;
  // Rows: ECN field of the first fragment, columns: of the second; numbers are the field's bits, 3 is CE.
  constexpr std::array<std::array<std::uint8_t, 4>, 4> table{{
      {0, 0, 0, kDrop},
      {1, 1, 1, 3},
      {2, 2, 2, 3},
      {kDrop, 3, 3, 3},
  }};
  for (const bool v4 : {true, false}) {
    for (std::uint8_t first = 0; first < 4; ++first) {
      for (std::uint8_t second = 0; second < 4; ++second) {
        const auto dscp = [](std::uint8_t ecn) { return static_cast<std::uint8_t>(0xb8 | ecn); };
        Bench bench;
        const ByteVector head(8, 1), tail(8, 2);
        EXPECT_TRUE(bench.held(fragment_packet(v4, {8, tail, false, 7, dscp(second)})));
        const ByteVector packet = fragment_packet(v4, {0, head, true, 7, dscp(first)});
        const std::uint8_t expected = table[first][second];
        if (expected == kDrop) {
          EXPECT_EQ(bench.invalid(packet), 2U);
          continue;
        }
        EXPECT_EQ(bench.completed(packet), 2U);
        ByteVector payload = head;
        payload.insert(payload.end(), tail.begin(), tail.end());
        EXPECT_EQ(bench.content(), whole_packet(v4, payload, 7, dscp(expected)));
      }
    }
  }
}

TEST(Reassembly, GivesUpAfterThirtySecondsInIpv4AndSixtyInIpv6) {
  for (const bool v4 : {true, false}) {
    const auto limit = std::chrono::seconds{v4 ? 30 : 60};
    Bench bench;
    EXPECT_TRUE(bench.held(fragment_packet(v4, {0, ByteVector(8, 1), true})));
    EXPECT_TRUE(bench.held(fragment_packet(v4, {16, ByteVector(8, 1), true}), kFirst + std::chrono::seconds{20}));
    bench.reassembler.tick(kFirst + limit - std::chrono::nanoseconds{1});
    EXPECT_TRUE(bench.lost.empty());
    bench.reassembler.tick(kFirst + limit);
    ASSERT_EQ(bench.lost.size(), 1U) << "the first fragment starts the clock";
    EXPECT_EQ(bench.lost[0].reason, DropReason::ReassemblyTimeout);
    EXPECT_EQ(bench.lost[0].fragments, 2U);
    EXPECT_EQ(bench.lost[0].flow, (net::Flow{v4 ? a4 : a6, v4 ? b4 : b6, 50}));
    EXPECT_EQ(bench.reassembler.bytes_kept(), 0U);
  }
}

TEST(Reassembly, KeepsAtMostAsManyPacketsAsItMayAndDropsTheOldest) {
  ReassemblyLimits limits;
  limits.packets = 3;
  Bench bench{limits};
  for (std::uint32_t id = 1; id <= 5; ++id)
    EXPECT_TRUE(bench.held(fragment_packet(true, {0, ByteVector(8, 1), true, id})));
  EXPECT_EQ(bench.reassembler.unfinished(), 3U);
  ASSERT_EQ(bench.lost.size(), 2U);
  for (const auto& lost : bench.lost) EXPECT_EQ(lost.reason, DropReason::ReassemblyOverflow);
  EXPECT_EQ(bench.completed(fragment_packet(true, {8, ByteVector(8, 1), false, 3})), 2U);
  EXPECT_TRUE(bench.held(fragment_packet(true, {8, ByteVector(8, 1), false, 1}))) << "the oldest is gone";
}

TEST(Reassembly, KeepsAtMostAsManyBytesAsItMay) {
  ReassemblyLimits limits;
  limits.bytes = 100000;
  Bench bench{limits};
  SeededRandom random{5};
  std::size_t added = 0;
  for (std::uint32_t id = 0; id < 2000; ++id) {
    const Cut cut{8 * random.below(8000), ByteVector(8 * (1 + random.below(20)), 1), true, id / 4};
    const auto result = bench.add(fragment_packet(random.chance(50), cut));
    if (const auto* drop = std::get_if<Reassembler::Drop>(&result)) {
      added += 1 - drop->fragments;  // those that were held before leave with this one
    } else {
      ++added;
    }
    ASSERT_LE(bench.reassembler.bytes_kept(), limits.bytes);
  }
  EXPECT_FALSE(bench.lost.empty());
  bench.reassembler.tick(kFirst + std::chrono::hours{1});
  std::size_t lost = 0;
  for (const auto& l : bench.lost) lost += l.fragments;
  EXPECT_EQ(lost, added) << "every fragment that was kept is counted when it leaves";
  EXPECT_EQ(bench.reassembler.unfinished(), 0U);
  EXPECT_EQ(bench.reassembler.bytes_kept(), 0U);
}

TEST(Reassembly, SurvivesAnythingThatParsesAsAFragment) {
  SeededRandom random{6};
  Bench bench;
  std::size_t in = 0;
  std::size_t out = 0;
  for (int i = 0; i < 20000; ++i) {
    const Cut cut{8 * random.below(6),
                  random.bytes(random.below(24)),
                  random.chance(70),
                  random.below(4),
                  static_cast<std::uint8_t>(random.below(256)),
                  static_cast<std::uint8_t>(50 + random.below(2))};
    if (cut.offset == 0 && !cut.more) continue;
    ++in;
    const auto added = bench.add(fragment_packet(random.chance(50), cut), kFirst + std::chrono::milliseconds{i});
    if (const auto* drop = std::get_if<Reassembler::Drop>(&added)) out += drop->fragments;
    if (const auto* complete = std::get_if<Reassembler::Complete>(&added)) {
      out += complete->fragments;
      const auto whole = wire::packet::parse_ip(bench.buffer.bytes());
      ASSERT_TRUE(whole);
      EXPECT_FALSE(whole->fragment);
      EXPECT_EQ(whole->total_length, bench.buffer.size());
    }
    if (i % 500 == 0) bench.reassembler.tick(kFirst + std::chrono::milliseconds{i} * 40);
  }
  bench.reassembler.tick(kFirst + std::chrono::hours{9});
  for (const auto& l : bench.lost) out += l.fragments;
  EXPECT_EQ(in, out) << "no fragment disappears uncounted";
}

}  // namespace
}  // namespace testudo::engine
