#include "crypto/native/keyed_hash.h"

#include "unit/crypto/backends.h"

namespace testudo::crypto {
namespace {

// Neither RFC has examples: the values come from Python's hashlib over key | fill | message | key, put
// together by hand.
constexpr const char* kMessage = "6120646174616772616d207769746820697473206d757461626c65206669656c6473207a65726f6564";

TEST(KeyedHash, Md5IsTheHashOfKeyFillMessageKey) {
  expect_mac({"keyed-md5", "000102030405060708090a0b0c0d0e0f", kMessage, "b422d6cfd42c323448410001a593b3fa"});
}

TEST(KeyedHash, Sha1IsTheHashOfKeyFillMessageKey) {
  expect_mac(
      {"keyed-sha1", "000102030405060708090a0b0c0d0e0f10111213", kMessage, "3818669a9fbbb3a7448a87f9236bae52c5512e00"});
}

}  // namespace
}  // namespace testudo::crypto
