#include "crypto/openssl/aead.h"

#include "unit/crypto/backends.h"

namespace testudo::crypto {
namespace {

// draft-mcgrew-gcm-test-01: ESP with an extended sequence number, and a packet without.
TEST(Aead, AesGcmGivesTheExamplesOfTheEspDraft) {
  expect_aead({"aes-gcm-16", "4c80cdefbb5d10da906ac73c3613a634 2e443b68", "4956ed7e3b244cfe",
               "00004321 87654321 00000000",
               "45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000045f736970045f7564700"
               "373697009"
               "6379626572636974790264 6b000021000101020201",
               "fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34cfa2436f14a3f3cf65925bf1f4a13"
               "c5d15b21e"
               "1884f5ff6247aeabb786b93bce61bc17d768fd9732",
               "459018148f6cbe722fd04796562dfdb4"});
  expect_aead({"aes-gcm-16", "feffe9928665731c6d6a8f9467308308 cafebabe", "facedbaddecaf888", "0000a5f8 0000000a",
               "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d0010000010000000000000373697009637"
               "962657263"
               "69747902646b00000100010001",
               "deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c3de81827c10e9a4f51330d0eec416"
               "642cfbb85"
               "a5b47e48a4ec3b9ba95d918bd1",
               "83b70d3aa8bc6ee4c309e9d85a41ad4a"});
  expect_aead({"aes-gcm-16", "abbccddef00112233445566778899aababbccddef00112233445566778899aab 11223344",
               "0102030405060708", "4a2cbfe3 00000002",
               "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000020405b401010"
               "402010202"
               "01",
               "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763748a637985771d347f0545659f14e"
               "99def842d"
               "8e",
               "b335f4eecfdbf831824b4c4915956c96"});
}

// RFC 7634, appendix A.
TEST(Aead, ChaCha20Poly1305GivesTheExampleOfRfc7634) {
  expect_aead({"chacha20-poly1305", "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f a0a1a2a3",
               "1011121314151617", "01020304 00000005",
               "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f10111"
               "213141516"
               "1718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363701020204",
               "24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c0"
               "2f72aa71e"
               "7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f641e0",
               "76aaa8266b7fb0f7b11b369907e1ad43"});
}

// draft-mcgrew-gcm-test-01, the case of ENCR_NULL_AUTH_AES_GMAC: the text stays readable.
TEST(Aead, AesGmacGivesTheExampleOfTheEspDraft) {
  const char* const text =
      "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f7071727374010202"
      "01";
  expect_aead({"aes-gmac", "4c80cdefbb5d10da906ac73c3613a634 22433c64", "0000000000000000", "00004321 00000007", text,
               text, "f2a9a836e155106aa8dcd618e4099aaa"});
}

// NIST CAVP, files VNT128, VNT192 and VNT256: those cases whose nonce has the 11 bytes of RFC 4309.
TEST(Aead, AesCcmGivesNistsExamplesWithElevenByteNonces) {
  expect_aead({"aes-ccm-16", "e6ab9e70a4fb51b01c2e262233e64c0d 74e689", "eb5af9441dd690a6",
               "42f6518ee0fbe42f28e13b4bb2eb60517b37c9744394d9143393a879c3e107c7",
               "ba15916733550d7aa82b2f6b117cd3f54c83ddc16cd0288a", "dcc151443288f35d39ed8fae6f0ce1d1eb656f4f7fd65c0b",
               "16f322ce85d7c54e71ac560fd4da9651"});
  expect_aead({"aes-ccm-16", "af84c6f302c59aeee6d5728ed5da2e3c64a5a781c52c4d1b df990c", "42a268950677c433",
               "a6ab5d78427f297a4b7e21f1091ff3a5b20caa3fe1cbcb09459d9df596a6c8e1",
               "6db41aeb5f7c24df8929dbc30483b3c7934b3bd1cdce5bb9", "8c9328258bf71970d33e23a3ff81cc1c9cbe196a1294264b",
               "fd6a7255e4801963bb30a63de3fc5b82"});
  expect_aead({"aes-ccm-16", "97bc7482a87ba005475dfa3448f59d4b3f9c4c969d08b39b1b21ef965c0f5125 0bcf78",
               "103ec52d6df28887", "049c10f0cb37ae08eae2d0766563b7c5a8454f841c2061a4f71a0a2158ae6ce5",
               "b99bf4dc781795fc4d3a8467b06e1665d4e543657f23129f", "0d3891fa0caac1f7ebe41b480920ffd34d4155064c24f3b1",
               "7a483163dd8f228d1f20cd4f86cf38fd"});
}

}  // namespace
}  // namespace testudo::crypto
