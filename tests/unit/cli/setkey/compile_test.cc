#include "cli/setkey/compile.h"

#include <gmock/gmock.h>

#include "crypto/algorithms.h"
#include "unit/cli/setkey/support.h"

namespace testudo::cli {
namespace {

using wire::pfkey::Direction;
using wire::pfkey::Ext;
using wire::pfkey::Message;
using wire::pfkey::Mode;
using wire::pfkey::PolicyType;
using wire::pfkey::SaType;
using wire::pfkey::Type;
namespace saflag = wire::pfkey::saflag;

Message only(std::string_view text) {
  auto messages = messages_of(text);
  EXPECT_EQ(messages.size(), 1U) << text;
  return messages.empty() ? Message{} : std::move(messages.front());
}

TEST(SetkeyFaq, HostToHostEspWithAStringKey) {
  const Message m = only("add A B esp 9876 -E 3des-cbc \"hogehogehogehogehogehoge\";");
  EXPECT_EQ(m.type, Type::Add);
  EXPECT_EQ(m.satype, SaType::Esp);
  EXPECT_EQ(m.sa->spi.value, 9876U);
  EXPECT_EQ(m.sa->encrypt, 3);
  EXPECT_EQ(m.sa->auth, 0);
  EXPECT_EQ(m.sa->flags, 0x40U);
  EXPECT_EQ(m.sa->replay, 0);
  EXPECT_EQ(m.encrypt_key->bits, 192);
  EXPECT_EQ(hex(m.encrypt_key->key), "686f6765686f6765686f6765686f6765686f6765686f6765");
  EXPECT_FALSE(m.auth_key);
  EXPECT_FALSE(m.hard);
  EXPECT_FALSE(m.soft);
  EXPECT_EQ(m.sa2->mode, Mode::Any);
  EXPECT_EQ(m.source->endpoint.address.to_string(), "20.0.0.1");
  EXPECT_EQ(m.destination->endpoint.address.to_string(), "20.0.0.2");
  EXPECT_EQ(m.source->protocol, 255);
  EXPECT_EQ(m.source->prefix_length, 32);
}

TEST(SetkeyFaq, HexKeysAndAes) {
  const Message m = only("add A B esp 0x10001 -E rijndael-cbc 0x000102030405060708090a0b0c0d0e0F;");
  EXPECT_EQ(m.sa->spi.value, 0x10001U);
  EXPECT_EQ(m.sa->encrypt, 12);
  EXPECT_EQ(hex(m.encrypt_key->key), "000102030405060708090a0b0c0d0e0f");
}

TEST(SetkeyFaq, AnOddFirstDigitIsAByte) {
  const Message m = only("add A B esp 1000 -E des-cbc 0x102030405060708;");
  EXPECT_EQ(hex(m.encrypt_key->key), "0102030405060708");
}

TEST(SetkeyFaq, AhHmacMd5) {
  const Message m = only("add A B ah 9877 -A hmac-md5 \"hogehogehogehoge\";");
  EXPECT_EQ(m.satype, SaType::Ah);
  EXPECT_EQ(m.sa->auth, 2);
  EXPECT_EQ(m.sa->encrypt, 0);
  EXPECT_EQ(m.auth_key->bits, 128);
  EXPECT_FALSE(m.encrypt_key);
}

TEST(SetkeyFaq, PoliciesOfHostToHostAndTheVpn) {
  const auto messages = messages_of(R"(
    spdadd A[any] B[any] any -P out ipsec esp/transport//use;
    spdadd 10.0.1.0/24[any] 10.0.2.0/24[any] any -P out ipsec
        esp/tunnel/20.0.0.1-20.0.0.2/require ;
    spdadd A B any -P out ipsec esp/transport//use
           ah/transport//require;   # a bundle: ESP inside, AH outside
    spdadd 10.1.1.1 0.0.0.0/0 any -P out ipsec esp/tunnel/10.1.1.1-20.0.0.2/require;
  )");
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[0].type, Type::SpdAdd);
  EXPECT_EQ(messages[0].source->protocol, 255);
  EXPECT_EQ(messages[0].policy->direction, Direction::Out);
  EXPECT_EQ(messages[1].source->prefix().to_string(), "10.0.1.0/24");
  EXPECT_EQ(messages[1].destination->prefix().to_string(), "10.0.2.0/24");
  EXPECT_EQ(messages[1].policy->requests.size(), 1U);
  EXPECT_EQ(messages[2].policy->requests.size(), 2U);
  EXPECT_EQ(messages[2].policy->requests[1].protocol, 51);
  EXPECT_EQ(messages[3].destination->prefix_length, 0);
}

TEST(SetkeyFaq, TheMailServersPoliciesHavePorts) {
  const auto messages = messages_of(R"(
    spdadd A[110] 0.0.0.0/0 tcp -P out none;
    spdadd 0.0.0.0/0 A [pop3] tcp -P in none;
    spdadd A B[any] any -P out ipsec esp/transport//require;
  )");
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[0].source->endpoint.port, 110);
  EXPECT_EQ(messages[0].destination->endpoint.port, 0);
  EXPECT_EQ(messages[0].source->protocol, 6);
  EXPECT_EQ(messages[0].policy->type, PolicyType::None);
  EXPECT_EQ(messages[1].destination->endpoint.port, 110);
  EXPECT_EQ(messages[2].destination->endpoint.port, 0);
}

