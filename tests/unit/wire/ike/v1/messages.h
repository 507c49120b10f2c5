#pragma once
// Messages written byte by byte from the figures of RFC 2408 section 3 and the numbers of RFC 2407 and 2409.
#include "unit/crypto/hex.h"

namespace testudo::wire::ike::v1::test {

using crypto::hex;

// Main mode, message 1: one proposal (KEY_IKE) of two transforms, and the vendor id of RFC 3947.
inline const ByteVector kMainModeOffer = hex(R"(
  0102030405060708 0000000000000000 01 10 02 00 00000000 00000084
  0d 00 0054   00000001 00000001
    00 00 0048  01 01 00 02
      03 00 0020  01 01 0000  800b0001 800c7080 80010005 80030001 80020002 80040002
      00 00 0020  02 01 0000  800b0001 000c0004 00015180 80010007 800e0100 80040005
  00 00 0014  4a131c81070358455c5728f20e95452f)");

// The body of the SA payload above.
inline Bytes offer_sa() {
  return Bytes{kMainModeOffer}.subspan(32, 0x50);
}

}  // namespace testudo::wire::ike::v1::test
