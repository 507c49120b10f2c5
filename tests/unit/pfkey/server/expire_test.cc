#include "fixture.h"

namespace testudo::pfkey::server {
namespace {

namespace pf = wire::pfkey;
using Expire = ServerTest;

Message limited() {
  Message m = esp();
  m.hard = pf::LifetimeExt{.addtime = 20};
  m.soft = pf::LifetimeExt{.addtime = 10};
  return m;
}

TEST_F(Expire, SoftThenHardAreToldToTheRegistered) {
  ASSERT_EQ(error_of(limited()), 0);
  const ClientId for_ah = server.connect(true);
  ask(for_ah, message(Type::Register, SaType::Ah));
  ask(message(Type::Register, SaType::Esp));

  for (const auto& expiry : sad.tick(at(1011))) server.expired(expiry, at(1011));
  const Message soft = next(user);
  EXPECT_EQ(soft.type, Type::Expire);
  EXPECT_EQ(soft.sequence, 7U) << "of the message that made the SA";
  EXPECT_EQ(soft.pid, 0U);
  EXPECT_EQ(soft.order, (std::vector{Ext::Sa, Ext::Sa2, Ext::LifetimeCurrent, Ext::LifetimeSoft, Ext::AddressSrc,
                                     Ext::AddressDst}));
  EXPECT_EQ(soft.sa->state, pf::SaState::Dying);
  EXPECT_EQ(soft.soft->addtime, 10U);
  EXPECT_EQ(soft.current->addtime, static_cast<std::uint64_t>(kWall + 1000));

  for (const auto& expiry : sad.tick(at(1021))) server.expired(expiry, at(1021));
  const Message hard = next(user);
  EXPECT_EQ(hard.order, (std::vector{Ext::Sa, Ext::Sa2, Ext::LifetimeCurrent, Ext::LifetimeHard, Ext::AddressSrc,
                                     Ext::AddressDst}));
  EXPECT_EQ(hard.sa->state, pf::SaState::Dead);
  EXPECT_EQ(hard.hard->addtime, 20U);
  EXPECT_TRUE(silent(user));
  EXPECT_TRUE(silent(for_ah));
}

TEST_F(Expire, ALarvalSaGoesInSilence) {
  ask(message(Type::Register, SaType::Esp));
  ask(between(Type::GetSpi, SaType::Esp));
  const auto expired = sad.tick(at(1032));
  ASSERT_EQ(expired.size(), 1U);
  server.expired(expired[0], at(1032));
  EXPECT_TRUE(silent(user));
}

TEST_F(Expire, APolicyThatEndsIsToldToAnybodyRegistered) {
  ask(message(Type::Register, SaType::Ah));
  Message m = policy();
  m.hard = pf::LifetimeExt{.addtime = 10, .usetime = 5};
  ASSERT_EQ(error_of(m), 0);
  const auto gone = spd.tick(at(1011));
  ASSERT_EQ(gone.size(), 1U);
  server.policy_expired(gone[0], at(1011));
  const Message told = next(user);
  EXPECT_EQ(told.type, Type::SpdExpire);
  EXPECT_EQ(told.satype, SaType::Unspec);
  EXPECT_EQ(told.order,
            (std::vector{Ext::LifetimeCurrent, Ext::LifetimeHard, Ext::AddressSrc, Ext::AddressDst, Ext::Policy}));
  EXPECT_EQ(told.current->addtime, static_cast<std::uint64_t>(kWall + 1000));
  EXPECT_EQ(told.hard->addtime, 10U);
  EXPECT_EQ(told.hard->usetime, 5U);
  EXPECT_EQ(told.source->prefix_length, 24);
  EXPECT_EQ(told.policy->requests.size(), 1U);
}

}  // namespace
}  // namespace testudo::pfkey::server