TEST(SetkeyFaq, TheSameOverIpv6) {
  const auto messages = messages_of(R"(
    add fd00::1 fd00::2 esp 9876 -E blowfish-cbc "kamekame";
    spdadd fd00:1::/64 fd00:2::/64 any -P in ipsec esp/tunnel/fd00::2-fd00::1/require;
    spdadd ::/0 ::/0 icmp6 135,0 -P in none;
  )");
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[0].source->prefix_length, 128);
  EXPECT_EQ(messages[1].source->prefix_length, 64);
  EXPECT_EQ(messages[2].source->protocol, 58);
  EXPECT_EQ(messages[2].source->endpoint.port, 135);
  EXPECT_EQ(messages[2].destination->endpoint.port, 0);
}

TEST(SetkeyCompile, OrdersExtensionsAsKame) {
  const Message m = only("add A B esp-udp 1000 -lh 2 -ls 1 -E null -A hmac-md5 \"1234567890123456\";");
  const std::vector<Ext> expected{Ext::KeyEncrypt, Ext::KeyAuth,   Ext::LifetimeHard, Ext::LifetimeSoft,
                                  Ext::SpiRange,   Ext::Sa,        Ext::Sa2,          Ext::Replay,
                                  Ext::NatTType,   Ext::NatTOa,    Ext::AddressSrc,   Ext::AddressDst,
                                  Ext::NatTSport,  Ext::NatTDport, Ext::NatTFrag};
  EXPECT_EQ(m.order, expected);
}

TEST(SetkeyCompile, AppliesEveryExtension) {
  const Message m = only(
      "update A B esp 1000 -m tunnel -u 77 -r 4 -lh 3600 -ls 1800 -bh 1000000 -bs 900000 -f zero-pad -f nocyclic-seq "
      "-ctx 1 1 \"label\" -E null;");
  EXPECT_EQ(m.type, Type::Update);
  EXPECT_EQ(m.sa2->mode, Mode::Tunnel);
  EXPECT_EQ(m.sa2->reqid.value, 77U);
  EXPECT_EQ(m.sa->replay, 4);
  EXPECT_FALSE(m.replay_window);
  EXPECT_EQ(m.sa->flags, saflag::kPadZero);
  EXPECT_EQ(m.hard->addtime, 3600U);
  EXPECT_EQ(m.hard->bytes, 1000000U);
  EXPECT_EQ(m.soft->addtime, 1800U);
  EXPECT_EQ(m.soft->bytes, 900000U);
}

TEST(SetkeyCompile, ReplayWindowsBeyondPfKeyUseOurExtension) {
  const Message small = only("add A B esp 1000 -r 255 -E null;");
  EXPECT_EQ(small.sa->replay, 255);
  EXPECT_FALSE(small.replay_window);
  const Message large = only("add A B esp 1000 -r 256 -E null;");
  EXPECT_EQ(large.sa->replay, 255);
  EXPECT_EQ(large.replay_window, 2048U);
  EXPECT_EQ(only("add A B esp 1000 -r 8192 -E null;").replay_window, 65536U);
}

