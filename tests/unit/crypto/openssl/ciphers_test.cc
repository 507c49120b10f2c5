#include "crypto/openssl/ciphers.h"

#include "unit/crypto/backends.h"

namespace testudo::crypto {
namespace {

TEST(Ciphers, AesCbcGivesTheExamplesOfRfc3602) {
  expect_cipher({"aes-cbc", "06a9214036b8a15b512e03d534120006", "3dafba429d9eb430b422da802c9fac41",
                 "53696e676c6520626c6f636b206d7367", "e353779c1079aeb82708942dbe77181a"});
  expect_cipher({"aes-cbc", "c286696d887c9aa0611bbb3e2025a45a", "562e17996d093d28ddb3ba695a2e6f58",
                 "000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f",
                 "d296cd94c2cccf8a3a863028b5e1dc0a 7586602d253cfff91b8266bea6d61ab1"});
  expect_cipher({"rijndael-cbc", "6c3ea0477630ce21a2ce334aa746c2cd", "c782dc4c098c66cbd9cd27d825682c81",
                 "5468697320697320612034382d62797465206d657373616765202865786163746c7920332041455320626c6f636b7329",
                 "d0a02b3836451753d493665d33f0e886 2dea54cdb293abc7506939276772f8d5 021c19216bad525c8579695d83ba2684"});
  expect_cipher({"aes-cbc", "56e47a38c5598974bc46903dba290349", "8ce82eefbea0da3c44699ed7db51b7d9",
                 "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
                 "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf d0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
                 "c30e32ffedc0774e6aff6af0869f71aa 0f3af07a9a31a9c684db207eb0ef8e4e"
                 "35907aa632c3ffdf868bb7b29d3d46ad 83ce9f9a102ee99d49a53e87f4c3da55"});
}

// NIST SP 800-38A, F.2.3 and F.2.5: the first blocks.
TEST(Ciphers, AesCbcGivesTheLongerKeysOfSp80038a) {
  expect_cipher({"aes-cbc", "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "000102030405060708090a0b0c0d0e0f",
                 "6bc1bee22e409f96e93d7e117393172a", "4f021db243bc633d7178183a9fa071e8"});
  expect_cipher({"aes-cbc", "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                 "000102030405060708090a0b0c0d0e0f", "6bc1bee22e409f96e93d7e117393172a",
                 "f58c4c04d6e5f1ba779eabfb5f7bfbd6"});
}

TEST(Ciphers, AesCtrGivesTheExamplesOfRfc3686) {
  expect_cipher({"aes-ctr", "ae6852f8121067cc4bf7a5765577f39e 00000030", "0000000000000000",
                 "53696e676c6520626c6f636b206d7367", "e4095d4fb7a7b3792d6175a3261311b8"});
  expect_cipher({"aes-ctr", "7e24067817fae0d743d6ce1f32539163 006cb6db", "c0543b59da48d90b",
                 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                 "5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28"});
  expect_cipher({"aes-ctr", "7691be035e5020a8ac6e618529f9a0dc 00e0017b", "27777f3f4a1786f0",
                 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223",
                 "c1cf48a89f2ffdd9cf4652e9efdb72d74540a42bde6d7836d59a5ceaaef3105325b2072f"});
  expect_cipher({"aes-ctr", "16af5b145fc9f579c175f93e3bfb0eed863d06ccfdb78515 00000048", "36733c147d6d93cb",
                 "53696e676c6520626c6f636b206d7367", "4b55384fe259c9c84e7935a003cbe928"});
  expect_cipher({"aes-ctr", "776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c104 00000060",
                 "db5672c97aa8f0b2", "53696e676c6520626c6f636b206d7367", "145ad01dbf824ec7560863dc71e3e0c0"});
}

// FIPS 81, table C1.
TEST(Ciphers, DesCbcGivesTheExampleOfFips81) {
  expect_cipher({"des-cbc", "0123456789abcdef", "1234567890abcdef", "4e6f77206973207468652074696d6520666f7220616c6c20",
                 "e5c7cdde872bf27c 43e934008c389c0f 683788499a7c05f6"});
}

// NIST SP 800-67, appendix B.1: the first block.
TEST(Ciphers, TripleDesGivesTheExampleOfSp80067) {
  expect_cipher({"3des-cbc", "0123456789abcdef 23456789abcdef01 456789abcdef0123", "0000000000000000",
                 "5468652071756663", "a826fd8ce53b855f"});
}

TEST(Ciphers, Cast128GivesTheExamplesOfRfc2144) {
  for (const auto& [key, sealed] : std::initializer_list<std::pair<const char*, const char*>>{
           {"0123456712345678234567893456789a", "238b4fe5847e44b2"},
           {"01234567123456782345", "eb6a711a2c02271b"},
           {"0123456712", "7ac816d16e9b302e"}}) {
    expect_cipher({"cast128-cbc", key, "0000000000000000", "0123456789abcdef", sealed});
  }
}

// B. Schneier, "The Blowfish encryption algorithm": the published test vectors.
TEST(Ciphers, BlowfishGivesItsAuthorsVectors) {
  for (const auto& [key, sealed] : std::initializer_list<std::pair<const char*, const char*>>{
           {"f0e1d2c3b4", "b39e44481bdb1e6e"},
           {"f0e1d2c3b4a59687", "e87a244e2cc85e82"},
           {"f0e1d2c3b4a5968778695a4b3c2d1e0f", "93142887ee3be15c"}}) {
    expect_cipher({"blowfish-cbc", key, "0000000000000000", "fedcba9876543210", sealed});
  }
  expect_cipher({"blowfish-cbc", "0123456789abcdeff0e1d2c3b4a59687", "fedcba9876543210",
                 "37363534333231204e6f77206973207468652074696d6520666f722000000000",
                 "6b77b4d63006dee605b156e27403979358deb9e7154616d959f1652bd5ff92cc"});
}

TEST(Ciphers, CamelliaGivesTheExamplesOfRfc3713) {
  const char* const iv = "00000000000000000000000000000000";
  const char* const plain = "0123456789abcdeffedcba9876543210";
  expect_cipher({"camellia-cbc", plain, iv, plain, "67673138549669730857065648eabe43"});
  expect_cipher({"camellia-cbc", "0123456789abcdeffedcba98765432100011223344556677", iv, plain,
                 "b4993401b3e996f84ee5cee7d79b09b9"});
  expect_cipher({"camellia-cbc", "0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff", iv, plain,
                 "9acc237dff16d76c20ef7c919e3a7509"});
}

TEST(Ciphers, NullLeavesTheTextAlone) {
  expect_cipher({"null", "", "", "00112233445566", "00112233445566"});
}

}  // namespace
}  // namespace testudo::crypto
