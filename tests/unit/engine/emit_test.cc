#include "engine/emit.h"

#include <gtest/gtest.h>

#include "unit/engine/workbench.h"
#include "wire/packet/icmp.h"

namespace testudo::engine {
namespace {

using namespace test;
using net::DropReason;

const net::Address kUs = ip("10.0.1.1"), kUs6 = ip("fd00:1::1");

class EmitTest : public testing::Test {
 protected:
  EmitTest() { w.station.host.addresses = {kUs, kUs6}; }

  Departure departure(const ByteVector& packet) {
    Departure d{w.enter(packet), {}};
    d.quote.assign(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(std::min(packet.size(), kMaxQuote)));
    return d;
  }
  static ByteVector datagram(const net::Address& from, std::size_t size, const IpFields& fields = {}) {
    const net::Address to = from.is_v4() ? ip("10.0.2.5") : ip("fd00:2::5");
    return udp({from, 1}, {to, 2}, ByteVector(size - (from.is_v4() ? 28 : 48), 7), fields);
  }
  void emit(const ByteVector& packet, std::size_t mtu, std::size_t overhead = 0) {
    emitter.emit(departure(packet), {.mtu = mtu, .overhead = overhead}, w.verdicts);
    EXPECT_TRUE(w.adds_up());
  }
  /// The MTU in the one ICMP error that went to the host.
  std::size_t stated_mtu() const {
    EXPECT_EQ(w.station.delivered.size(), 1U);
    if (w.station.delivered.empty()) return 0;
    const ByteVector& message = w.station.delivered[0];
    const auto ip = wire::packet::parse_ip(message);
    const auto error = wire::packet::parse_icmp_error(*ip, message);
    return error && error->mtu ? *error->mtu : 0;
  }

  Workbench w;
  PathMtu learned;
  Emitter emitter{w.parts, learned};
};

TEST_F(EmitTest, WhatFitsGoesAsItIs) {
  const ByteVector packet = datagram(kUs, 1500, {.dont_fragment = true});
  emit(packet, 1500);
  EXPECT_EQ(w.station.wire, std::vector<ByteVector>{packet});
}

TEST_F(EmitTest, FragmentsLeaveByTheLinkOfTheWhole) {
  Departure whole = departure(datagram(kUs6, 1500));
  whole.passage.packet->leave_by(7);
  emitter.emit(whole, {.mtu = 1280, .overhead = 0}, w.verdicts);
  EXPECT_EQ(w.station.links, (std::vector<std::uint32_t>{7, 7}));
}

TEST_F(EmitTest, WhoMayBeCutAndWhoIsTold) {
  struct Row {
    const char* from;
    bool dont_fragment;
    bool cut, told;
  };
  for (const Row& row : {Row{"10.0.1.1", false, true, false}, Row{"10.0.1.1", true, false, true},
                         Row{"10.0.1.9", false, true, false}, Row{"10.0.1.9", true, false, true},
                         Row{"fd00:1::1", false, true, true}, Row{"fd00:1::9", false, false, true}}) {
    w.station.clear();
    emit(datagram(ip(row.from), 2000, {.dont_fragment = row.dont_fragment}), 1400);
    EXPECT_EQ(w.station.wire.size(), row.cut ? 2U : 0U) << row.from;
    EXPECT_EQ(w.station.delivered.size(), row.told ? 1U : 0U) << row.from;
    for (const ByteVector& piece : w.station.wire) EXPECT_LE(piece.size(), 1400U);
  }
  EXPECT_EQ(w.drops(DropReason::NeedsFragmentation), 3U);
}

TEST_F(EmitTest, WhatWasJoinedMayBeCutAgainWhateverItSays) {
  Departure d = departure(datagram(kUs, 2000, {.dont_fragment = true}));
  d.passage.largest_piece = 1000;
  emitter.emit(d, {.mtu = 1400}, w.verdicts);
  EXPECT_EQ(w.station.wire.size(), 2U);
  Departure foreign = departure(datagram(ip("fd00:1::9"), 2000));
  foreign.passage.largest_piece = 1000;
  emitter.emit(foreign, {.mtu = 1400}, w.verdicts);
  EXPECT_EQ(w.station.wire.size(), 4U);
  EXPECT_TRUE(w.adds_up());
}

TEST_F(EmitTest, TheSourceIsToldWhatIsLeftBesideTheOverhead) {
  emit(datagram(kUs, 1500, {.dont_fragment = true}), 1400, 73);
  EXPECT_EQ(stated_mtu(), 1327U);
}

TEST_F(EmitTest, AnIpv6SourceIsNeverToldLessThanEveryLinkTakes) {
  emit(datagram(ip("fd00:1::9"), 1500), 1300, 200);
  EXPECT_EQ(stated_mtu(), 1280U);
}

TEST_F(EmitTest, AnOverheadBeyondTheMtuDoesNotWrap) {
  emit(datagram(kUs, 1500, {.dont_fragment = true}), 60, 73);
  EXPECT_LE(stated_mtu(), 68U);
}

TEST_F(EmitTest, ASmallIpv6PacketInsideIsCutWhateverTheOuterHeaderSays) {
  Departure d = departure(datagram(kUs, 1360, {.dont_fragment = true}));
  d.quote = datagram(ip("fd00:1::9"), 1280);
  emitter.emit(d, {.mtu = 1300}, w.verdicts);
  EXPECT_EQ(w.station.wire.size(), 2U);
  Departure larger = departure(datagram(kUs, 1360, {.dont_fragment = true}));
  larger.quote = datagram(ip("fd00:1::9"), 1281);
  emitter.emit(larger, {.mtu = 1300}, w.verdicts);
  EXPECT_EQ(w.station.wire.size(), 2U);
  EXPECT_EQ(w.drops(DropReason::NeedsFragmentation), 1U);
}

TEST_F(EmitTest, ThePathIsTheLinkOrWhatWasLearned) {
  const net::Address far = ip("20.0.0.2");
  EXPECT_EQ(emitter.mtu_towards(far, {}), 1500U);
  learned.lower(far, 1300, {});
  EXPECT_EQ(emitter.mtu_towards(far, {}), 1300U);
  w.station.host.mtu = 1200;
  EXPECT_EQ(emitter.mtu_towards(far, {}), 1200U);
}

TEST_F(EmitTest, APathTooSmallForAHeaderDropsThePacket) {
  emit(datagram(kUs, 1500), 21);
  EXPECT_TRUE(w.station.wire.empty());
  EXPECT_EQ(w.drops(DropReason::OutboundInvalid), 1U);
}

}  // namespace
}  // namespace testudo::engine