TEST(SetkeyCompile, SequenceNumbersMayWrapOnlyWhereNoNonceRepeats) {
  const std::string key20 = "0x" + std::string(40, '1');
  const std::string key36 = "0x" + std::string(72, '1');
  const std::string key19 = "0x" + std::string(38, '1');
  for (const auto& [text, flags] : std::vector<std::pair<std::string, std::uint32_t>>{
           {"esp 1000 -E null", saflag::kCycSeq},
           {"esp-old 1000 -E null", saflag::kCycSeq | saflag::kOld},
           {"ah-old 1000 -A null", saflag::kCycSeq | saflag::kOld},
           {"esp 1000 -f random-pad -E null", saflag::kCycSeq | saflag::kPadRandom},
           {"esp 1000 -f seq-pad -E null", saflag::kCycSeq},
           {"esp 1000 -f random-pad -f zero-pad -E null", saflag::kCycSeq | saflag::kPadZero},
           {"esp 1000 -f zero-pad -f seq-pad -E null", saflag::kCycSeq},
           {"esp 1000 -f nocyclic-seq -E null", 0},
           {"esp 1000 -f esn -E null", saflag::kEsn},
           {"ah 1000 -f esn -A null", saflag::kEsn},
           {"esp 1000 -E aes-ctr " + key20, 0},
           {"esp 1000 -E aes-gcm-16 " + key20, 0},
           {"esp 1000 -E aes-gmac " + key20, 0},
           {"esp 1000 -E aes-ccm-8 " + key19, 0},
           {"esp 1000 -E chacha20-poly1305 " + key36, 0},
           {"ipcomp 1000 -C deflate -R", saflag::kCycSeq | saflag::kRawCpi},
           {"esp 1000 -E des-deriv 0x1111111111111111", saflag::kCycSeq | saflag::kDeriv},
           {"esp 1000 -E 3des-deriv 0x" + std::string(48, '1'), saflag::kCycSeq | saflag::kDeriv},
           {"esp-old 1000 -E des-32iv 0x1111111111111111", saflag::kCycSeq | saflag::kOld | saflag::kIv4b}}) {
    EXPECT_EQ(only("add A B " + text + ";").sa->flags, flags) << text;
  }
}

TEST(SetkeyCompile, UdpEncapsulationHasPortsAndMayHaveAnOriginalAddress) {
  const Message plain = only("add A B esp-udp 1000 -E null;");
  EXPECT_EQ(plain.satype, SaType::Esp);
  EXPECT_EQ(plain.nat_t_type, 2);
  EXPECT_EQ(plain.nat_t_sport, 4500);
  EXPECT_EQ(plain.nat_t_dport, 4500);
  EXPECT_FALSE(plain.nat_t_oa);
  const Message full = only("add A[4500] B [12345] esp-udp 192.168.1.2 1000 -esp_frag 552 -E null;");
  EXPECT_EQ(full.nat_t_dport, 12345);
  EXPECT_EQ(full.nat_t_frag, 552);
  EXPECT_EQ(full.nat_t_oa->to_string(), "192.168.1.2");
}

TEST(SetkeyCompile, GetSpiAsksForOneSpiOrForAny) {
  const Message any = only("getspi A B esp 0;");
  EXPECT_EQ(any.type, Type::GetSpi);
  EXPECT_FALSE(any.spi_range);
  EXPECT_TRUE(any.sa2);
  const Message one = only("getspi A B esp 0x1234 -m transport;");
  EXPECT_EQ(one.spi_range->min, 0x1234U);
  EXPECT_EQ(one.spi_range->max, 0x1234U);
}

TEST(SetkeyCompile, DeleteAllNamesNoSpi) {
  const Message m = only("deleteall -4n 20.0.0.1 20.0.0.2 esp;");
  EXPECT_EQ(m.type, Type::Delete);
  EXPECT_FALSE(m.sa);
  EXPECT_FALSE(m.sa2);
  EXPECT_TRUE(m.source && m.destination);
}

TEST(SetkeyCompile, DeleteAndGetWarnAboutTheMode) {
  for (const char* verb : {"delete", "get"}) {
    const auto found = diagnostics_of(std::string{verb} + " A B esp 1000 -m tunnel;");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].message, "WARNING: mode is obsolete");
    EXPECT_FALSE(found[0].stops());
  }
  EXPECT_TRUE(diagnostics_of("get A B esp 1000;").empty());
}

TEST(SetkeyCompile, SimpleIsNullWithAWarning) {
  const auto found = diagnostics_of("add A B esp 1000 -E simple;");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].message, "WARNING: obsolete algorithm");
  EXPECT_FALSE(found[0].stops());
}

