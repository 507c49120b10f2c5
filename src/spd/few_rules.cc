#include "spd/few_rules.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/endian.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace testudo::spd {
namespace {

using Numbers = std::array<std::uint32_t, FewRules::kAxes>;

Numbers numbers_of(const net::Flow& flow) {
  return {be32(flow.source.bytes().data()), be32(flow.destination.bytes().data()), flow.protocol, flow.source_port,
          flow.destination_port};
}

/// What any compiler makes of it.
struct OneByOne {
  static std::size_t below(const Axis::Block& block, std::uint32_t number) {
    std::size_t n = 0;
    for (const std::uint32_t end : block) n += end < number ? 1 : 0;
    return n;
  }
};

#if defined(__x86_64__)
#define TESTUDO_HALF_WIDE gnu::target("avx2,popcnt,bmi,bmi2")
#define TESTUDO_WIDE gnu::target("avx512f,avx512bw,avx512dq,avx512vl,popcnt,bmi,bmi2")

template <class Vector, class Word>
[[TESTUDO_HALF_WIDE]] inline Vector load(const Word* words) {
  Vector out;
  std::memcpy(&out, words, sizeof out);
  return out;
}

struct HalfWide {
  [[TESTUDO_HALF_WIDE]] static std::size_t below(const Axis::Block& block, std::uint32_t number) {
    const __m256i all = _mm256_set1_epi32(static_cast<int>(number));
    std::uint32_t others = 0;
    for (std::size_t i = 0; i < Axis::kFan; i += 8) {
      const auto ends = load<__m256i>(block.data() + i);
      // No comparison of unsigned numbers: the larger of the two is the end, unless that is less.
      const __m256i not_less = _mm256_cmpeq_epi32(_mm256_max_epu32(ends, all), ends);
      others = others << 8 | static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(not_less)));
    }
    return Axis::kFan - static_cast<std::size_t>(std::popcount(others));
  }
};

struct Wide {
  [[TESTUDO_WIDE]] static std::size_t below(const Axis::Block& block, std::uint32_t number) {
    const __m512i ends = _mm512_loadu_si512(block.data());
    const __mmask16 less = _mm512_cmplt_epu32_mask(ends, _mm512_set1_epi32(static_cast<int>(number)));
    return static_cast<std::size_t>(std::popcount(static_cast<std::uint32_t>(less)));
  }
};
#endif

}  // namespace

template <class Lanes>
[[gnu::always_inline]] inline const Policy* FewRules::find(const net::Flow& flow) const {
  const Numbers numbers = numbers_of(flow);
  Intervals at;
  std::uint32_t words = Axis::kAllWords;
  for (std::size_t a = 0; a < kAxes; ++a) {
    at[a] = axes_[a].template interval_of<Lanes>(numbers[a]);
    words &= at[a].row_and_words;
  }
  return first_of(at, words);
}

/// The first rule in all these rows, of whose words these are zero in none.
const Policy* FewRules::first_of(const Intervals& at, std::uint32_t words) const {
  for (; words != 0; words &= words - 1) {
    const auto word = static_cast<std::size_t>(std::countr_zero(words));
    std::uint64_t bits = ~std::uint64_t{0};
    for (std::size_t a = 0; a < kAxes; ++a) bits &= axes_[a].row(at[a])[word];
    if (bits != 0) return policies_[word * 64 + static_cast<std::size_t>(std::countr_zero(bits))];
  }
  return nullptr;
}

/// The same of several flows: each step for all of them before the next, so that what one waits for is fetched while
/// others go on, and what a step needs of the rules stays in registers.
template <class Lanes>
[[gnu::always_inline]] inline void FewRules::find_side_by_side(Flows flows, Found out) const {
  std::array<std::array<std::uint32_t, kSideBySide>, kAxes> numbers;
  std::array<std::array<Axis::Interval, kSideBySide>, kAxes> at;
  std::array<std::uint32_t, kSideBySide> words, first;
  std::array<std::uint64_t, kSideBySide> bits;
  for (std::size_t i = 0; i < kSideBySide; ++i) {
    const Numbers of_flow = numbers_of(flows[i]);
    for (std::size_t a = 0; a < kAxes; ++a) numbers[a][i] = of_flow[a];
  }
  words.fill(Axis::kAllWords);
  for (std::size_t a = 0; a < kAxes; ++a) {
    axes_[a].template intervals_of<Lanes>(numbers[a], at[a]);
    for (std::size_t i = 0; i < kSideBySide; ++i) words[i] &= at[a][i].row_and_words;
  }
  for (std::size_t i = 0; i < kSideBySide; ++i) {
    first[i] = static_cast<std::uint32_t>(std::countr_zero(words[i] | 1U << (Axis::kWords - 1)));
  }
  for (std::size_t a = 0; a < kAxes; ++a) {
    if (!axes_[a].is_large()) continue;
    for (std::size_t i = 0; i < kSideBySide; ++i) __builtin_prefetch(&axes_[a].row(at[a][i])[first[i]]);
  }
  bits.fill(~std::uint64_t{0});
  for (std::size_t a = kAxes; a-- > 0;) {          // addresses, which are waited for, last
    if (a != 0 && axes_[a].size() == 1) continue;  // whose row all rules have
    for (std::size_t i = 0; i < kSideBySide; ++i) bits[i] &= axes_[a].row(at[a][i])[first[i]];
  }
  for (std::size_t i = 0; i < kSideBySide; ++i) {
    const std::size_t place = first[i] * 64U + static_cast<std::size_t>(std::countr_zero(bits[i]));
    out[i] = bits[i] != 0 ? policies_[place] : first_of({at[0][i], at[1][i], at[2][i], at[3][i], at[4][i]}, words[i]);
  }
}

