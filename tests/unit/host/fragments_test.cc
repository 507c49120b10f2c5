#include "host/fragments.h"

#include <gtest/gtest.h>

namespace testudo::host {
namespace {

// No packet meets them; the kernel joins because they are there.
TEST(NftJoinFragments, AsksForWholePackets) {
  Settings settings;
  settings.device = "tdo7";
  const std::string chain =
      "add chain inet testudo_tdo7 joined\n"
      "add rule inet testudo_tdo7 joined ";
  const auto ways = nft_join_fragments(settings);
  EXPECT_EQ(ways[0], chain + "meta l4proto udp tproxy to :1 accept\n");
  EXPECT_EQ(ways[1], chain + "ct state invalid accept\n");
}

}  // namespace
}  // namespace testudo::host