TEST(SetkeyCompile, NamesWithSeveralAddressesMakeAMessageForEachPairOfAFamily) {
  EXPECT_EQ(messages_of("add both both esp 1000 -E null;").size(), 2U);
  EXPECT_EQ(messages_of("add -4 both both esp 1000 -E null;").size(), 1U);
  EXPECT_EQ(messages_of("add -6 both both esp 1000 -E null;").size(), 1U);
  EXPECT_EQ(messages_of("add two two ah 1000 -A null;").size(), 4U);
  EXPECT_EQ(messages_of("deleteall two A esp;").size(), 2U);
}

TEST(SetkeyCompile, AddressOptionsReachTheResolver) {
  TableResolver resolver;
  const Script script = parse_script("spdadd -4n 20.0.0.1 20.0.0.2 any -P out none;");
  ASSERT_EQ(script.commands.size(), 1U);
  EXPECT_FALSE(compile(script.commands[0], resolver).failed());
  ASSERT_EQ(resolver.queries.size(), 2U);
  EXPECT_EQ(resolver.queries[0].family, net::Family::V4);
  EXPECT_TRUE(resolver.queries[0].numeric_only);
}

TEST(SetkeyCompile, UpperLayersAndTheirDetails) {
  struct Row {
    const char* upper;
    std::uint8_t protocol;
    std::uint16_t first, second;
  };
  for (const Row& row : {Row{"any", 255, 0, 0}, Row{"tcp", 6, 0, 0}, Row{"udp", 17, 0, 0}, Row{"50", 50, 0, 0},
                         Row{"esp", 50, 0, 0}, Row{"ip4", 4, 0, 0}, Row{"icmp6", 58, 0, 0}, Row{"icmp", 1, 0, 0},
                         Row{"icmp 8,0", 1, 8, 0}, Row{"ipv6-icmp 135,1", 58, 135, 1}, Row{"gre 1234", 47, 0, 1234},
                         Row{"gre 65537", 47, 1, 1}, Row{"gre 1.2.3.4", 47, 0x0102, 0x0304}}) {
    const Message m = only(std::string{"spdadd A B "} + row.upper + " -P out none;");
    EXPECT_EQ(m.source->protocol, row.protocol) << row.upper;
    EXPECT_EQ(m.destination->protocol, row.protocol) << row.upper;
    EXPECT_EQ(m.source->endpoint.port, row.first) << row.upper;
    EXPECT_EQ(m.destination->endpoint.port, row.second) << row.upper;
  }
}

TEST(SetkeyCompile, TablesAreFlushedAndDumpedByProtocol) {
  EXPECT_EQ(only("flush;").satype, SaType::Unspec);
  EXPECT_EQ(only("flush ah;").satype, SaType::Ah);
  EXPECT_EQ(only("dump esp;").type, Type::Dump);
  EXPECT_EQ(only("dump ipcomp;").satype, SaType::Ipcomp);
  EXPECT_EQ(only("dump tcp;").satype, SaType::TcpSignature);
  EXPECT_EQ(only("spdflush;").type, Type::SpdFlush);
  EXPECT_EQ(only("spddump;").type, Type::SpdDump);
  EXPECT_EQ(only("spdupdate A B any -P in none;").type, Type::SpdUpdate);
  EXPECT_EQ(only("spddelete A B any -P in;").type, Type::SpdDelete);
}

TEST(SetkeyCompile, WhatItMakesSurvivesTheWire) {
  for (const char* text :
       {"add A B esp-udp 192.168.1.1 1000 -r 300 -lh 9 -ls 8 -E 3des-cbc \"123456789012345678901234\" "
        "-A hmac-sha1 \"12345678901234567890\";",
        "spdadd fd00::/16 ::/0[9] udp -P in ipsec esp/tunnel/fd00::1-fd00::2/unique:3;"}) {
    const Message m = only(text);
    const auto back = wire::pfkey::parse(wire::pfkey::compose(m));
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(back->type, m.type);
    EXPECT_EQ(back->source->endpoint, m.source->endpoint);
    EXPECT_EQ(back->replay_window, m.replay_window);
    EXPECT_EQ(back->policy.has_value(), m.policy.has_value());
  }
}

/// What setkey says to a key of so many bytes.
std::vector<Diagnostic> with_key(const std::string& command, std::size_t bytes) {
  return diagnostics_of(command + (bytes == 0 ? " \"\"" : " 0x" + std::string(2 * bytes, 'a')) + ";");
}

