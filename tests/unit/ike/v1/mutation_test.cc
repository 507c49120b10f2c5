// Every byte of every message of real conversations is changed, on the way and, by who has the keys, under encryption.
// TESTUDO_MUTATIONS=N does so with N values for each byte instead of one.
#include <gtest/gtest.h>

#include <cstdlib>

#include "support/ike_tamper.h"

namespace testudo::ike::v1 {
namespace {

using test::default_policy;
using test::Pair;
using test::seconds;
using test::Tamper;
using v1wire::Exchange;

enum class Where : std::uint8_t { OnTheWay, UnderEncryption, WithItsHash };

struct Count {
  unsigned all = 0, harmless = 0, one_sided = 0;
};

/// Changes one byte of one datagram; false when there is no such byte.
bool change(Tamper& tamper, Where where, ByteVector& datagram, std::size_t place, std::uint8_t mask) {
  if (where == Where::OnTheWay) {
    if (place >= datagram.size()) return false;
    datagram[place] ^= mask;
    return true;
  }
  bool changed = false;
  const auto flip = [&](ByteVector& payloads) {
    changed = place < payloads.size();
    if (changed) payloads[place] ^= mask;
  };
  static_cast<void>(tamper.under_encryption(datagram, flip,
                                            where == Where::WithItsHash ? Tamper::Hash::Right : Tamper::Hash::AsItWas));
  return changed;
}

/// One conversation with one byte changed; false when there is no such byte.
bool converse(Exchange mode, Where where, unsigned number, std::size_t place, std::uint8_t mask, Count& count) {
  Policy policy = default_policy();
  policy.remotes[0].exchange_modes = {mode};
  policy.remotes[0].nat_traversal = NatTraversal::On;
  Pair p{policy};
  Tamper tamper{p};
  bool changed = false;
  p.link = [&](unsigned n, ByteVector& datagram) {
    if (n == number) {
      changed = change(tamper, where, datagram, place, mask);
    } else {
      static_cast<void>(tamper.under_encryption(datagram, {}));
    }
    return 1U;
  };
  p.want(p.a);
  if (!changed) return false;
  p.pass(seconds{120});
  const std::string what = std::to_string(number) + ", byte " + std::to_string(place) + " ^ " + std::to_string(mask);
  const bool nothing = p.a.in.empty() && p.a.out.empty() && p.b.in.empty() && p.b.out.empty();
  if (where != Where::WithItsHash) {
    EXPECT_FALSE(p.disagrees()) << "datagram " << what;
    if (!nothing && !p.keyed_alike()) ++count.one_sided;
  }
  EXPECT_LT(p.datagrams, 100U) << "datagram " << what;
  EXPECT_FALSE(p.a.abandoned.empty() && p.a.out.empty()) << "who waits is told, datagram " << what;
  ++count.all;
  if (p.keyed_alike()) ++count.harmless;
  return true;
}

class Mutation : public testing::TestWithParam<std::tuple<Exchange, Where>> {};

TEST_P(Mutation, OfAnyByteLeavesNoSasThatDiffer) {
  const auto [mode, where] = GetParam();
  const char* const more = std::getenv("TESTUDO_MUTATIONS");
  const unsigned values = more == nullptr ? 1U : static_cast<unsigned>(std::clamp(std::atoi(more), 1, 255));
  testudo::test::SeededRandom random{7};
  Count count;
  for (unsigned number = 1; number <= 9; ++number) {
    for (std::size_t place = 0;; ++place) {
      bool there = true;
      for (unsigned i = 0; i < values && there; ++i) {
        const auto mask = static_cast<std::uint8_t>(values == 255 ? i + 1 : random.below(255) + 1);
        there = converse(mode, where, number, place, mask, count);
      }
      if (!there) break;
    }
  }
  RecordProperty("mutations", static_cast<int>(count.all));
  EXPECT_GT(count.all, 100U);
  // Padding is covered by no HASH, and its block is the next message's vector: message 3 of quick mode is lost for
  // good.
  EXPECT_LT(count.one_sided, count.all / 20);
  EXPECT_GT(count.harmless, count.all / 3) << "most damage is overcome by saying it again";
}

INSTANTIATE_TEST_SUITE_P(Ike, Mutation,
                         testing::Combine(testing::Values(Exchange::Main, Exchange::Aggressive, Exchange::Base),
                                          testing::Values(Where::OnTheWay, Where::UnderEncryption,
                                                          Where::WithItsHash)));

}  // namespace
}  // namespace testudo::ike::v1
