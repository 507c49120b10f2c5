#include "sad/sa.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "support/packets.h"
#include "support/sas.h"

namespace testudo::sad {
namespace {

using test::ah;
using test::esp;
using test::ip;
using test::ipcomp;

const net::Address kA = ip("10.0.0.1"), kB = ip("10.0.0.2"), kA6 = ip("fd00::1"), kB6 = ip("fd00::2");

SaParameters tcp() {
  SaParameters p = ah(kA, kB, "tcp-md5");
  p.group.protocol = SaProtocol::TcpSignature;
  return p;
}

struct Rule {
  const char* sentence;
  std::function<SaParameters()> base;
  std::function<void(SaParameters&)> change;
  std::optional<SaError> refused;
};

SaParameters plain_esp() {
  return esp(kA, kB, "aes-cbc", "hmac-sha1");
}
SaParameters gcm() {
  return esp(kA, kB, "aes-gcm-16");
}
SaParameters des() {
  return esp(kA, kB, "des-cbc");
}
SaParameters plain_ah() {
  return ah(kA, kB, "hmac-sha1");
}
SaParameters plain_ipcomp() {
  return ipcomp(kA, kB);
}

using P = SaParameters&;
constexpr std::optional<SaError> kFine = std::nullopt;
constexpr auto kBad = SaError::BadCombination;
constexpr auto kKey = SaError::BadKeyLength;

const std::vector<Rule>& rules() {
  static const std::vector<Rule> table{
      {"ESP with cipher and authenticator", plain_esp, [](P) {}, kFine},
      {"ESP without a cipher", plain_esp,
       [](P p) {
         p.cipher = nullptr;
         p.cipher_key = {};
       },
       kBad},
      {"ESP with null and nothing else", [] { return esp(kA, kB, "null"); }, [](P) {}, kFine},
      {"ESP with a compression algorithm", plain_esp, [](P p) { p.compression = crypto::compression_by_id(2); }, kBad},
      {"ESP with tcp-md5", plain_esp, [](P p) { p.mac = crypto::mac_by_id(252); }, kBad},
      {"ESP with SPI 255", plain_esp, [](P p) { p.spi = Spi{255}; }, kBad},
      {"ESP with SPI 0", plain_esp, [](P p) { p.spi = Spi{0}; }, kBad},
      {"ESP with SPI 256", plain_esp, [](P p) { p.spi = Spi{256}; }, kFine},
      {"an AEAD alone", gcm, [](P) {}, kFine},
      {"an AEAD with an authenticator", [] { return esp(kA, kB, "aes-gcm-16", "hmac-sha1"); }, [](P) {}, kBad},
      {"an AEAD with the null authenticator", [] { return esp(kA, kB, "aes-gcm-16", "null"); }, [](P) {}, kFine},
      {"an AEAD in the old format", gcm, [](P p) { p.flags.old_format = true; }, kBad},
      {"old ESP", plain_esp, [](P p) { p.flags.old_format = true; }, kFine},
      {"old ESP with a derived IV", des, [](P p) { p.flags.old_format = p.flags.derived_iv = true; }, kBad},
      {"des-deriv", des, [](P p) { p.flags.derived_iv = true; }, kFine},
      {"3des-deriv", [] { return esp(kA, kB, "3des-cbc"); }, [](P p) { p.flags.derived_iv = true; }, kFine},
      {"a derived IV of AES", plain_esp, [](P p) { p.flags.derived_iv = true; }, kBad},
      {"des-32iv in the old format", des, [](P p) { p.flags.old_format = p.flags.four_byte_iv = true; }, kFine},
      {"des-32iv in the new format", des, [](P p) { p.flags.four_byte_iv = true; }, kBad},
      {"a four-byte IV of AES", plain_esp, [](P p) { p.flags.old_format = p.flags.four_byte_iv = true; }, kBad},
      {"ESN", plain_esp, [](P p) { p.flags.extended_sequence = true; }, kFine},
      {"ESN in the old format", plain_esp, [](P p) { p.flags.extended_sequence = p.flags.old_format = true; }, kBad},
      {"ESN without an ICV", des, [](P p) { p.flags.extended_sequence = true; }, kBad},
      {"ESN with an AEAD", gcm, [](P p) { p.flags.extended_sequence = true; }, kFine},
      {"a window of 65536", plain_esp, [](P p) { p.replay_packets = 65536; }, kFine},
      {"a window of 65537", plain_esp, [](P p) { p.replay_packets = 65537; }, kBad},
      {"addresses of two families", plain_esp, [](P p) { p.group.source = kA6; }, kBad},
      {"one identity", plain_esp, [](P p) { p.source_identity = Identity{}; }, kBad},
      {"both identities", plain_esp,
       [](P p) {
         p.source_identity = Identity{};
         p.destination_identity = Identity{};
       },
       kFine},
      {"a short cipher key", plain_esp, [](P p) { p.cipher_key = test::key(15); }, kKey},
      {"an AES key of 17 bytes", plain_esp, [](P p) { p.cipher_key = test::key(17); }, kKey},
      {"a missing cipher key", plain_esp, [](P p) { p.cipher_key = {}; }, kKey},
      {"a long MAC key", plain_esp, [](P p) { p.mac_key = test::key(21); }, kKey},
      {"a MAC key without a MAC", gcm, [](P p) { p.mac_key = test::key(20); }, kKey},
      {"AH", plain_ah, [](P) {}, kFine},
      {"AH with a cipher", plain_ah, [](P p) { p.cipher = crypto::cipher_by_id(11); }, kBad},
      {"AH with a cipher key", plain_ah, [](P p) { p.cipher_key = test::key(16); }, kKey},
      {"AH without a MAC", plain_ah,
       [](P p) {
         p.mac = nullptr;
         p.mac_key = {};
       },
       kBad},
      {"AH with a derived IV", plain_ah, [](P p) { p.flags.derived_iv = true; }, kBad},
      {"AH with SPI 255", plain_ah, [](P p) { p.spi = Spi{255}; }, kBad},
      {"AH with null", [] { return ah(kA, kB, "null"); }, [](P) {}, kFine},
      {"AH with null and ESN", [] { return ah(kA, kB, "null"); }, [](P p) { p.flags.extended_sequence = true; }, kBad},
      {"old AH", plain_ah, [](P p) { p.flags.old_format = true; }, kFine},
      {"old AH with ESN", plain_ah, [](P p) { p.flags.old_format = p.flags.extended_sequence = true; }, kBad},
      {"IPcomp", plain_ipcomp, [](P) {}, kFine},
      {"IPcomp with a CPI of 16 bits", plain_ipcomp, [](P p) { p.spi = Spi{0xffff}; }, kFine},
      {"IPcomp with a CPI of 17 bits", plain_ipcomp, [](P p) { p.spi = Spi{0x10000}; }, kBad},
      {"raw IPcomp with an SPI of 17 bits", plain_ipcomp,
       [](P p) {
         p.spi = Spi{0x10000};
         p.flags.raw_cpi = true;
       },
       kFine},
      {"IPcomp with a MAC", plain_ipcomp,
       [](P p) {
         p.mac = crypto::mac_by_id(3);
         p.mac_key = test::key(20);
       },
       kBad},
      {"IPcomp with a key", plain_ipcomp, [](P p) { p.cipher_key = test::key(1); }, kKey},
      {"IPcomp without an algorithm", plain_ipcomp, [](P p) { p.compression = nullptr; }, kBad},
      {"IPcomp with lzs", plain_ipcomp, [](P p) { p.compression = crypto::compression_by_name("lzs"); },
       SaError::NotAvailable},
      {"tcp-md5", tcp, [](P) {}, kFine},
      {"tcp-md5 with another SPI", tcp, [](P p) { p.spi = Spi{0x1001}; }, kBad},
      {"tcp-md5 with hmac-md5", tcp,
       [](P p) {
         p.mac = crypto::mac_by_id(2);
         p.mac_key = test::key(16);
       },
       kBad},
      {"tcp-md5 with a key of 81 bytes", tcp, [](P p) { p.mac_key = test::key(81); }, kKey},
      {"tcp-md5 with a key of 1 byte", tcp, [](P p) { p.mac_key = test::key(1); }, kFine},
  };
  return table;
}

TEST(Sa, RefusesWhatDoesNotBelongTogetherAndNothingElse) {
  for (const Rule& rule : rules()) {
    SaParameters p = rule.base();
    rule.change(p);
    const auto made = Sa::make(std::move(p), Time{});
    if (rule.refused) {
      ASSERT_FALSE(made) << rule.sentence;
      EXPECT_EQ(made.error(), *rule.refused) << rule.sentence;
    } else {
      EXPECT_TRUE(made) << rule.sentence;
    }
  }
}

// Every length that a row allows makes an SA, every neighbour does not.
TEST(Sa, EnforcesTheKeyLengthsOfEveryRow) {
  std::size_t accepted = 0, refused = 0;
  const auto count = [&](SaParameters p, bool allowed, std::string_view name, std::size_t n) {
    const auto made = Sa::make(std::move(p), Time{});
    EXPECT_EQ(made.has_value(), allowed) << name << ' ' << n;
    ++(allowed ? accepted : refused);
  };
  for (const crypto::CipherRow& row : crypto::ciphers()) {
    for (std::size_t n = 0; n <= row.key.max + std::size_t{1}; ++n) {
      SaParameters p = esp(kA, kB, row.name);
      p.cipher_key = test::key(n);
      count(std::move(p), n >= row.key.min && n <= row.key.max && (n - row.key.min) % row.key.step == 0, row.name, n);
    }
  }
  for (const crypto::MacRow& row : crypto::macs()) {
    if (row.kind == crypto::MacKind::TcpMd5) continue;
    for (std::size_t n = 0; n <= row.key.max + std::size_t{1}; ++n) {
      SaParameters p = ah(kA, kB, row.name);
      p.mac_key = test::key(n);
      count(std::move(p), n >= row.key.min && n <= row.key.max, row.name, n);
    }
  }
  EXPECT_GT(accepted, 300U);
  EXPECT_GT(refused, 300U);
}

struct LayoutRow {
  const char* sentence;
  SaParameters parameters;
  std::size_t header, iv, icv, block;
  bool authenticated;
};

TEST(Sa, WorksOutTheLayoutOnce) {
  const SaFlags old{.old_format = true}, short_iv{.old_format = true, .four_byte_iv = true},
      derived{.derived_iv = true};
  std::vector<LayoutRow> rows;
  rows.push_back({"aes-cbc + hmac-sha1", plain_esp(), 8, 16, 12, 16, true});
  rows.push_back({"old aes-cbc + hmac-sha1", esp(kA, kB, "aes-cbc", "hmac-sha1", old), 4, 16, 12, 16, true});
  rows.push_back({"des", des(), 8, 8, 0, 8, false});
  rows.push_back({"des, 32-bit IV", esp(kA, kB, "des-cbc", "", short_iv), 4, 4, 0, 8, false});
  rows.push_back({"des, derived IV", esp(kA, kB, "des-cbc", "hmac-md5", derived), 8, 0, 12, 8, true});
  rows.push_back({"gcm", gcm(), 8, 8, 16, 4, true});
  rows.push_back({"null + null", esp(kA, kB, "null", "null"), 8, 0, 0, 4, false});
  rows.push_back({"AH hmac-sha1 v4", plain_ah(), 24, 0, 12, 4, true});
  rows.push_back({"AH hmac-sha1 v6", ah(kA6, kB6, "hmac-sha1"), 24, 0, 12, 4, true});
  rows.push_back({"AH hmac-sha256 v4", ah(kA, kB, "hmac-sha256"), 28, 0, 16, 4, true});
  rows.push_back({"AH hmac-sha256 v6", ah(kA6, kB6, "hmac-sha256"), 32, 0, 16, 4, true});
  rows.push_back({"old AH v4", ah(kA, kB, "keyed-md5", old), 24, 0, 16, 4, true});
  rows.push_back({"old AH, sha1", ah(kA, kB, "keyed-sha1", old), 24, 0, 16, 4, true});
  rows.push_back({"AH keyed-sha1 v6", ah(kA6, kB6, "keyed-sha1"), 32, 0, 20, 4, true});
  rows.push_back({"AH null", ah(kA, kB, "null"), 24, 0, 12, 4, false});
  rows.push_back({"IPcomp", plain_ipcomp(), 4, 0, 0, 4, false});
  for (LayoutRow& row : rows) {
    const auto made = test::sa(std::move(row.parameters));
    EXPECT_EQ(made->layout().header, row.header) << row.sentence;
    EXPECT_EQ(made->layout().iv, row.iv) << row.sentence;
    EXPECT_EQ(made->layout().icv, row.icv) << row.sentence;
    EXPECT_EQ(made->layout().block, row.block) << row.sentence;
    EXPECT_EQ(made->layout().authenticated, row.authenticated) << row.sentence;
    EXPECT_EQ(made->state(), State::Mature) << row.sentence;
  }
}

TEST(Sa, KnowsHowMuchUdpAddsToEsp) {
  SaParameters p = plain_esp();
  p.nat = NatTraversal{};
  EXPECT_EQ(test::sa(std::move(p))->layout().udp, 8U);
  p = plain_esp();
  p.nat = NatTraversal{.kind = NatTraversal::Kind::NonIke};
  EXPECT_EQ(test::sa(std::move(p))->layout().udp, 16U);
  EXPECT_EQ(test::sa(plain_esp())->layout().udp, 0U);
}

bool cycles(SaParameters p, bool asked) {
  p.flags.cyclic_sequence = asked;
  return test::sa(std::move(p))->sequence.wrap() == Sequence::Wrap::Cycle;
}

TEST(Sa, CyclesOnlyWhereAskedAndWhereNoNonceRepeats) {
  EXPECT_TRUE(cycles(plain_esp(), true));
  EXPECT_FALSE(cycles(plain_esp(), false));
  EXPECT_TRUE(cycles(plain_ah(), true));
  EXPECT_FALSE(cycles(plain_ah(), false));
  for (const char* name : {"aes-ctr", "aes-gcm-8", "aes-gcm-12", "aes-gcm-16", "aes-gmac", "aes-ccm-8", "aes-ccm-12",
                           "aes-ccm-16", "chacha20-poly1305"}) {
    EXPECT_FALSE(cycles(esp(kA, kB, name), true)) << name;
  }
  EXPECT_FALSE(cycles(esp(kA, kB, "des-cbc", "", {.derived_iv = true}), true));
  EXPECT_FALSE(cycles(esp(kA, kB, "aes-cbc", "hmac-sha1", {.extended_sequence = true}), true));
}

TEST(Sa, ChecksReplaysOnlyWithIntegrityAndASequenceNumber) {
  EXPECT_EQ(test::sa(plain_esp())->window.packets(), 64U);
  EXPECT_EQ(test::sa(gcm())->window.packets(), 64U);
  EXPECT_EQ(test::sa(plain_ah())->window.packets(), 64U);
  EXPECT_EQ(test::sa(des())->window.packets(), 0U);
  EXPECT_EQ(test::sa(ah(kA, kB, "null"))->window.packets(), 0U);
  EXPECT_EQ(test::sa(ah(kA, kB, "hmac-md5", {.old_format = true}))->window.packets(), 0U);
  EXPECT_TRUE(test::sa(esp(kA, kB, "aes-gcm-16", "", {.extended_sequence = true}))->window.extended());
}

TEST(Sa, GoesOnBehindTheNumberThatItHadElsewhere) {
  SaParameters p = plain_esp();
  p.replay_packets = 64;
  p.counted = 1000;
  const auto sa = *Sa::make(std::move(p), Time{});
  EXPECT_EQ(sa->sequence.next(), 1001U);
  EXPECT_FALSE(sa->window.check(1000));
  EXPECT_FALSE(sa->window.check(990)) << "within the window, and nobody knows whether it came";
  EXPECT_TRUE(sa->window.check(1001));
}

TEST(Sa, ALarvalOneWaitsForItsKeys) {
  const SaGroup group{.protocol = SaProtocol::Ah, .source = kA, .destination = kB, .reqid = ReqId{3}};
  const auto larval = Sa::larval(group, Spi{777}, 5, 42, Time{} + std::chrono::seconds{9});
  EXPECT_EQ(larval->state(), State::Larval);
  EXPECT_FALSE(larval->usable());
  EXPECT_EQ(larval->spi(), Spi{777});
  EXPECT_EQ(larval->group(), group);
  EXPECT_EQ(larval->parameters().message_sequence, 5U);
  EXPECT_EQ(larval->parameters().pid, 42U);
  EXPECT_EQ(larval->created(), Time{} + std::chrono::seconds{9});
  EXPECT_EQ(larval->suite(larval->share()), nullptr);
  EXPECT_EQ(larval->mac(larval->share()), nullptr);
}

TEST(Sa, KnowsTheProtocolNumbers) {
  EXPECT_EQ(ip_protocol(SaProtocol::Esp), 50);
  EXPECT_EQ(ip_protocol(SaProtocol::Ah), 51);
  EXPECT_EQ(ip_protocol(SaProtocol::Ipcomp), 108);
  EXPECT_EQ(ip_protocol(SaProtocol::TcpSignature), 6);
}

TEST(Sequence, CountsFromOneAndStopsOrCyclesAtItsEnd) {
  Sequence fresh;
  EXPECT_EQ(fresh.next(), 1U);
  EXPECT_EQ(fresh.next(), 2U);
  Sequence never{false, Sequence::Wrap::Never, UINT32_MAX - 1};
  EXPECT_EQ(never.next(), UINT32_MAX);
  EXPECT_EQ(never.next(), std::nullopt);
  EXPECT_EQ(never.next(), std::nullopt);
  EXPECT_EQ(never.last(), UINT32_MAX);
  Sequence cycle{false, Sequence::Wrap::Cycle, UINT32_MAX};
  EXPECT_EQ(cycle.next(), 1U);  // 0 is never sent
  Sequence extended{true, Sequence::Wrap::Never, UINT32_MAX};
  EXPECT_EQ(extended.next(), std::uint64_t{UINT32_MAX} + 1);
}

}  // namespace
}  // namespace testudo::sad
