#include <cstdio>

#include "unit/crypto/shared_vectors.h"
#include "unit/crypto/vector_checks.h"

namespace testudo::crypto {
namespace {

using Json = nlohmann::json;

/// One file of a set, and which algorithm it is about.
template <typename Kind>
struct File {
  const char* name;
  Kind kind;
};

ByteVector field(const Json& test, const char* name) {
  return hex(test.value(name, ""));
}
bool is_valid(const Json& test) {
  return test.value("result", "") == "valid";
}

/// PKCS#7, which is no concern of ESP's but of Wycheproof's CBC files.
ByteVector padded(ByteVector text) {
  const std::size_t pad = 16 - text.size() % 16;
  text.insert(text.end(), pad, static_cast<std::uint8_t>(pad));
  return text;
}

class SharedVectors : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto found = vectors_folder();
    if (!found) GTEST_SKIP() << "the vector folder is not there (TESTUDO_VECTORS or ../shared/vectors)";
    folder_ = *found;
  }
  void report(const std::string& file) {
    std::printf("%-48s %5zu checked, %4zu not of IPsec's form\n", file.c_str(), tally_.checked, tally_.foreign);
    EXPECT_GT(tally_.checked, 0U) << file;
    tally_ = {};
  }

  void check_aead_json(const std::string& file, CipherKind kind) {
    for_each_test(folder_ / file, [&](const Json&, const Json& test) {
      check_aead({kind, field(test, "key"), field(test, "iv"), field(test, "aad"), field(test, "msg"),
                  field(test, "ct"), field(test, "tag"), is_valid(test)},
                 tally_);
    });
    report(file);
  }
  void check_mac_json(const std::string& file, MacKind kind) {
    for_each_test(folder_ / file, [&](const Json&, const Json& test) {
      check_mac({kind, field(test, "key"), field(test, "msg"), field(test, "tag"), is_valid(test)}, tally_);
    });
    report(file);
  }
  void check_cipher_json(const std::string& file, CipherKind kind, bool pad) {
    for_each_test(folder_ / file, [&](const Json&, const Json& test) {
      if (!is_valid(test)) return;
      const ByteVector text = field(test, "msg");
      check_cipher({kind, field(test, "key"), field(test, "iv"), pad ? padded(text) : text, field(test, "ct")}, tally_);
    });
    report(file);
  }

  std::filesystem::path folder_;
  Tally tally_;
};

TEST_F(SharedVectors, Wycheproof) {
  const std::string in = "wycheproof/";
  check_aead_json(in + "aes_gcm_test.json", CipherKind::AesGcm);
  check_aead_json(in + "aes_ccm_test.json", CipherKind::AesCcm);
  check_aead_json(in + "chacha20_poly1305_test.json", CipherKind::ChaCha20Poly1305);
  check_cipher_json(in + "aes_cbc_pkcs5_test.json", CipherKind::AesCbc, true);
  check_cipher_json(in + "camellia_cbc_pkcs5_test.json", CipherKind::CamelliaCbc, true);
  check_mac_json(in + "aes_cmac_test.json", MacKind::AesCmac);
  check_mac_json(in + "hmac_sha1_test.json", MacKind::HmacSha1);
  check_mac_json(in + "hmac_sha256_test.json", MacKind::HmacSha256);
  check_mac_json(in + "hmac_sha384_test.json", MacKind::HmacSha384);
  check_mac_json(in + "hmac_sha512_test.json", MacKind::HmacSha512);
}

/// A GMAC of a message is the tag of AES-GCM over it as additional data, without text.
TEST_F(SharedVectors, WycheproofGmac) {
  const std::string file = "wycheproof/aes_gmac_test.json";
  for_each_test(folder_ / file, [&](const Json&, const Json& test) {
    check_aead({CipherKind::AesGcm,
                field(test, "key"),
                field(test, "iv"),
                field(test, "msg"),
                {},
                {},
                field(test, "tag"),
                is_valid(test)},
               tally_);
  });
  report(file);
}

TEST_F(SharedVectors, IntelIpsecMb) {
  const std::string in = "intel-ipsec-mb/";
  check_aead_json(in + "gcm_test.json", CipherKind::AesGcm);
  check_aead_json(in + "chacha20_poly1305_test.json", CipherKind::ChaCha20Poly1305);
  check_cipher_json(in + "cbc_test.json", CipherKind::AesCbc, false);
  check_cipher_json(in + "ctr_test.json", CipherKind::AesCtr, false);
  check_cipher_json(in + "des_test.json", CipherKind::DesCbc, false);
  check_cipher_json(in + "des3_test.json", CipherKind::TripleDesCbc, false);
  check_mac_json(in + "cmac_128_test.json", MacKind::AesCmac);
  check_mac_json(in + "xcbc_test.json", MacKind::AesXcbc);
  check_mac_json(in + "hmac_md5_test.json", MacKind::HmacMd5);
  check_mac_json(in + "hmac_sha1_test.json", MacKind::HmacSha1);
  check_mac_json(in + "hmac_sha256_test.json", MacKind::HmacSha256);
  check_mac_json(in + "hmac_sha384_test.json", MacKind::HmacSha384);
  check_mac_json(in + "hmac_sha512_test.json", MacKind::HmacSha512);
}

