#include "io/joined_messages.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <vector>

#include "io/fd.h"
#include "support/packets.h"

namespace testudo::io {
namespace {

constexpr int kUdpSegment = 103, kUdpGro = 104;

/// A UDP socket on the loopback device that lets the kernel join what comes, and one that sends to it.
struct Loopback {
  Loopback() : receiver(::socket(AF_INET, SOCK_DGRAM, 0)), sender(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(receiver.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    socklen_t length = sizeof at;
    EXPECT_EQ(::getsockname(receiver.get(), reinterpret_cast<sockaddr*>(&at), &length), 0);
    EXPECT_EQ(::connect(sender.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    const int on = 1;
    EXPECT_EQ(::setsockopt(receiver.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on), 0);
    EXPECT_EQ(::setsockopt(receiver.get(), IPPROTO_UDP, kUdpGro, &on, sizeof on), 0);
  }
  void send(Bytes data, int size) const {
    EXPECT_EQ(::setsockopt(sender.get(), IPPROTO_UDP, kUdpSegment, &size, sizeof size), 0);
    EXPECT_EQ(::send(sender.get(), data.data(), data.size(), 0), static_cast<ssize_t>(data.size()));
  }
  Fd receiver, sender;
};

ByteVector pattern(std::size_t n) {
  ByteVector bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::uint8_t>(i * 13 + i / 256);
  return bytes;
}

/// What came, datagram by datagram, taken with so many slots a call.
std::vector<ByteVector> take_all(JoinedMessages& messages, const Fd& socket, std::size_t slots) {
  std::vector<ByteVector> rooms(slots, ByteVector(2000)), taken;
  for (;;) {
    std::vector<Slot> filled;
    for (ByteVector& room : rooms) filled.push_back({room, 0});
    const std::size_t count = messages.receive(socket.get(), filled);
    if (count == 0) return taken;
    for (std::size_t i = 0; i < count; ++i) {
      const Bytes packet = Bytes{filled[i].room}.first(filled[i].length);
      taken.emplace_back(packet.begin(), packet.end());
    }
  }
}

TEST(JoinedMessages, AreTakenApartWhateverTheNumberOfSlots) {
  const ByteVector data = pattern(10 * 700 + 33);
  for (const std::size_t slots : {1U, 3U, 11U, 64U}) {
    const Loopback loopback;
    loopback.send(data, 700);
    loopback.send(Bytes{data}.first(50), 0);
    JoinedMessages messages{4500};
    const auto packets = take_all(messages, loopback.receiver, slots);
    ASSERT_EQ(packets.size(), 12U);
    ByteVector stream;
    for (const ByteVector& packet : packets) {
      ASSERT_GE(packet.size(), 28U);
      EXPECT_EQ(packet[2] << 8 | packet[3], static_cast<int>(packet.size()));
      EXPECT_EQ(test::detail::internet_checksum(Bytes{packet}.first(20)), 0);
      EXPECT_EQ(packet[22] << 8 | packet[23], 4500);
      stream.insert(stream.end(), packet.begin() + 28, packet.end());
    }
    EXPECT_EQ(packets[0].size(), 728U);
    EXPECT_EQ(packets[10].size(), 61U);
    ByteVector expected = data;
    expected.insert(expected.end(), data.begin(), data.begin() + 50);
    EXPECT_EQ(stream, expected);
  }
}

// The socket is empty then, and nobody would call again.
TEST(JoinedMessages, CountsWhatItCannotGive) {
  const Loopback loopback;
  JoinedMessages messages{4500};
  loopback.send(pattern(3000), 1500);
  EXPECT_TRUE(take_all(messages, loopback.receiver, 4).size() == 2 && messages.take_skipped() == 0);
  const int off = 0;
  ASSERT_EQ(::setsockopt(loopback.receiver.get(), IPPROTO_IP, IP_PKTINFO, &off, sizeof off), 0);
  loopback.send(pattern(100), 0);
  EXPECT_TRUE(take_all(messages, loopback.receiver, 4).empty()) << "nobody says to which address it went";
  EXPECT_EQ(messages.take_skipped(), 1U);
  EXPECT_EQ(messages.take_skipped(), 0U);
}

TEST(JoinedMessages, SayThatTheyHaveMoreThanFitted) {
  const Loopback loopback;
  loopback.send(pattern(300), 100);
  JoinedMessages messages{4500};
  ByteVector room(2000);
  Slot slot{room, 0};
  EXPECT_FALSE(messages.pending());
  for (const bool more : {true, true, false}) {
    EXPECT_EQ(messages.receive(loopback.receiver.get(), {&slot, 1}), 1U);
    EXPECT_EQ(messages.pending(), more);
  }
}

// Whoever believes it does not ask again before the socket is readable anew.
TEST(JoinedMessages, SayThatTheSocketWasFoundEmptyOnlyWhenItWas) {
  const Loopback loopback;
  const int off = 0;
  ASSERT_EQ(::setsockopt(loopback.receiver.get(), IPPROTO_UDP, kUdpGro, &off, sizeof off), 0);
  JoinedMessages messages{4500};
  std::vector<ByteVector> rooms(kBuffers, ByteVector(200));
  std::vector<Slot> slots;
  for (ByteVector& room : rooms) slots.push_back({room, 0});
  for (std::size_t i = 0; i < kBatch + 2; ++i) loopback.send(pattern(10), 0);
  EXPECT_EQ(messages.receive(loopback.receiver.get(), std::span{slots}.first(kBatch / 2)), kBatch / 2);
  EXPECT_FALSE(messages.drained()) << "the other half of the batch";
  EXPECT_EQ(messages.receive(loopback.receiver.get(), slots), kBatch / 2);
  EXPECT_FALSE(messages.drained()) << "two more were never asked for";
  EXPECT_EQ(messages.receive(loopback.receiver.get(), slots), 2U);
  EXPECT_TRUE(messages.drained());
}

// Messages that are long because they were joined are not all fetched at once, and what was left is still known of.
TEST(JoinedMessages, AreFetchedAFewAtATimeOnceTheyAreJoined) {
  const Loopback loopback;
  JoinedMessages messages{4500};
  std::vector<ByteVector> rooms(kBuffers, ByteVector(200));
  std::vector<Slot> slots;
  for (ByteVector& room : rooms) slots.push_back({room, 0});
  const auto send_joined = [&](int count) {
    for (int i = 0; i < count; ++i) loopback.send(pattern(20), 10);
  };
  send_joined(1);
  EXPECT_EQ(messages.receive(loopback.receiver.get(), slots), 2U);
  EXPECT_TRUE(messages.drained());
  send_joined(12);
  EXPECT_EQ(messages.receive(loopback.receiver.get(), slots), 16U);
  EXPECT_FALSE(messages.drained());
  EXPECT_EQ(messages.receive(loopback.receiver.get(), slots), 8U);
  EXPECT_TRUE(messages.drained());
  EXPECT_EQ(messages.receive(loopback.receiver.get(), slots), 0U);
  loopback.send(pattern(10), 0);  // alone: then as many as there are
  EXPECT_EQ(messages.receive(loopback.receiver.get(), slots), 1U);
  send_joined(12);
  EXPECT_EQ(messages.receive(loopback.receiver.get(), slots), 24U);
}

// The kernel leaves the length of what it wrote where it was told how much room there is; of a joined message it says
// more than of one alone.
TEST(JoinedMessages, AreToldWholeAgainWhateverCameBefore) {
  const Loopback loopback;
  JoinedMessages messages{4500};
  for (const std::size_t alone : {3U, 1U, 64U, 2U}) {
    for (std::size_t i = 0; i < alone; ++i) loopback.send(pattern(50 + i), 0);
    ASSERT_EQ(take_all(messages, loopback.receiver, 64).size(), alone);
    for (std::size_t i = 0; i < alone; ++i) loopback.send(pattern(300), 100);
    EXPECT_EQ(take_all(messages, loopback.receiver, 64).size(), 3 * alone);
  }
  EXPECT_EQ(messages.take_skipped(), 0U);
}

}  // namespace
}  // namespace testudo::io
