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

void log_in_and_lend(Pair& p) {
  Remote &client = p.a.policy.remotes[0], &server = p.b.policy.remotes[0];
  client.proposals[0].xauth = Xauth::Client;
  server.proposals[0].xauth = Xauth::Server;
  client.xauth_login = "anna";
  client.mode_cfg = true;
  p.a.keys.of["anna"] = p.b.accounts["anna"] = "tulip";
  p.b.policy.mode_config.network4 = test::address("10.77.0.1");
  p.b.policy.mode_config.banner = "welcome";
}

/// b has no policy for a.
void generate(Pair& p) {
  p.b.policy.remotes[0].generate_policy = GeneratePolicy::Unique;
  p.b.policies.only = {*net::Prefix::parse("10.1.0.0/16"), *net::Prefix::parse("10.2.0.0/16")};
}

/// One conversation with one byte changed; false when there is no such byte.
bool converse(Exchange mode, Where where, unsigned number, std::size_t place, std::uint8_t mask, Count& count) {
  Policy policy = default_policy();
  // A transaction stands for main mode with a login and an address behind it, quick mode for generated policies.
  const bool extended = mode == Exchange::Transaction, generates = mode == Exchange::Quick;
  policy.remotes[0].exchange_modes = {extended || generates ? Exchange::Main : mode};
  policy.remotes[0].nat_traversal = NatTraversal::On;
  Pair p{policy};
  if (extended) log_in_and_lend(p);
  if (generates) generate(p);
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
  if (generates) {
    EXPECT_EQ(p.b.policies.generated.empty(), p.b.machine().v1().children().empty()) << "datagram " << what;
    p.event(p.b, Shutdown{});
    EXPECT_TRUE(p.b.policies.generated.empty()) << "datagram " << what;
  }
  return true;
}

class Mutation : public testing::TestWithParam<std::tuple<Exchange, Where>> {};

TEST_P(Mutation, OfAnyByteLeavesNoSasThatDiffer) {
  const auto [mode, where] = GetParam();
  const char* const more = std::getenv("TESTUDO_MUTATIONS");
  const unsigned values = more == nullptr ? 1U : static_cast<unsigned>(std::clamp(std::atoi(more), 1, 255));
  testudo::test::SeededRandom random{7};
  Count count;
  const unsigned last = mode == Exchange::Transaction ? 15 : 9;
  const bool behind_main = mode == Exchange::Transaction || mode == Exchange::Quick;
  for (unsigned number = behind_main ? 7 : 1; number <= last; ++number) {
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
                         testing::Combine(testing::Values(Exchange::Main, Exchange::Aggressive, Exchange::Base,
                                                          Exchange::Transaction, Exchange::Quick),
                                          testing::Values(Where::OnTheWay, Where::UnderEncryption,
                                                          Where::WithItsHash)));

}  // namespace
}  // namespace testudo::ike::v1