TEST_F(SharedVectors, NistAesCbc) {
  for (const char* kind : {"MMT", "VarKey", "VarTxt", "GFSbox", "KeySbox"}) {
    for (const char* bits : {"128", "192", "256"}) {
      const std::string file = "nist-cavp/aes/CBC" + std::string(kind) + bits + ".rsp";
      for_each_record(folder_ / file, [&](const Record& r) {
        check_cipher({CipherKind::AesCbc, r.bytes("key"), r.bytes("iv"), r.bytes("plaintext"), r.bytes("ciphertext")},
                     tally_);
      });
      report(file);
    }
  }
}

TEST_F(SharedVectors, NistTripleDesCbc) {
  for (const char* kind : {"MMT1", "MMT2", "MMT3", "invperm", "permop", "subtab", "varkey", "vartext"}) {
    const std::string file = "nist-cavp/tdes/TCBC" + std::string(kind) + ".rsp";
    for_each_record(folder_ / file, [&](const Record& r) {
      const auto single = r.bytes("keys");
      const auto key = single.empty() ? join(join(r.bytes("key1"), r.bytes("key2")), r.bytes("key3"))
                                      : join(join(single, single), single);
      check_cipher({CipherKind::TripleDesCbc, key, r.bytes("iv"), r.bytes("plaintext"), r.bytes("ciphertext")}, tally_);
      // Three equal keys are single DES.
      if (!single.empty()) {
        check_cipher({CipherKind::DesCbc, single, r.bytes("iv"), r.bytes("plaintext"), r.bytes("ciphertext")}, tally_);
      }
    });
    report(file);
  }
}

TEST_F(SharedVectors, NistGcm) {
  for (const char* name : {"gcmEncryptExtIV128", "gcmEncryptExtIV256", "gcmDecrypt128", "gcmDecrypt256"}) {
    const std::string file = "nist-cavp/gcm/" + std::string(name) + ".rsp.gz";
    for_each_record(folder_ / file, [&](const Record& r) {
      check_aead({CipherKind::AesGcm, r.bytes("key"), r.bytes("iv"), r.bytes("aad"), r.bytes("pt"), r.bytes("ct"),
                  r.bytes("tag"), r.text("result") != "fail"},
                 tally_);
    });
    report(file);
  }
}

/// Only the files that vary the nonce have some of eleven bytes.
TEST_F(SharedVectors, NistCcm) {
  for (const char* bits : {"128", "192", "256"}) {
    const std::string file = "nist-cavp/ccm/VNT" + std::string(bits) + ".rsp";
    for_each_record(folder_ / file, [&](const Record& r) {
      const ByteVector both = r.bytes("ct");
      const auto text = both.begin() + static_cast<std::ptrdiff_t>(r.number("plen"));
      check_aead({CipherKind::AesCcm, r.bytes("key"), r.bytes("nonce"), r.bytes("adata"), r.bytes("payload"),
                  ByteVector(both.begin(), text), ByteVector(text, both.end())},
                 tally_);
    });
    report(file);
  }
}

TEST_F(SharedVectors, NistCmac) {
  const std::string file = "nist-cavp/cmac/CMACVerAES128.rsp";
  for_each_record(folder_ / file, [&](const Record& r) {
    const auto message = r.number("mlen") == 0 ? ByteVector{} : r.bytes("msg");
    check_mac({MacKind::AesCmac, r.bytes("key"), message, r.bytes("mac"), r.text("result").starts_with("P")}, tally_);
  });
  report(file);
}

TEST_F(SharedVectors, NistHmac) {
  const std::map<std::size_t, MacKind> by_length{
      {20, MacKind::HmacSha1}, {32, MacKind::HmacSha256}, {48, MacKind::HmacSha384}, {64, MacKind::HmacSha512}};
  const std::string file = "nist-cavp/hmac/HMAC.rsp";
  for_each_record(folder_ / file, [&](const Record& r) {
    const auto kind = by_length.find(r.number("l"));
    if (kind == by_length.end()) return;  // SHA-224
    check_mac({kind->second, r.bytes("key"), r.bytes("msg"), r.bytes("mac")}, tally_);
  });
  report(file);
}

TEST_F(SharedVectors, BotanHmacAndCmac) {
  const std::map<std::string, MacKind> by_section{
      {"HMAC(MD5)", MacKind::HmacMd5},        {"HMAC(SHA-1)", MacKind::HmacSha1},
      {"HMAC(SHA-256)", MacKind::HmacSha256}, {"HMAC(SHA-384)", MacKind::HmacSha384},
      {"HMAC(SHA-512)", MacKind::HmacSha512}, {"HMAC(RIPEMD-160)", MacKind::HmacRipemd160},
      {"CMAC(AES-128)", MacKind::AesCmac}};
  for (const char* file : {"botan/hmac.vec", "botan/cmac.vec"}) {
    for_each_record(folder_ / file, [&](const Record& r) {
      const auto kind = by_section.find(r.section);
      if (kind == by_section.end()) return;
      check_mac({kind->second, r.bytes("key"), r.bytes("in"), r.bytes("out")}, tally_);
    });
    report(file);
  }
}

TEST_F(SharedVectors, BotanGcm) {
  const std::string file = "botan/gcm.vec";
  for_each_record(folder_ / file, [&](const Record& r) {
    const ByteVector both = r.bytes("out"), plain = r.bytes("in");
    if (both.size() < plain.size() || r.section.find("AES") == std::string::npos) return;
    const auto tag = both.begin() + static_cast<std::ptrdiff_t>(plain.size());
    check_aead({CipherKind::AesGcm, r.bytes("key"), r.bytes("nonce"), r.bytes("ad"), plain,
                ByteVector(both.begin(), tag), ByteVector(tag, both.end())},
               tally_);
  });
  report(file);
}

}  // namespace
}  // namespace testudo::crypto
