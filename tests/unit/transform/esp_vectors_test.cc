// Whole ESP packets that others published, made and opened: RFC 3602 section 4, RFC 7634 appendix A, and the packets of
// draft-mcgrew-gcm-test-01 when the vector folder is there.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/endian.h"
#include "support/vectors.h"
#include "unit/transform/one_packet.h"

namespace testudo::transform {
namespace {

using namespace test_support;

/// Gives the bytes that a vector prescribes.
class ScriptedRandom final : public Random {
 public:
  explicit ScriptedRandom(ByteVector script) : script_(std::move(script)) {}
  void fill(MutableBytes out) override {
    for (std::uint8_t& byte : out) byte = script_.at(at_++);
  }

 private:
  ByteVector script_;
  std::size_t at_ = 0;
};

struct PacketVector {
  const char *name, *key;
  std::uint32_t spi, sequence;
  const char *iv, *before, *after;
};

// RFC 3602 section 4, cases 5 to 8.  The tunnel cases are given here behind the outer header that the RFC shows, with
// the inner packet as its payload: the state in which seal_esp() gets them.
constexpr PacketVector kRfc3602[] = {
    {"case 5", "90d382b4 10eeba7a d938c46c ec1a82bf", 0x4321, 1, "e96e8c08 ab465763 fd098d45 dd3ff893",
     "45000054 08f20000 4001f9fe c0a87b03 c0a87b64"
     "08000ebd a70a0000 8e9c083d b95b0700 08090a0b 0c0d0e0f 10111213 14151617"
     "18191a1b 1c1d1e1f 20212223 24252627 28292a2b 2c2d2e2f 30313233 34353637",
     "4500007c 08f20000 4032f9a5 c0a87b03 c0a87b64 00004321 00000001 e96e8c08 ab465763 fd098d45 dd3ff893"
     "f663c25d 325c18c6 a9453e19 4e120849 a4870b66 cc6b9965 330013b4 898dc856"
     "a4699e52 3a55db08 0b59ec3a 8e4b7e52 775b07d1 db34ed9c 538ab50c 551b874a"
     "a269add0 47ad2d59 13ac19b7 cfbad4a6"},
    {"case 6", "90d382b4 10eeba7a d938c46c ec1a82bf", 0x4321, 8, "69d08df7 d203329d b093fc49 24e5bd80",
     "45000030 08fe0000 4001fa16 c0a87b03 c0a87b64 0800b5e8 a80a0500 a69c083d 0b660e00 77777777 77777777 77777777",
     "4500004c 08fe0000 4032f9c9 c0a87b03 c0a87b64 00004321 00000008 69d08df7 d203329d b093fc49 24e5bd80"
     "f5199588 1ec4e0c4 488987ce 742e8109 689bb379 d2d750c0 d915dca3 46a89f75"},
    {"case 7", "01234567 89abcdef 01234567 89abcdef", 0x8765, 2, "f4e76524 4f6407ad f13dc138 0f673f37",
     "45000068 09050000 4004f970 c0a87b03 c0a87bc8"
     "45000054 09040000 4001f988 c0a87b03 c0a87bc8 08009f76 a90a0100 b49c083d"
     "02a20400 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f 20212223"
     "24252627 28292a2b 2c2d2e2f 30313233 34353637",
     "4500008c 09050000 4032f91e c0a87b03 c0a87bc8 00008765 00000002 f4e76524 4f6407ad f13dc138 0f673f37"
     "773b5241 a4c44922 5e4f3ce5 ed611b0c 237ca96c f74a9301 3c1b0ea1 a0cf70f8"
     "e4ecaec7 8ac53aad 7a0f022b 859243c6 47752e94 a859352b 8a4d4d2d ecd136e5"
     "c177f132 ad3fbfb2 201ac990 4c74ee0a 109e0ca1 e4dfe9d5 a100b842 f1c22f0d"},
    {"case 8", "01234567 89abcdef 01234567 89abcdef", 0x8765, 5, "85d47224 b5f3dd5d 2101d4ea 8dffab22",
     "45000058 090d0000 4004f978 c0a87b03 c0a87bc8"
     "45000044 090c0000 4001f990 c0a87b03 c0a87bc8 0800d63c aa0a0200 c69c083d"
     "a3de0300 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff",
     "4500007c 090d0000 4032f926 c0a87b03 c0a87bc8 00008765 00000005 85d47224 b5f3dd5d 2101d4ea 8dffab22"
     "15b92683 819596a8 047232cc 00f7048f e45318e1 1f8a0f62 ede3c3fc 61203bb5"
     "0f980a08 c9843fd3 a1b06d5c 07ff9639 b7eb7dfb 3512e5de 435e7207 ed971ef3"
     "d2726d9b 5ef6affc 6d17a0de cbb13892"},
};

sad::SaParameters with_key(const char* cipher, const PacketVector& v) {
  sad::SaParameters p = test::esp(test::ip("192.168.123.3"), test::ip("192.168.123.100"), cipher);
  p.spi = Spi{v.spi};
  p.cipher_key = Secret{hex(v.key)};
  return p;
}

TEST(EspVectors, Rfc3602PacketsAreMadeByteForByte) {
  for (const PacketVector& v : kRfc3602) {
    const auto sa = test::sa(with_key("aes-cbc", v));
    sa->sequence = sad::Sequence{false, sad::Sequence::Wrap::Never, v.sequence - 1};
    ScriptedRandom iv{hex(v.iv)};
    const Outcome sealed = seal(*sa, hex(v.before), iv);
    ASSERT_TRUE(sealed) << v.name << ' ' << name_of(sealed);
    EXPECT_EQ(sealed.bytes, hex(v.after)) << v.name;
  }
}

TEST(EspVectors, Rfc3602PacketsAreOpenedByteForByte) {
  for (const PacketVector& v : kRfc3602) {
    const auto sa = test::sa(with_key("aes-cbc", v));
    const Outcome opened = open(*sa, hex(v.after));
    ASSERT_TRUE(opened) << v.name << ' ' << name_of(opened);
    EXPECT_EQ(opened.bytes, hex(v.before)) << v.name;
    EXPECT_EQ(opened.opened.sequence, v.sequence) << v.name;
  }
}

// RFC 7634 appendix A; the outer header in front of the plaintext is the one of its ESP packet with protocol 4.
constexpr PacketVector kRfc7634{
    "appendix A",
    "808182838485868788898a8b8c8d8e8f 909192939495969798999a9b9c9d9e9f a0a1a2a3",
    0x01020304,
    5,
    "10 11 12 13 14 15 16 17",
    "45 00 00 68 23 45 00 00 40 04 de ad cb 00 71 99 cb 00 71 05"
    "45 00 00 54 a6 f2 00 00 40 01 e7 78 c6 33 64 05 c0 00 02 05 08 00 5b 7a 3a 08 00 00 55 3b ec 10"
    "00 07 36 27 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23"
    "24 25 26 27 28 29 2a 2b 2c 2d 2e 2f 30 31 32 33 34 35 36 37",
    "45 00 00 8c 23 45 00 00 40 32 de 5b cb 00 71 99 cb 00 71 05 01 02 03 04 00 00 00 05 10 11 12 13"
    "14 15 16 17 24 03 94 28 b9 7f 41 7e 3c 13 75 3a 4f 05 08 7b 67 c3 52 e6 a7 fa b1 b9 82 d4 66 ef"
    "40 7a e5 c6 14 ee 80 99 d5 28 44 eb 61 aa 95 df ab 4c 02 f7 2a a7 1e 7c 4c 4f 64 c9 be fe 2f ac"
    "c6 38 e8 f3 cb ec 16 3f ac 46 9b 50 27 73 f6 fb 94 e6 64 da 91 65 b8 28 29 f6 41 e0 76 aa a8 26"
    "6b 7f b0 f7 b1 1b 36 99 07 e1 ad 43"};

TEST(EspVectors, TheRfc7634PacketIsMadeAndOpenedByteForByte) {
  const auto out = test::sa(with_key("chacha20-poly1305", kRfc7634));
  out->sequence = sad::Sequence{false, sad::Sequence::Wrap::Never, kRfc7634.sequence - 1};
  out->iv_counter = sad::IvCounter{be64(hex(kRfc7634.iv).data())};
  const Outcome sealed = seal(*out, hex(kRfc7634.before));
  ASSERT_TRUE(sealed) << name_of(sealed);
  EXPECT_EQ(sealed.bytes, hex(kRfc7634.after));

  const auto in = test::sa(with_key("chacha20-poly1305", kRfc7634));
  const Outcome opened = open(*in, hex(kRfc7634.after));
  ASSERT_TRUE(opened) << name_of(opened);
  // The RFC does not show the outer header with protocol 4; its checksum is judged by its own sum.
  EXPECT_EQ(ByteVector(opened.bytes.begin() + 20, opened.bytes.end()), [] {
    const ByteVector all = hex(kRfc7634.before);
    return ByteVector(all.begin() + 20, all.end());
  }());
  EXPECT_EQ(test::detail::internet_checksum(Bytes{opened.bytes}.first(20)), 0);
}

using Fields = std::map<std::string, std::string>;

/// The flat objects of a vector file: "name": "value" pairs between braces.  Enough for the file that it reads.
std::vector<Fields> flat_objects(const std::string& text) {
  std::vector<Fields> out;
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  for (const char c : text) {
    if (c == '"') {
      if (inside) words.push_back(std::exchange(word, {}));
      inside = !inside;
    } else if (inside) {
      word += c;
    } else if (c == '{') {
      words.clear();
    } else if (c == '}') {
      Fields fields;
      for (std::size_t i = 0; i + 1 < words.size(); i += 2) fields[words[i]] = words[i + 1];
      if (!fields.empty()) out.push_back(std::move(fields));
      words.clear();
    }
  }
  return out;
}

std::uint64_t number(const std::string& digits) {
  return std::stoull(digits, nullptr, 16);
}

void expect_opened(const Fields& v) {
  const std::uint64_t sequence = number(v.at("seq"));
  sad::SaParameters p = test::esp(test::ip("192.0.2.1"), test::ip("192.0.2.2"), "aes-gcm-16");
  // One vector has SPI 0, which no SA may have; without ESN the SPI that is authenticated is the packet's own.
  p.spi = Spi{std::max<std::uint32_t>(static_cast<std::uint32_t>(number(v.at("spi"))), 256)};
  p.cipher_key = Secret{hex(v.at("key") + v.at("salt"))};
  p.flags.extended_sequence = v.at("seq").size() == 16;
  const auto sa = test::sa(std::move(p));
  if (sequence > 1) sa->window.commit(sequence - 1);  // so that the high half is known

  const ByteVector plain = hex(v.at("plaintext"));
  const auto trailer = static_cast<std::ptrdiff_t>(plain[plain.size() - 2] + 2);
  const ByteVector packet = test::packet(test::ip("192.0.2.1"), test::ip("192.0.2.2"), 50, hex(v.at("packet")));
  const Outcome opened = open(*sa, packet);
  ASSERT_TRUE(opened) << v.at("packet") << ' ' << name_of(opened);
  EXPECT_EQ(ByteVector(opened.bytes.begin() + 20, opened.bytes.end()),
            ByteVector(plain.begin(), plain.end() - trailer));
  EXPECT_EQ(opened.opened.next_protocol, plain.back());
  EXPECT_EQ(opened.opened.sequence, sequence);
}

TEST(EspVectors, TheGcmPacketsOfDraftMcgrewAreOpened) {
  const auto text = test::vector_file("rfc-extracted/draft-mcgrew-gcm-test-01.esp.json");
  if (!text) GTEST_SKIP() << "the vector folder is not there (TESTUDO_VECTORS)";
  std::size_t opened = 0;
  for (const Fields& v : flat_objects(*text)) {
    if (v.count("packet") == 0) continue;
    expect_opened(v);
    ++opened;
  }
  EXPECT_EQ(opened, 14U);
}

}  // namespace
}  // namespace testudo::transform