template <class Lanes>
[[gnu::always_inline]] inline void FewRules::find_all(Flows flows, Found out) const {
  std::size_t i = 0;
  for (; i + kSideBySide <= flows.size(); i += kSideBySide) {
    find_side_by_side<Lanes>(flows.subspan(i), out.subspan(i));
  }
  for (; i < flows.size(); ++i) out[i] = find<Lanes>(flows[i]);
}

FewRules::Search FewRules::search_with([[maybe_unused]] Vectors most) {
#if defined(__x86_64__)
  struct Call {
    [[TESTUDO_HALF_WIDE]] static void half_wide(const FewRules& rules, Flows flows, Found out) {
      rules.find_all<HalfWide>(flows, out);
    }
    [[TESTUDO_WIDE]] static void wide(const FewRules& rules, Flows flows, Found out) {
      rules.find_all<Wide>(flows, out);
    }
  };
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (most >= Vectors::Of512Bits && has_avx512) return &Call::wide;
  if (most >= Vectors::Of256Bits && has_avx2) return &Call::half_wide;
#endif
  return [](const FewRules& rules, Flows flows, Found out) { rules.find_all<OneByOne>(flows, out); };
}

FewRules::Ranges FewRules::ranges_of(const Rule& rule) {
  struct Field {
    std::size_t word;
    unsigned shift;
    std::uint32_t ones;
  };
  // As flow_key.h has them.
  static constexpr std::array<Field, kAxes> kFields{
      {{0, 32, 0xffffffff}, {0, 0, 0xffffffff}, {1, 32, 0xff}, {1, 16, 0xffff}, {1, 0, 0xffff}}};
  Ranges out;
  for (std::size_t i = 0; i < kAxes; ++i) {
    const auto [word, shift, ones] = kFields[i];
    const auto value = static_cast<std::uint32_t>(rule.value[word] >> shift) & ones;
    const auto mask = static_cast<std::uint32_t>(rule.mask[word] >> shift) & ones;
    out[i] = {value, value | ~(mask == ones ? Axis::kLargest : mask)};
  }
  return out;
}

void FewRules::assign(std::vector<Rule> rules) {
  clear();
  complete_ = true;
  std::ranges::sort(rules, {}, &Rule::order);
  for (const Rule& rule : rules) add(rule);
}

void FewRules::clear() {
  axes_ = {};
  places_ = {};
  policies_ = {};
  rules_ = 0;
}

void FewRules::add(const Rule& rule) {
  if (!complete_) return;
  if (rules_ == kMost) {
    clear();
    complete_ = false;
    return;
  }
  const std::size_t place = place_for(rule.order);
  settle(rule, place);
  const Ranges ranges = ranges_of(rule);
  for (std::size_t i = 0; i < kAxes; ++i) axes_[i].add(ranges[i], place);
  ++rules_;
}

void FewRules::settle(const Rule& rule, std::size_t place) {
  places_[place] = {rule.order, rule.value, rule.mask};
  policies_[place] = rule.policy;
}

/// A place behind all rules of lower order and before those of higher.
std::size_t FewRules::place_for(std::uint64_t order) {
  const auto next =
      static_cast<std::size_t>(std::ranges::lower_bound(places_, order, {}, &Place::order) - places_.begin());
  if (next < places_.size() && policies_[next] == nullptr) return next;
  if (next > 0 && policies_[next - 1] == nullptr) return next - 1;
  if (next < places_.size() || next == Axis::kPlaces) return close_ranks(order);
  places_.emplace_back();
  policies_.emplace_back();
  return next;
}

/// Leaves no place free but one for a rule of this order, and says which.
std::size_t FewRules::close_ranks(std::uint64_t order) {
  const std::vector<Place> places = std::exchange(places_, {});
  const std::vector<const Policy*> policies = std::exchange(policies_, {});
  const auto before =
      static_cast<std::size_t>(std::ranges::lower_bound(places, order, {}, &Place::order) - places.begin());
  for (Axis& axis : axes_) axis.clear_places();
  std::size_t gap = 0;
  for (std::size_t i = 0; i <= places.size(); ++i) {
    if (i == before) {
      gap = places_.size();
      places_.push_back({order, {}, {}});
      policies_.push_back(nullptr);
    }
    if (i == places.size() || policies[i] == nullptr) continue;
    const Ranges ranges = ranges_of({places[i].value, places[i].mask, 0, nullptr});
    for (std::size_t axis = 0; axis < kAxes; ++axis) axes_[axis].put(ranges[axis], places_.size());
    places_.push_back(places[i]);
    policies_.push_back(policies[i]);
  }
  return gap;
}

void FewRules::remove(const Rule& rule) {
  if (!complete_) return;
  const auto found = std::ranges::lower_bound(places_, rule.order, {}, &Place::order);
  const auto place = static_cast<std::size_t>(found - places_.begin());
  if (found == places_.end() || found->order != rule.order || policies_[place] == nullptr) return;
  if (found->value != rule.value || found->mask != rule.mask) return;
  const Ranges ranges = ranges_of(rule);
  for (std::size_t i = 0; i < kAxes; ++i) axes_[i].remove(ranges[i], place);
  policies_[place] = nullptr;
  --rules_;
}

}  // namespace testudo::spd
