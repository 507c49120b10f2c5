#include "io/pcap.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <fstream>
#include <string>

namespace testudo::io {
namespace {

using std::chrono::nanoseconds;

class PcapTest : public ::testing::Test {
 protected:
  void TearDown() override { ::unlink(path.c_str()); }
  std::string path = ::testing::TempDir() + "testudo_pcap_test." + std::to_string(::getpid());
};

/// A capture file made by hand: the classic microsecond header, then records.
std::string capture(std::uint32_t link_type, const std::string& frame, std::uint32_t original_length) {
  const auto host32 = [](std::uint32_t v) {
    std::string out(4, '\0');
    std::memcpy(out.data(), &v, 4);
    return out;
  };
  std::string file =
      host32(0xa1b2c3d4) + std::string("\x02\0\x04\0", 4) + host32(0) + host32(0) + host32(65535) + host32(link_type);
  return file + host32(7) + host32(5) + host32(static_cast<std::uint32_t>(frame.size())) + host32(original_length) +
         frame;
}

TEST_F(PcapTest, ReadsWhatItWrote) {
  const std::array<std::uint8_t, 4> first{0x45, 1, 2, 3};
  const std::array<std::uint8_t, 2> second{0x60, 9};
  auto writer = PcapWriter::create(path);
  ASSERT_TRUE(writer);
  writer->write(first, nanoseconds{1'500'000'007});
  writer->write(second, nanoseconds{2'000'000'000});
  EXPECT_EQ(writer->close(), "");

  auto reader = PcapReader::open(path);
  ASSERT_TRUE(reader);
  auto packet = reader->next();
  ASSERT_TRUE(packet);
  EXPECT_TRUE(std::equal(packet->ip.begin(), packet->ip.end(), first.begin(), first.end()));
  EXPECT_EQ(packet->time, nanoseconds{1'500'000'007});
  packet = reader->next();
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->ip.size(), 2U);
  EXPECT_FALSE(reader->next());
  EXPECT_EQ(reader->error(), "");
}

TEST_F(PcapTest, TakesEthernetAndVlanHeadersOff) {
  const std::string macs(12, 'm');
  const std::string ip("\x45ip", 3);
  for (const std::string& type : {std::string("\x08\0", 2), std::string("\x81\0\0\x07\x08\0", 6)}) {
    const std::string frame = macs + type + ip;
    std::ofstream{path, std::ios::binary} << capture(1, frame, static_cast<std::uint32_t>(frame.size()));
    auto reader = PcapReader::open(path);
    ASSERT_TRUE(reader);
    const auto packet = reader->next();
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->ip.size(), 3U);
    EXPECT_EQ(packet->ip[0], 0x45);
  }
}

TEST_F(PcapTest, PassesOverArpAndCutFrames) {
  const std::string arp = std::string(12, 'm') + std::string("\x08\x06", 2) + "arp";
  std::ofstream{path, std::ios::binary} << capture(1, arp, static_cast<std::uint32_t>(arp.size()));
  auto reader = PcapReader::open(path);
  ASSERT_TRUE(reader);
  EXPECT_FALSE(reader->next());
  EXPECT_EQ(reader->skipped(), 1U);

  std::ofstream{path, std::ios::binary} << capture(101, "\x45 half", 100);
  reader = PcapReader::open(path);
  ASSERT_TRUE(reader);
  EXPECT_FALSE(reader->next());
  EXPECT_EQ(reader->skipped(), 1U);
}

TEST_F(PcapTest, SaysWhyAFileIsNoCapture) {
  EXPECT_FALSE(PcapReader::open(path));
  std::ofstream{path} << "no capture";
  const auto reader = PcapReader::open(path);
  ASSERT_FALSE(reader);
  EXPECT_FALSE(reader.error().empty());
}

}  // namespace
}  // namespace testudo::io
