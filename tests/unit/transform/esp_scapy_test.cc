// ESP packets that scapy 2.5 sealed (its IPsec layer on python3-cryptography): SPI 0x1000, sequence number 7, with ESN
// in the fourth run of 2^32 numbers; keys 01 02 03 ….  All must open to the datagram that scapy was
// given.  Scapy 2.5 forgets the high half of an ESN in ESP's MAC: that one ICV is Python's hmac (RFC 4303
// section 2.2.1).
#include <gtest/gtest.h>

#include "unit/transform/one_packet.h"

namespace testudo::transform {
namespace {

using namespace test_support;

constexpr const char* kV4 = "4500002c123400002111738b0a0000010a000002 03e807d00018d8b27365616c656420656c73657768657265";
constexpr const char* kV6 =
    "6000000000181121fd000000000000000000000000000001fd000000000000000000000000000002"
    "03e807d00018f2b07365616c656420656c73657768657265";

struct ScapyPacket {
  const char *cipher, *mac;
  std::size_t cipher_key, mac_key;
  bool esn;
  const char* sealed;
};

// clang-format off
constexpr ScapyPacket kPackets[] = {
    {"null", "hmac-sha1", 0, 20, false,
     "4500004412340000213273520a0000010a000002000010000000000703e807d00018d8b27365616c656420656c736577"
     "6865726501020211d92399e6b814199db659adeb"},
    {"des-cbc", "hmac-md5", 8, 16, false,
     "4500005012340000213273460a0000010a00000200001000000000073387b6e17ecfc1213a3d6f16d3811fc20a7b20a2"
     "e3eb7656c3fb0157929481c9a65b157e408c62e2866f1f1f7e3d5a51e24b2966"},
    {"3des-cbc", "hmac-sha1", 24, 20, false,
     "60000000003c3221fd000000000000000000000000000001fd0000000000000000000000000000020000100000000007"
     "cadcf02d0c06fc75b8c73020c58efcd4cefd86727222ab1b3c82082a306a28a223224ff55d544227dfa7bfc54d61d649"
     "16ae6ff4"},
    {"aes-cbc", "hmac-sha256", 32, 32, false,
     "4500005c123400002132733a0a0000010a00000200001000000000072273f3e5a819fd541b8d6657541e8b49034c4ce0"
     "8688256f4fc29e643b0a52c51fbce5ff40ece19ca54112c7f37a13c8ce7d3c91d38426df919ea4b3faee9eef"},
    {"aes-cbc", "hmac-sha384", 24, 48, false,
     "6000000000503221fd000000000000000000000000000001fd0000000000000000000000000000020000100000000007"
     "01decd20a9521598825e5c6e3a855095e08bd27cf31aa26e41e57f60c41c9e837ce8f97ecf210baa98eb31600926e6b3"
     "ba95fa9b4fc675b261ce39a3997b157ae4aaa9c26e8eb1eb"},
    {"aes-cbc", "hmac-sha512", 16, 64, false,
     "4500006c123400002132732a0a0000010a0000020000100000000007749b262cdf8b96b16520acd33a7062eba6f27e17"
     "268f26039a7459f4ac5f739cdb4c16451d7ac03cd0c90ab042d00d87eff188a3029f5766ed1250962759a6156324f0f9"
     "90f5ed3cbf5d21272939a3a4"},
    {"aes-cbc", "aes-cmac", 16, 16, false,
     "6000000000443221fd000000000000000000000000000001fd0000000000000000000000000000020000100000000007"
     "c234e3aa5e07b4bf49b1577560e6f0573c449c86388e2b74667a4d432001bf0699fb7581af908f75f68b54f8d5663bae"
     "81ac5eb4e870f3cb2ac71d3e"},
    {"aes-ctr", "hmac-sha1", 20, 20, false,
     "4500004c123400002132734a0a0000010a000002000010000000000769ee64895167b796380e83320e1500c2df2ebf13"
     "8b5c598fd10f600c2784c8af6134578eb54eab1eb4ef9e943f42b352"},
    {"blowfish-cbc", "hmac-sha1", 16, 20, false,
     "4500005012340000213273460a0000010a0000020000100000000007dd05c6919e1a0a088611e2e3741f65aca3b56440"
     "0bce0fc4b95ac9d2976f9b21a585bce4d45969995ea803bf8b49beff4bda385a"},
    {"cast128-cbc", "hmac-sha1", 16, 20, false,
     "60000000003c3221fd000000000000000000000000000001fd0000000000000000000000000000020000100000000007"
     "e6ff87885811cd46f4b51a54ecb50611982ac085148e1bad93d89bb65e043fa55a8c9be2504035f610dd52a0c51c62e1"
     "7e5f322d"},
    {"aes-gcm-16", "", 36, 0, false,
     "4500005012340000213273460a0000010a00000200001000000000079e7fbfeec03271d2e65c8d03598c9452ce7f48f3"
     "c5e6c0ad2677fff36264d102c731d423d54d63b283fccefe183c6a90f9e79e8b"},
    {"aes-gcm-16", "", 20, 0, true,
     "60000000003c3221fd000000000000000000000000000001fd0000000000000000000000000000020000100000000007"
     "5578e495f97722b8a9d519fd955ebea946096107a0bcb83ca623e9fd78b1513e2a4dab8d8e2b685942f9c617b4b5d45a"
     "97bbad17"},
    {"aes-ccm-16", "", 19, 0, false,
     "4500005012340000213273460a0000010a0000020000100000000007f881cfd4219fa0140bfe7d9f9221b655a52f23c3"
     "325c950cb6993432232d91a393517615609fe28d76d14971acb60e3695f68e46"},
    {"chacha20-poly1305", "", 36, 0, false,
     "60000000003c3221fd000000000000000000000000000001fd0000000000000000000000000000020000100000000007"
     "ece3daa6a173f14c7c1f44c2ca881a9c741dc6dd9f595c9bff0453f024cf093f2a99cd54acc812e1fb1d6a672d767025"
     "69e3b88a"},
    {"aes-cbc", "hmac-sha256", 16, 32, true,
     "4500005c123400002132733a0a0000010a00000200001000000000079d2cfc23be54f670738c403ed1ed8ed058c9d4f1"
     "8e7ddb0425aaaead15b5cde65e5a4a4b507c4f776dc822a1609b2e631ef2c3be5af952542269946576bdd9ef"},
};
// clang-format on

Secret counting_key(std::size_t bytes) {
  ByteVector key(bytes);
  for (std::size_t i = 0; i < bytes; ++i) key[i] = static_cast<std::uint8_t>(i + 1);
  return Secret{key};
}

std::unique_ptr<sad::Sa> receiver(const ScapyPacket& row) {
  const bool v4 = row.sealed[0] == '4';
  sad::SaParameters p = test::esp(test::ip(v4 ? "10.0.0.1" : "fd00::1"), test::ip(v4 ? "10.0.0.2" : "fd00::2"),
                                  row.cipher, row.mac, {.extended_sequence = row.esn});
  p.cipher_key = counting_key(row.cipher_key);
  p.mac_key = counting_key(row.mac_key);
  auto made = test::sa(std::move(p));
  if (row.esn) made->window.commit(std::uint64_t{3} << 32);
  return made;
}

TEST(EspScapy, OpensWhatScapySealed) {
  for (const ScapyPacket& row : kPackets) {
    const Outcome o = open(*receiver(row), hex(row.sealed));
    ASSERT_TRUE(o) << row.cipher << ' ' << row.mac << ' ' << name_of(o);
    EXPECT_EQ(o.bytes, hex(row.sealed[0] == '4' ? kV4 : kV6)) << row.cipher << ' ' << row.mac;
    EXPECT_EQ(o.opened.sequence, (row.esn ? std::uint64_t{3} << 32 : 0) + 7) << row.cipher;
  }
  EXPECT_EQ(std::size(kPackets), 15U);
}

}  // namespace
}  // namespace testudo::transform
