#include "crypto/native/cbc_mac.h"

#include "unit/crypto/backends.h"

namespace testudo::crypto {
namespace {

constexpr const char* kXcbcKey = "000102030405060708090a0b0c0d0e0f";
constexpr const char* kCmacKey = "2b7e151628aed2a6abf7158809cf4f3c";
constexpr const char* kCount32 = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

TEST(AesXcbcMac, GivesTheExamplesOfRfc3566) {
  const std::string count{kCount32};
  expect_mac({"aes-xcbc-mac", kXcbcKey, "", "75f0251d528ac01c4573dfd5"});
  expect_mac({"aes-xcbc-mac", kXcbcKey, count.substr(0, 6), "5b376580ae2f19afe7219cee"});
  expect_mac({"aes-xcbc-mac", kXcbcKey, count.substr(0, 32), "d2a246fa349b68a79998a4394ff7a263"});
  expect_mac({"aes-xcbc-mac", kXcbcKey, count.substr(0, 40), "47f51b4564966215b8985c63055ed308"});
  expect_mac({"aes-xcbc-mac", kXcbcKey, count, "f54f0ec8d2b9f3d36807734bd5283fd4"});
  expect_mac({"aes-xcbc-mac", kXcbcKey, count + "2021", "becbb3bccdb518a30677d5481fb6b4d8"});
  expect_mac({"aes-xcbc-mac", kXcbcKey, std::string(2000, '0'), "f0dafee895db30253761103b5d84528f"});
}

TEST(AesCmac, GivesTheExamplesOfRfc4493) {
  const std::string message =
      "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51 30c81c46a35ce411"
      "e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710";
  expect_mac({"aes-cmac", kCmacKey, "", "bb1d6929e95937287fa37d129b756746"});
  expect_mac({"aes-cmac", kCmacKey, message.substr(0, 32), "070a16b46b4d4144f79bdd9dd04a287c"});
  expect_mac({"aes-cmac", kCmacKey, message.substr(0, 82), "dfa66747de9ae63030ca32611497c827"});
  expect_mac({"aes-cmac", kCmacKey, message, "51f0bebf7e3b9d92fc49741779363cfe"});
}

}  // namespace
}  // namespace testudo::crypto