TEST(SetkeyKeyLengths, EveryCipherTakesExactlyItsRowsLengths) {
  for (const crypto::CipherRow& row : crypto::ciphers()) {
    if (row.kind == crypto::CipherKind::Null) continue;
    for (const std::string_view name : {row.name, row.alias}) {
      if (name.empty()) continue;
      for (std::size_t bytes = 0; bytes <= 80; ++bytes) {
        const auto found = with_key("add A B esp 1000 -E " + std::string{name}, bytes);
        ASSERT_EQ(found.empty(), row.key.allows(bytes)) << name << " " << bytes;
        if (found.empty()) continue;
        EXPECT_EQ(found[0].message, "Invalid key length");
        EXPECT_EQ(found[0].key_length->given, bytes * 8);
        EXPECT_EQ(found[0].key_length->min, row.key.min * 8U);
        EXPECT_EQ(found[0].key_length->max, row.key.max * 8U);
      }
    }
  }
}

TEST(SetkeyKeyLengths, EveryAuthenticatorTakesExactlyItsRowsLengths) {
  for (const crypto::MacRow& row : crypto::macs()) {
    if (row.kind == crypto::MacKind::Null) continue;
    const std::string protocol = row.kind == crypto::MacKind::TcpMd5 ? "tcp" : "ah";
    for (const std::string_view name : {row.name, row.alias}) {
      if (name.empty()) continue;
      for (std::size_t bytes = 0; bytes <= 81; ++bytes) {
        const auto found = with_key("add A B " + protocol + " 4096 -A " + std::string{name}, bytes);
        ASSERT_EQ(found.empty(), row.key.allows(bytes)) << name << " " << bytes;
      }
    }
  }
}

TEST(SetkeyKeyLengths, NamesWithAFlagHaveTheLengthsOfTheirCipher) {
  for (std::size_t bytes = 0; bytes <= 80; ++bytes) {
    EXPECT_EQ(with_key("add A B esp 1000 -E des-deriv", bytes).empty(), bytes == 8) << bytes;
    EXPECT_EQ(with_key("add A B esp 1000 -E 3des-deriv", bytes).empty(), bytes == 24) << bytes;
    EXPECT_EQ(with_key("add A B esp-old 1000 -E des-32iv", bytes).empty(), bytes == 8) << bytes;
  }
}

// NetBSD's own test suite: a null key has 0 bits, and 8 are refused.
TEST(SetkeyKeyLengths, NullTakesNoKey) {
  for (const char* text : {"add A B esp 1000 -E null", "add A B ah 1000 -A null"}) {
    EXPECT_TRUE(diagnostics_of(std::string{text} + ";").empty());
    for (std::size_t bytes = 0; bytes <= 80; ++bytes) EXPECT_FALSE(with_key(text, bytes).empty()) << text << bytes;
    const Message m = only(std::string{text} + ";");
    EXPECT_TRUE(m.encrypt_key || m.auth_key) << "an empty key extension is sent";
  }
}

TEST(SetkeyKeyLengths, AreTheOnesThatNetBsdTests) {
  struct Row {
    const char* name;
    std::vector<unsigned> valid, invalid;
  };
  for (const Row& row :
       {Row{"des-cbc", {64}, {56, 72}}, Row{"3des-cbc", {192}, {184, 200}}, Row{"blowfish-cbc", {40, 448}, {32, 456}},
        Row{"cast128-cbc", {40, 128}, {32, 136}}, Row{"des-deriv", {64}, {56, 72}},
        Row{"rijndael-cbc", {128, 192, 256}, {120, 136, 184, 200, 248, 264}},
        Row{"aes-ctr", {160, 224, 288}, {152, 168, 216, 232, 280, 296}},
        Row{"camellia-cbc", {128, 192, 256}, {120, 136, 184, 200, 248, 264}},
        Row{"aes-gcm-16", {160, 224, 288}, {152, 168, 216, 232, 280, 296}},
        Row{"aes-gmac", {160, 224, 288}, {152, 168, 216, 232, 280, 296}}}) {
    const std::string command = std::string{"add A B esp 1000 -E "} + row.name;
    for (const unsigned bits : row.valid) EXPECT_TRUE(with_key(command, bits / 8).empty()) << row.name << bits;
    for (const unsigned bits : row.invalid) EXPECT_FALSE(with_key(command, bits / 8).empty()) << row.name << bits;
  }
}

}  // namespace
}  // namespace testudo::cli
