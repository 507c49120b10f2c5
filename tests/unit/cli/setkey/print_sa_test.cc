#include "cli/setkey/print_sa.h"

#include <gtest/gtest.h>

#include "unit/cli/setkey/dumped.h"

namespace testudo::cli {
namespace {

using wire::pfkey::LifetimeExt;
using wire::pfkey::Message;
using wire::pfkey::Mode;
using wire::pfkey::SaState;
using wire::pfkey::SaType;

std::string printed(const Message& message, bool ports = false) {
  use_utc();
  return print_sa(message, {ports, kNow});
}

TEST(SetkeyDump, EspWithAuthenticationAndLifetimes) {
  EXPECT_EQ(printed(dumped_esp()),
            "20.0.0.1 20.0.0.2 \n"
            "\tesp mode=tunnel spi=9876(0x00002694) reqid=7(0x00000007)\n"
            "\tE: 3des-cbc  00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617\n"
            "\tA: hmac-sha1  a0a1a2a3 a4a5a6a7 a8a9aaab acadaeaf b0b1b2b3\n"
            "\tseq=0x0000001a replay=4 flags=0x00000040 state=mature \n"
            "\tcreated: Jan  3 04:05:06 2000\tcurrent: Jan  3 04:06:46 2000\n"
            "\tdiff: 100(s)\thard: 3600(s)\tsoft: 2880(s)\n"
            "\tlast: Jan  3 04:05:15 2000\thard: 0(s)\tsoft: 0(s)\n"
            "\tcurrent: 2600(bytes)\thard: 5000000000(bytes)\tsoft: 4000000000(bytes)\n"
            "\tallocated: 26\thard: 0\tsoft: 0\n"
            "\tsadb_seq=1 pid=4711 refcnt=0\n");
}

TEST(SetkeyDump, AhOverIpv6NeverUsed) {
  Message m = dumped_sa(SaType::Ah);
  m.source = end_at("fd00::1");
  m.destination = end_at("fd00::2");
  m.sa->auth = 249;
  m.auth_key = key_of(16, 0x30);
  m.sa2->mode = Mode::Transport;
  m.current = LifetimeExt{0, 0, 946872306, 0};
  m.sequence = 0;
  EXPECT_EQ(printed(m),
            "fd00::1 fd00::2 \n"
            "\tah mode=transport spi=9876(0x00002694) reqid=0(0x00000000)\n"
            "\tA: md5  30313233 34353637 38393a3b 3c3d3e3f\n"
            "\tseq=0x00000000 replay=0 flags=0x00000040 state=mature \n"
            "\tcreated: Jan  3 04:05:06 2000\tcurrent: Jan  3 04:06:46 2000\n"
            "\tdiff: 100(s)\thard: 0(s)\tsoft: 0(s)\n"
            "\tlast:                     \thard: 0(s)\tsoft: 0(s)\n"
            "\tcurrent: 0(bytes)\thard: 0(bytes)\tsoft: 0(bytes)\n"
            "\tallocated: 0\thard: 0\tsoft: 0\n"
            "\tsadb_seq=0 pid=4711 refcnt=0\n");
}

TEST(SetkeyDump, TheLineOfIpcompGoesOnBehindItsAlgorithm) {
  Message m = dumped_sa(SaType::Ipcomp);
  m.sa->encrypt = 2;
  m.sa2->mode = Mode::Any;
  EXPECT_EQ(printed(m),
            "20.0.0.1 20.0.0.2 \n"
            "\tipcomp mode=any spi=9876(0x00002694) reqid=0(0x00000000)\n"
            "\tC: deflate \tseq=0x00000000 replay=0 flags=0x00000040 state=mature \n"
            "\tsadb_seq=1 pid=4711 refcnt=0\n");
}

TEST(SetkeyDump, UdpEncapsulationShowsPortsOriginalAddressAndFragmentSize) {
  Message m = dumped_sa(SaType::Esp);
  m.sa->encrypt = 11;
  m.encrypt_key = key_of(0, 0);
  m.sa2->mode = Mode::Transport;
  m.nat_t_type = 2;
  m.nat_t_sport = 4500;
  m.nat_t_dport = 12345;
  m.nat_t_oa = *net::Address::parse("192.168.0.9");
  m.nat_t_frag = 552;
  EXPECT_EQ(printed(m),
            "20.0.0.1[4500] 20.0.0.2[12345] \n"
            "\tesp-udp mode=transport spi=9876(0x00002694) reqid=0(0x00000000)\n"
            "\tNAT OA=192.168.0.9\n"
            "\tNAT-T esp_frag=552\n"
            "\tE: null \n"
            "\tseq=0x00000000 replay=0 flags=0x00000040 state=mature \n"
            "\tsadb_seq=1 pid=4711 refcnt=0\n");
  m.source->endpoint.port = 7;
  EXPECT_TRUE(printed(m, true).starts_with("20.0.0.1[7][4500] 20.0.0.2[0][12345] \n"));
  m.satype = SaType::Ah;
  EXPECT_NE(printed(m).find("\tnatt+ah mode="), std::string::npos);
  m.nat_t_type = 0;
  EXPECT_TRUE(printed(m).starts_with("20.0.0.1 20.0.0.2 \n\tah mode="));
}

TEST(SetkeyDump, ALarvalSaHasNoKeys) {
  Message m = dumped_sa(SaType::Esp);
  m.sa->state = SaState::Larval;
  m.sa->flags = 0;
  m.current = LifetimeExt{0, 0, 0, 0};
  EXPECT_EQ(printed(m),
            "20.0.0.1 20.0.0.2 \n"
            "\tesp mode=any spi=9876(0x00002694) reqid=0(0x00000000)\n"
            "\tseq=0x00000000 replay=0 flags=0x00000000 state=larval \n"
            "\tcreated:                     \tcurrent: Jan  3 04:06:46 2000\n"
            "\tdiff: 0(s)\thard: 0(s)\tsoft: 0(s)\n"
            "\tlast:                     \thard: 0(s)\tsoft: 0(s)\n"
            "\tcurrent: 0(bytes)\thard: 0(bytes)\tsoft: 0(bytes)\n"
            "\tallocated: 0\thard: 0\tsoft: 0\n"
            "\tsadb_seq=1 pid=4711 refcnt=0\n");
}

TEST(SetkeyDump, PortsAreShownWhenAskedFor) {
  Message m = dumped_sa(SaType::TcpSignature);
  m.destination = end_at("20.0.0.2", 179);
  EXPECT_TRUE(printed(m, true).starts_with("20.0.0.1[0] 20.0.0.2[179] \n\ttcp mode=any "));
  EXPECT_TRUE(printed(m).starts_with("20.0.0.1 20.0.0.2 \n"));
}

TEST(SetkeyDump, LongKeysBreakAfter32Bytes) {
  Message m = dumped_sa(SaType::Ah);
  m.sa->auth = 7;
  m.auth_key = key_of(64, 0);
  EXPECT_NE(
      printed(m).find("\tA: hmac-sha512  00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f\n"
                      " 20212223 24252627 28292a2b 2c2d2e2f 30313233 34353637 38393a3b 3c3d3e3f\n"),
      std::string::npos);
}

TEST(SetkeyDump, WindowsBeyondPfKeyAreShownInBytesToo) {
  Message m = dumped_sa(SaType::Ah);
  m.sa->replay = 255;
  m.replay_window = 65536;
  EXPECT_NE(printed(m).find(" replay=8192 "), std::string::npos);
}

TEST(SetkeyDump, NumbersWithoutAWordAreShownAsNumbers) {
  Message m = dumped_sa(static_cast<SaType>(12));
  m.sa->state = static_cast<SaState>(9);
  m.sa2->mode = Mode::TcpMd5;
  m.sa->auth = 199;
  m.auth_key = key_of(1, 1);
  const std::string text = printed(m);
  EXPECT_NE(text.find("\t12 mode=3 spi="), std::string::npos);
  EXPECT_NE(text.find("\tA: 199  01\n"), std::string::npos);
  EXPECT_NE(text.find(" state=9 \n"), std::string::npos);
}

TEST(SetkeyDump, ShowsEveryNameOfTheTables) {
  const std::vector<std::pair<std::uint8_t, const char*>> macs{
      {0, "none"},        {2, "hmac-md5"},    {3, "hmac-sha1"},      {249, "md5"},
      {250, "sha"},       {251, "null"},      {252, "tcp-md5"},      {5, "hmac-sha256"},
      {6, "hmac-sha384"}, {7, "hmac-sha512"}, {8, "hmac-ripemd160"}, {9, "aes-xcbc-mac"}};
  Message m = dumped_sa(SaType::Esp);
  m.auth_key = key_of(1, 1);
  m.encrypt_key = key_of(1, 1);
  for (const auto& [id, name] : macs) {
    m.sa->auth = id;
    EXPECT_NE(printed(m).find(std::string{"\tA: "} + name + "  01\n"), std::string::npos) << name;
  }
  const std::vector<std::pair<std::uint8_t, const char*>> ciphers{
      {0, "none"},        {2, "des-cbc"},      {3, "3des-cbc"},  {11, "null"},
      {6, "cast128-cbc"}, {7, "blowfish-cbc"}, {12, "aes-cbc"},  {253, "twofish-cbc"},
      {13, "aes-ctr"},    {20, "aes-gcm-16"},  {23, "aes-gmac"}, {22, "camellia-cbc"}};
  for (const auto& [id, name] : ciphers) {
    m.sa->encrypt = id;
    EXPECT_NE(printed(m).find(std::string{"\tE: "} + name + "  01\n"), std::string::npos) << name;
  }
}

TEST(SetkeyDump, SaysWhatIsMissing) {
  Message m;
  EXPECT_EQ(printed(m), "no ADDRESS_SRC extension.\n");
  m.source = end_at("20.0.0.1");
  EXPECT_EQ(printed(m), "20.0.0.1  no ADDRESS_DST extension.\n");
  m.destination = end_at("20.0.0.2");
  EXPECT_EQ(printed(m), "20.0.0.1 20.0.0.2 no SA extension.\n");
  m.sa.emplace();
  EXPECT_EQ(printed(m), "20.0.0.1 20.0.0.2 no SA2 extension.\n");
}

TEST(SetkeyShortDump, HasOneLineForAnSa) {
  EXPECT_EQ(short_heading(), "time p   s spi      ltime   src -> dst\n");
  Message m = dumped_esp();
  m.source->protocol = m.destination->protocol = 0;
  EXPECT_EQ(print_sa_short(m, kNow), "0646 esp M 00002694 100/big 20.0.0.1 -> 20.0.0.2\n");
  m.hard->addtime = 60;
  m.sa->state = SaState::Dying;
  m.source = end_at("20.0.0.1", 500);
  m.source->protocol = 17;
  EXPECT_EQ(print_sa_short(m, kNow + 5000), "3006 esp D 00002694 big/60  udp 20.0.0.1[500] -> 20.0.0.2\n");
  m.soft.reset();
  m.satype = SaType::Ipcomp;
  m.destination->protocol = 255;
  EXPECT_EQ(print_sa_short(m, kNow),
            "0646 #9  D 00002694 ??"
            "?/??? udp 20.0.0.1[500] -> #255 20.0.0.2\n");
  Message empty;
  empty.satype = SaType::Ah;
  EXPECT_EQ(print_sa_short(empty, 0),
            "0000 ah ? ?        ??"
            "?/??? ? -> ?\n");
}

}  // namespace
}  // namespace testudo::cli
