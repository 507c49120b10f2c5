#include "ike/keys/v1.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

#include "crypto/ike/prf.h"
#include "support/vectors.h"
#include "unit/crypto/hex.h"

namespace testudo::ike::keys {
namespace {

using crypto::hex;
using crypto::to_hex;
using Fields = std::map<std::string, std::string>;

std::uint64_t cookie(const std::string& text) {
  return std::stoull(text, nullptr, 16);
}

void check(const Fields& f, const HashRow& hash) {
  const ByteVector ni = hex(f.at("Ni")), nr = hex(f.at("Nr"));
  const Secret psk{hex(f.at("pre-shared-key"))};
  const Secret shared{hex(f.at("g^xy"))};
  Secret base = skeyid_of_pre_shared_key(hash, psk, {ni, nr});
  const Skeyid keys = derive(hash, std::move(base), shared, {cookie(f.at("CKY_I")), cookie(f.at("CKY_R"))});
  EXPECT_EQ(to_hex(keys.base.expose()), f.at("SKEYID"));
  EXPECT_EQ(to_hex(keys.d.expose()), f.at("SKEYID_d"));
  EXPECT_EQ(to_hex(keys.a.expose()), f.at("SKEYID_a"));
  EXPECT_EQ(to_hex(keys.e.expose()), f.at("SKEYID_e"));
}

TEST(Skeyid, EqualsNistsPreSharedKeyVectors) {
  const auto file = testudo::test::vector_file("nist-cavp/ike/ikev1_psk.rsp");
  if (!file) GTEST_SKIP() << "nist-cavp/ike/ikev1_psk.rsp is not here";
  std::istringstream lines{*file};
  const HashRow* hash = nullptr;
  Fields fields;
  unsigned checked = 0;
  for (std::string line; std::getline(lines, line);) {
    while (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.starts_with("[SHA-")) {
      const std::string bits = line.substr(5, line.size() - 6);
      hash = crypto::ike::hash_by_name(bits == "1" ? "sha1" : "sha" + bits);  // SHA-224 is no hash of IKE
    }
    const auto equals = line.find(" = ");
    if (equals == std::string::npos || line.starts_with("[")) continue;
    fields[line.substr(0, equals)] = line.substr(equals + 3);
    if (!line.starts_with("SKEYID_e") || hash == nullptr) continue;
    check(fields, *hash);
    ++checked;
  }
  EXPECT_GT(checked, 100U);
}

// RFC 2409 appendix B spells the expansion out; here it is written down once more from HMAC alone.
TEST(CipherKey, LongerThanSkeyidIsExpandedFromZero) {
  const HashRow& md5 = *crypto::ike::hash_by_name("md5");
  const Secret e{ByteVector(16, 0x5a)};
  const Secret k1 = crypto::ike::prf(md5, e.expose(), {ByteVector{0}});
  const Secret k2 = crypto::ike::prf(md5, e.expose(), {k1.expose()});
  EXPECT_EQ(to_hex(cipher_key(md5, e, 24).expose()), to_hex(k1.expose()) + to_hex(k2.expose().first(8)));
  EXPECT_EQ(to_hex(cipher_key(md5, e, 16).expose()), to_hex(e.expose()));
  EXPECT_EQ(to_hex(cipher_key(md5, e, 8).expose()), to_hex(e.expose().first(8)));
}

TEST(Keymat, EachBlockFeedsTheNext) {
  const HashRow& sha1 = *crypto::ike::hash_by_name("sha1");
  const Secret d{ByteVector(20, 0x11)};
  const ByteVector spi = hex("01020304"), ni = hex("aa"), nr = hex("bb"), shared = hex("cc"), esp = hex("03");
  const KeymatInput input{shared, 3, spi, {ni, nr}};
  const Secret k1 = crypto::ike::prf(sha1, d.expose(), {shared, esp, spi, ni, nr});
  const Secret k2 = crypto::ike::prf(sha1, d.expose(), {k1.expose(), shared, esp, spi, ni, nr});
  EXPECT_EQ(to_hex(keymat(sha1, d, input, 36).expose()), to_hex(k1.expose()) + to_hex(k2.expose().first(16)));
}

TEST(Keymat, DirectionsAndProtocolsHaveKeysOfTheirOwn) {
  const HashRow& sha1 = *crypto::ike::hash_by_name("sha1");
  const Secret d{ByteVector(20, 0x11)};
  const ByteVector in = hex("01020304"), out = hex("01020305"), nonce = hex("aa");
  const auto key = [&](Bytes spi, std::uint8_t protocol) {
    return to_hex(keymat(sha1, d, {{}, protocol, spi, {nonce, nonce}}, 20).expose());
  };
  EXPECT_NE(key(in, 3), key(out, 3));
  EXPECT_NE(key(in, 3), key(in, 2));
}

}  // namespace
}  // namespace testudo::ike::keys
