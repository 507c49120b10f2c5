#include "spd/socket_slots.h"

#include <gtest/gtest.h>

namespace testudo::spd {
namespace {

SocketPolicy policy(Action action, bool privileged, ByteVector bytes = {1}) {
  SocketPolicy made;
  made.policy.action = action;
  made.privileged = privileged;
  made.bytes = std::move(bytes);
  return made;
}

SocketSlots::Slot outbound(SocketPolicy p) {
  return {std::nullopt, std::move(p)};
}

struct Precedence {
  Action action;
  bool privileged, listed, decides;
};

// netipsec: a privileged socket's policy is used directly, ENTRUST falls through to the SPD; for others "SPD is
// consulted first; if it has an entry that wins".
TEST(SocketPrecedence, IsNetipsecs) {
  const Policy listed;
  for (const auto& row :
       {Precedence{Action::Ipsec, true, false, true}, Precedence{Action::Ipsec, true, true, true},
        Precedence{Action::Bypass, true, true, true}, Precedence{Action::Entrust, true, true, false},
        Precedence{Action::Entrust, true, false, false}, Precedence{Action::Ipsec, false, false, true},
        Precedence{Action::Ipsec, false, true, false}, Precedence{Action::Entrust, false, false, false}}) {
    EXPECT_EQ(decides(policy(row.action, row.privileged), row.listed ? &listed : nullptr), row.decides)
        << static_cast<int>(row.action) << row.privileged << row.listed;
  }
}

TEST(SocketSlots, TheSamePoliciesShareASlot) {
  SocketSlots slots;
  slots.put(3, outbound(policy(Action::Ipsec, true, {1, 2})));
  EXPECT_EQ(slots.same(outbound(policy(Action::Ipsec, true, {1, 2}))), 3U);
  EXPECT_EQ(slots.same(outbound(policy(Action::Ipsec, true, {1, 3}))), 0U) << "other bytes";
  EXPECT_EQ(slots.same(outbound(policy(Action::Ipsec, false, {1, 2}))), 0U) << "another right";
  EXPECT_EQ(slots.same({policy(Action::Ipsec, true, {1, 2}), std::nullopt}), 0U) << "the other direction";
  SocketPolicy v6 = policy(Action::Ipsec, true, {1, 2});
  v6.policy.selector.source.address = net::Address::any(net::Family::V6);
  EXPECT_EQ(slots.same(outbound(v6)), 0U) << "the other family, whose default level may differ";
}

TEST(SocketSlots, UdpEncapsulationIsPartOfWhatASlotSays) {
  using Form = SocketEncapsulation::Form;
  const auto encapsulated = [](Form form, bool privileged) {
    SocketSlots::Slot slot = outbound(policy(Action::Bypass, true));
    slot.udp = {form, privileged};
    return slot;
  };
  SocketSlots slots;
  slots.put(3, encapsulated(Form::Esp, true));
  EXPECT_EQ(slots.same(encapsulated(Form::Esp, true)), 3U);
  EXPECT_EQ(slots.same(encapsulated(Form::NonIke, true)), 0U) << "the other form";
  EXPECT_EQ(slots.same(encapsulated(Form::Esp, false)), 0U) << "another right";
  EXPECT_EQ(slots.same(outbound(policy(Action::Bypass, true))), 0U) << "none";
  EXPECT_FALSE(encapsulated(Form::Esp, true).unprivileged());
  EXPECT_TRUE(encapsulated(Form::Esp, false).unprivileged());
  EXPECT_TRUE(SocketSlots::Slot{}.empty());
  EXPECT_FALSE((SocketSlots::Slot{.udp = SocketEncapsulation{}}.empty()));
}

TEST(SocketSlots, AreFewAndCounted) {
  SocketSlots slots;
  for (unsigned n = 1; n <= SocketSlots::kSlots; ++n) {
    EXPECT_EQ(slots.vacant(true), n);
    slots.put(n, {});
  }
  EXPECT_EQ(slots.vacant(true), 0U);
  EXPECT_TRUE(slots.clear(7));
  EXPECT_FALSE(slots.clear(7));
  EXPECT_EQ(slots.vacant(true), 7U);
  EXPECT_EQ(slots.find(7), nullptr);
  EXPECT_EQ(slots.find(0), nullptr);
  EXPECT_EQ(slots.find(SocketSlots::kSlots + 1), nullptr);
}

TEST(SocketSlots, SomeAreKeptForThePrivileged) {
  SocketSlots slots;
  for (unsigned n = 1; n <= SocketSlots::kForUnprivileged; ++n) {
    EXPECT_EQ(slots.vacant(false), n);
    slots.put(n, outbound(policy(Action::Ipsec, false, {static_cast<std::uint8_t>(n)})));
  }
  EXPECT_EQ(slots.vacant(false), 0U);
  EXPECT_EQ(slots.vacant(true), SocketSlots::kForUnprivileged + 1);
}

TEST(SocketSlots, ASocketIsInOneSlotUntilItIsClosed) {
  SocketSlots slots;
  slots.hold(77, 1);
  slots.hold(78, 1);
  slots.hold(77, 2);
  EXPECT_TRUE(slots.is_held(1));
  EXPECT_TRUE(slots.is_held(2));
  slots.closed(78);
  slots.closed(79);
  EXPECT_FALSE(slots.is_held(1)) << "one went to another slot, the other is closed";
  EXPECT_EQ(slots.holders(), 1U);
}

}  // namespace
}  // namespace testudo::spd
