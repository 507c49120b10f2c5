#include "io/wire_filter.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>

#include "io/bpf.h"

namespace testudo::io {
namespace {

constexpr MacAddress kGateway{2, 0, 0, 0, 0, 1}, kOther{2, 0, 0, 0, 0, 2}, kEverybody{255, 255, 255, 255, 255, 255};
constexpr const char *kOwn4 = "10.0.0.1", *kOwn6 = "fd00::1";
// Without an open socket the program lets go what is the engine's: XDP_DROP here says "the engine's".
constexpr std::uint32_t kEngines = XDP_DROP, kKernels = XDP_PASS;

using Protocols = std::initializer_list<std::uint8_t>;

struct FrameSpec {
  std::string to;
  std::uint8_t protocol = 6;
  ByteVector payload = ByteVector(40, 1);
  MacAddress mac = kGateway;
  std::uint16_t fragment = 0;
  std::uint8_t options = 0;  ///< 32-bit words of IPv4 options
  std::string from = {};
};

void copy_into(ByteVector& frame, std::size_t at, Bytes bytes) {
  std::ranges::copy(bytes, frame.begin() + static_cast<std::ptrdiff_t>(at));
}

ByteVector frame_of(const FrameSpec& spec) {
  const auto to = *net::Address::parse(spec.to);
  const bool v4 = to.is_v4();
  const std::size_t header = v4 ? 20U + 4U * spec.options : 40U;
  ByteVector frame(14 + header);
  copy_into(frame, 0, spec.mac);
  copy_into(frame, 6, kOther);
  frame[12] = v4 ? 0x08 : 0x86;
  frame[13] = v4 ? 0x00 : 0xdd;
  frame[14] = v4 ? static_cast<std::uint8_t>(0x45 + spec.options) : std::uint8_t{0x60};
  frame[14 + (v4 ? 9 : 6)] = spec.protocol;
  if (v4)
    frame[20] = static_cast<std::uint8_t>(spec.fragment >> 8), frame[21] = static_cast<std::uint8_t>(spec.fragment);
  const auto from = *net::Address::parse(!spec.from.empty() ? spec.from : v4 ? "192.0.2.9" : "2001:db8::9");
  copy_into(frame, 14 + (v4 ? 12U : 8U), from.bytes());
  copy_into(frame, 14 + (v4 ? 16U : 24U), to.bytes());
  frame.insert(frame.end(), spec.payload.begin(), spec.payload.end());
  return frame;
}

ByteVector udp(std::uint16_t port, std::uint32_t begins, std::size_t length = 40) {
  ByteVector payload(8 + length);
  payload[2] = static_cast<std::uint8_t>(port >> 8);
  payload[3] = static_cast<std::uint8_t>(port);
  for (std::size_t i = 0; i < std::min<std::size_t>(4, length); ++i) {
    payload[8 + i] = static_cast<std::uint8_t>(begins >> (24 - 8 * i));
  }
  return payload;
}

class WireFilterTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::array<std::uint16_t, 2> ports{4500, 4501};
    auto loaded = WireFilter::load(kGateway, ports);
    if (!loaded && (loaded.error().number == EPERM || loaded.error().number == ENOSYS))
      GTEST_SKIP() << loaded.error().to_string();
    ASSERT_TRUE(loaded) << loaded.error().to_string();
    filter_.emplace(*std::move(loaded));
    own({kOwn4, kOwn6});
  }
  void own(const std::vector<std::string>& texts) {
    std::vector<net::Address> addresses;
    for (const auto& text : texts) addresses.push_back(*net::Address::parse(text));
    filter_->set_addresses(addresses);
  }
  std::uint32_t says(const FrameSpec& spec) { return says_of(frame_of(spec)); }
  std::uint32_t says_of(Bytes frame) {
    const auto verdict = try_xdp(filter_->program(), frame);
    EXPECT_TRUE(verdict) << verdict.error().to_string();
    return verdict ? *verdict : 99;
  }

  std::optional<WireFilter> filter_;
};

TEST_F(WireFilterTest, WhatARouterForwardsIsTheEngines) {
  for (const char* to : {"10.0.0.2", "192.0.2.1", "223.255.255.254", "fd00::2", "2001:db8::1"}) {
    for (const std::uint8_t protocol : Protocols{1, 6, 17, 50, 58, 132}) {
      EXPECT_EQ(says({.to = to, .protocol = protocol}), kEngines) << to << " " << unsigned{protocol};
    }
  }
  EXPECT_EQ(says({.to = "10.0.0.2", .fragment = 0x2000}), kEngines);
}

