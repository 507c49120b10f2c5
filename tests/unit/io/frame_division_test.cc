// The kernel runs the programs here: as the filter of a socket one says how many bytes of a message are kept.
#include "io/frame_division.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <set>
#include <string>

#include "base/bytes.h"
#include "base/hex.h"
#include "io/fd.h"

namespace testudo::io {
namespace {

constexpr std::array<std::uint16_t, 2> kDividedPorts{4500, 5500};
constexpr std::size_t kMostDivided = 70000;  // more than a program gives

/// Digits with blanks between them.
ByteVector spelt(std::string digits) {
  std::erase(digits, ' ');
  return from_hex(digits).value();
}

/// What the program gives for a packet; what stands behind it is zeros.
std::size_t divided(net::Family family, ByteVector packet, std::size_t length = kMostDivided) {
  packet.resize(length);
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  const Fd sender{ends[0]}, receiver{ends[1]};
  std::vector<sock_filter> text = divide_frames(family, kDividedPorts);
  const sock_fprog program{static_cast<unsigned short>(text.size()), text.data()};
  EXPECT_EQ(::setsockopt(receiver.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
  EXPECT_EQ(::send(sender.get(), packet.data(), packet.size(), 0), static_cast<ssize_t>(packet.size()));
  ByteVector room(kMostDivided);
  const ssize_t kept = ::recv(receiver.get(), room.data(), room.size(), 0);
  return kept < 0 ? 0 : static_cast<std::size_t>(kept);  // of none of its bytes there is no message
}

std::size_t divided_v4(const char* protocol, const std::string& payload, const char* fragment = "0000",
                       const char* source = "0a000001") {
  return divided(net::Family::V4, spelt("45000054 0001" + std::string{fragment} + "40" + protocol + "0000" + source +
                                        "0a000002" + payload));
}

std::size_t divided_v6(const char* next, const std::string& payload) {
  const std::string addresses = "fd000000000000000000000000000001 fd000000000000000000000000000002";
  return divided(net::Family::V6, spelt("60000000 0040" + std::string{next} + "40" + addresses + payload));
}

TEST(FrameDivision, GivesTheSpiOfEspAndAh) {
  EXPECT_EQ(divided_v4("32", "00001235 00000001"), 0x1235U);
  EXPECT_EQ(divided_v4("33", "06040000 00001236 00000001"), 0x1236U);
  EXPECT_EQ(divided_v6("32", "00001237 00000001"), 0x1237U);
  EXPECT_EQ(divided_v6("33", "06040000 00001238 00000001"), 0x1238U);
}

TEST(FrameDivision, GivesTheCpiOfIpcomp) {
  EXPECT_EQ(divided_v4("6c", "0600 2345"), 0x2345U);
  EXPECT_EQ(divided_v6("6c", "0600 2346"), 0x2346U);
}

TEST(FrameDivision, GivesTheSpiOfEspThatWasSentToAnEncapsulationPort) {
  EXPECT_EQ(divided_v4("11", "f000 1194 0020 0000 00001239 00000001"), 0x1239U);
  EXPECT_EQ(divided_v4("11", "f000 157c 0020 0000 0000123a 00000001"), 0x123aU);
  EXPECT_EQ(divided_v6("11", "f000 1194 0020 0000 0000123b 00000001"), 0x123bU);
  EXPECT_NE(divided_v4("11", "1194 f000 0020 0000 00001239 00000001"), 0x1239U) << "that it came from one says nothing";
}

TEST(FrameDivision, FindsThePayloadBehindOptions) {
  const ByteVector packet = spelt("47000054 0001000040320000 0a000001 0a000002 0101010101010101 0000123c 00000001");
  EXPECT_EQ(divided(net::Family::V4, packet), 0x123cU);
}

TEST(FrameDivision, TellsFlowsApartByAddressesAndPorts) {
  std::set<std::size_t> seen, halves;
  for (const char* port : {"1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008"}) {
    for (const char* protocol : {"06", "11"}) {
      seen.insert(divided_v4(protocol, std::string{port} + "0050"));
      seen.insert(divided_v6(protocol, std::string{port} + "0050"));
    }
  }
  for (const std::size_t hash : seen) halves.insert(hash % 2);
  EXPECT_EQ(seen.size(), 16U) << "eight of IPv4 and eight of IPv6: TCP and UDP look the same";
  EXPECT_EQ(halves.size(), 2U);
  EXPECT_EQ(divided_v4("06", "10010050"), divided_v4("06", "10010050"));
  EXPECT_NE(divided_v4("06", "10010050"), divided_v4("06", "10010050", "0000", "0a000009"));
}

TEST(FrameDivision, KeepsPiecesOfOnePacketTogether) {
  const std::size_t first = divided_v4("11", "10010050", "2000"), next = divided_v4("11", "ffffffff", "00b9");
  EXPECT_EQ(first, next);
  EXPECT_EQ(first, divided_v4("32", "00001235", "2000")) << "whatever is in it";
  EXPECT_NE(first, divided_v4("11", "10010050")) << "a whole one is told by its ports";
  EXPECT_EQ(divided_v6("2c", "1100 0001 00000007 10010050"), divided_v6("2c", "1100 00b8 00000007 ffffffff"));
}

TEST(FrameDivision, GivesNothingForWhatIsTooShort) {
  EXPECT_EQ(divided(net::Family::V4, spelt("4500005400010000 40320000 0a000001 0a000002 0000"), 22), 0U);
  EXPECT_EQ(divided(net::Family::V4, {}, 5), 0U);
  EXPECT_EQ(divided(net::Family::V6, {}, 5), 0U);
}

}  // namespace
}  // namespace testudo::io
