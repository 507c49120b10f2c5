#include "io/ring.h"

#include <gtest/gtest.h>

#include <vector>

namespace testudo::io {
namespace {

ByteVector packet(std::size_t number, std::size_t size = 20) {
  ByteVector bytes(size, static_cast<std::uint8_t>(number));
  return bytes;
}

using Packets = std::vector<ByteVector>;

/// Takes up to `most` packets.
Packets taken(Ring& ring, std::size_t most, std::size_t room = 100) {
  std::vector<ByteVector> rooms(most, ByteVector(room));
  std::vector<Slot> slots;
  for (ByteVector& r : rooms) slots.push_back({r, 0});
  const std::size_t n = ring.receive(slots);
  rooms.resize(n);
  for (std::size_t i = 0; i < n; ++i) rooms[i].resize(slots[i].length);
  return rooms;
}

TEST(Ring, GivesPacketsInTheirOrderAndSize) {
  Ring ring{4, 100};
  EXPECT_TRUE(taken(ring, 4).empty());
  EXPECT_TRUE(ring.send(packet(1, 1)));
  EXPECT_TRUE(ring.send(packet(2, 100)));
  EXPECT_TRUE(ring.send({}));
  EXPECT_EQ(taken(ring, 2), (Packets{packet(1, 1), packet(2, 100)}));
  EXPECT_EQ(taken(ring, 2), Packets{ByteVector{}});
  EXPECT_TRUE(taken(ring, 2).empty());
}

TEST(Ring, RefusesWhatDoesNotFitAndTakesAgainWhenThereIsRoom) {
  Ring ring{2, 50};
  EXPECT_FALSE(ring.send(packet(0, 51)));
  EXPECT_TRUE(ring.send(packet(1)));
  EXPECT_TRUE(ring.send(packet(2)));
  EXPECT_FALSE(ring.send(packet(3)));
  EXPECT_EQ(taken(ring, 1), Packets{packet(1)});
  EXPECT_TRUE(ring.send(packet(4)));
  EXPECT_FALSE(ring.send(packet(5)));
  EXPECT_EQ(taken(ring, 9), (Packets{packet(2), packet(4)}));
}

TEST(Ring, CutsWhatASlotHasNoRoomFor) {
  Ring ring{2, 50};
  ring.send(packet(7, 40));
  EXPECT_EQ(taken(ring, 1, 10), Packets{packet(7, 10)});
}

}  // namespace
}  // namespace testudo::io
