#include "ike/negotiate/phase1.h"

#include <gtest/gtest.h>

#include "unit/ike/pair.h"

namespace testudo::ike::negotiate {
namespace {

const Remote& ours() {
  static const Policy policy = test::default_policy();
  return policy.remotes[0];
}

TEST(Phase1, OneProposalIsTakenAndMoreAreASyntaxError) {
  v1wire::SaPayload offer = phase1_offer(ours());
  EXPECT_TRUE(choose_phase1(offer, ours()));
  offer.proposals.push_back(offer.proposals[0]);
  const auto refused = choose_phase1(offer, ours());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().notify, v1wire::Notify::BadProposalSyntax);
  EXPECT_EQ(refused.error().theirs, "2 proposals");
  EXPECT_FALSE(accept_phase1(offer, ours()));
}

TEST(Phase1, AProposalOfAnotherProtocolIsASyntaxError) {
  v1wire::SaPayload offer = phase1_offer(ours());
  offer.proposals[0].protocol = v1wire::Protocol::Esp;
  const auto refused = choose_phase1(offer, ours());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().notify, v1wire::Notify::BadProposalSyntax);
}

}  // namespace
}  // namespace testudo::ike::negotiate