TEST_F(WireFilterTest, OfWhatIsForOurselvesTheProtectedIs) {
  for (const char* to : {kOwn4, kOwn6}) {
    for (const std::uint8_t protocol : Protocols{50, 51, 108})
      EXPECT_EQ(says({.to = to, .protocol = protocol}), kEngines);
    for (const std::uint8_t protocol : Protocols{1, 4, 6, 41, 44, 58, 132}) {
      EXPECT_EQ(says({.to = to, .protocol = protocol}), kKernels) << to << " " << unsigned{protocol};
    }
  }
}

TEST_F(WireFilterTest, EspInUdpIsTheEnginesAndIkeTheKeyDaemons) {
  for (const char* to : {kOwn4, kOwn6}) {
    EXPECT_EQ(says({.to = to, .protocol = 17, .payload = udp(4500, 0x1000)}), kEngines);
    EXPECT_EQ(says({.to = to, .protocol = 17, .payload = udp(4501, 0x1000)}), kEngines);
    EXPECT_EQ(says({.to = to, .protocol = 17, .payload = udp(4500, 0)}), kKernels) << "the non-ESP marker";
    EXPECT_EQ(says({.to = to, .protocol = 17, .payload = udp(4500, 0xff000000, 1)}), kKernels) << "a keepalive";
    EXPECT_EQ(says({.to = to, .protocol = 17, .payload = udp(500, 0x1000)}), kKernels);
    EXPECT_EQ(says({.to = to, .protocol = 17, .payload = udp(53, 0x1000)}), kKernels);
  }
  EXPECT_EQ(says({.to = kOwn4, .protocol = 17, .payload = udp(4500, 0x1000), .options = 1}), kKernels);
  EXPECT_EQ(says({.to = kOwn4, .protocol = 50, .options = 1}), kEngines);
}

TEST_F(WireFilterTest, FragmentsForOurselvesTheKernelJoins) {
  EXPECT_EQ(says({.to = kOwn4, .protocol = 50, .fragment = 0x2000}), kKernels) << "the first";
  EXPECT_EQ(says({.to = kOwn4, .protocol = 50, .fragment = 0x0010}), kKernels) << "the last";
  EXPECT_EQ(says({.to = kOwn4, .protocol = 50, .fragment = 0x4000}), kEngines) << "DF is no fragment";
}

TEST_F(WireFilterTest, GroupsNeighboursAndForeignFramesAreTheKernels) {
  for (const char* to : {"224.0.0.5", "239.1.2.3", "255.255.255.255", "127.0.0.1", "0.0.0.0", "ff02::1", "fe80::9"}) {
    EXPECT_EQ(says({.to = to}), kKernels) << to;
  }
  EXPECT_EQ(says({.to = "2001:db8::1", .from = "fe80::7"}), kKernels);
  EXPECT_EQ(says({.to = "10.0.0.2", .mac = kOther}), kKernels);
  EXPECT_EQ(says({.to = "10.0.0.2", .mac = kEverybody}), kKernels);
  ByteVector arp = frame_of({.to = "10.0.0.2"});
  arp[13] = 0x06;
  EXPECT_EQ(says_of(arp), kKernels);
  ByteVector tagged = frame_of({.to = "10.0.0.2"});
  tagged[12] = 0x81;
  EXPECT_EQ(says_of(tagged), kKernels);
  ByteVector confused = frame_of({.to = "10.0.0.2"});
  confused[14] = 0x65;
  EXPECT_EQ(says_of(confused), kKernels);
}

TEST_F(WireFilterTest, FramesThatAreCutShortAreTheKernels) {
  for (const char* to : {"10.0.0.2", "fd00::2"}) {
    const ByteVector whole = frame_of({.to = to, .payload = {}});
    for (std::size_t n = 15; n < whole.size(); ++n) {  // the kernel tries nothing shorter
      EXPECT_EQ(says_of(Bytes{whole}.first(n)), kKernels) << to << " " << n;
    }
    EXPECT_EQ(says_of(whole), kEngines);
  }
}

TEST_F(WireFilterTest, AddressesMayChange) {
  own({"10.0.0.7", kOwn6});
  EXPECT_EQ(says({.to = "10.0.0.7"}), kKernels);
  EXPECT_EQ(says({.to = kOwn4}), kEngines);
  EXPECT_EQ(says({.to = kOwn6}), kKernels);
}

TEST_F(WireFilterTest, AProgramThatTheKernelRefusesIsExplained) {
  BpfWriter w;
  w.leave();  // register 0 was never set
  const auto refused = load_xdp(w.finish(), "refused");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().call.find("R0"), std::string::npos) << refused.error().to_string();
}

}  // namespace
}  // namespace testudo::io
