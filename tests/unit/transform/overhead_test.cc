#include "transform/overhead.h"

#include <gtest/gtest.h>

#include "crypto/algorithms.h"
#include "support/packets.h"

namespace testudo::transform {
namespace {

struct Wanted {
  const char* cipher;
  std::size_t key;
  const char* mac = nullptr;
  std::size_t mac_key = 0;
};

sad::SaParameters parameters(sad::SaProtocol protocol, sad::Mode mode, bool v4) {
  sad::SaParameters p;
  p.group.protocol = protocol;
  p.group.mode = mode;
  p.group.source = test::ip(v4 ? "192.0.2.1" : "2001:db8::1");
  p.group.destination = test::ip(v4 ? "192.0.2.2" : "2001:db8::2");
  p.spi = Spi{0x1000};
  return p;
}

sad::SaParameters esp(const Wanted& wanted, sad::Mode mode, bool v4 = true) {
  sad::SaParameters p = parameters(sad::SaProtocol::Esp, mode, v4);
  p.cipher = crypto::cipher_by_name(wanted.cipher);
  p.cipher_key = Secret{ByteVector(wanted.key, 0x13)};
  if (wanted.mac != nullptr) p.mac = crypto::mac_by_name(wanted.mac);
  p.mac_key = Secret{ByteVector(wanted.mac_key, 0x24)};
  return p;
}

std::size_t overhead(sad::SaParameters p) {
  const auto sa = sad::Sa::make(std::move(p), {});
  EXPECT_TRUE(sa);
  return sa ? worst_overhead(**sa) : 0;
}

// Sums by hand from RFC 4303 section 2: SPI 4, sequence 4, IV, padding to the block beside the trailer of 2, ICV.
TEST(WorstOverhead, OfEspIsHeaderIvLongestPaddingAndIcv) {
  const Wanted gcm{"aes-gcm-16", 20}, cbc{"aes-cbc", 16, "hmac-sha1", 20};
  EXPECT_EQ(overhead(esp(gcm, sad::Mode::Transport)), 8U + 8 + 2 + 3 + 16);
  EXPECT_EQ(overhead(esp(cbc, sad::Mode::Transport)), 8U + 16 + 2 + 15 + 12);
  EXPECT_EQ(overhead(esp({"aes-ctr", 20}, sad::Mode::Transport)), 8U + 8 + 2 + 15) << "padded as NetBSD wants it";
}

TEST(WorstOverhead, OfATunnelHasTheOuterHeader) {
  const Wanted gcm{"aes-gcm-16", 20};
  EXPECT_EQ(overhead(esp(gcm, sad::Mode::Tunnel)), 37U + 20);
  EXPECT_EQ(overhead(esp(gcm, sad::Mode::Tunnel, false)), 37U + 40);
  EXPECT_EQ(overhead(esp(gcm, sad::Mode::Any)), 37U + 20) << "an SA of mode any may serve a tunnel";
}

TEST(WorstOverhead, OfUdpEncapsulationHasTheUdpHeaderAndTheMarker) {
  sad::SaParameters p = esp({"aes-gcm-16", 20}, sad::Mode::Transport);
  p.nat = sad::NatTraversal{};
  EXPECT_EQ(overhead(std::move(p)), 37U + 8);
  sad::SaParameters q = esp({"aes-gcm-16", 20}, sad::Mode::Transport);
  q.nat = sad::NatTraversal{};
  q.nat->kind = sad::NatTraversal::Kind::NonIke;
  EXPECT_EQ(overhead(std::move(q)), 37U + 16);
}

TEST(WorstOverhead, OfAhIsTheHeaderRoundedForItsFamily) {
  for (const bool v4 : {true, false}) {
    sad::SaParameters p = parameters(sad::SaProtocol::Ah, sad::Mode::Transport, v4);
    p.mac = crypto::mac_by_name("hmac-sha256");
    p.mac_key = Secret{ByteVector(32, 1)};
    // RFC 4868: 16 bytes of ICV; RFC 4302 section 2.2: 12 + 16 = 28, rounded up to 32 in IPv6.
    EXPECT_EQ(overhead(std::move(p)), v4 ? 28U : 32U);
  }
}

TEST(WorstOverhead, OfIpcompIsNothingBecauseItIsSkippedWhenItWouldGrow) {
  sad::SaParameters p = parameters(sad::SaProtocol::Ipcomp, sad::Mode::Transport, true);
  p.compression = crypto::compression_by_name("deflate");
  EXPECT_EQ(overhead(std::move(p)), 0U);
}

}  // namespace
}  // namespace testudo::transform
