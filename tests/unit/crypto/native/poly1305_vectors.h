#pragma once
// Numbers that carry where random ones never do: RFC 8439 appendix A.3, vectors 5 to 11, each in each lane beside
// others.
#ifdef __x86_64__
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "crypto/native/poly1305.h"
#include "unit/crypto/hex.h"

namespace testudo::crypto::native {

struct PolyVector {
  const char *r, *s, *data, *tag;
};

inline constexpr PolyVector kPolyVectors[] = {
    {"02000000000000000000000000000000", "00000000000000000000000000000000", "ffffffffffffffffffffffffffffffff",
     "03000000000000000000000000000000"},
    {"02000000000000000000000000000000", "ffffffffffffffffffffffffffffffff", "02000000000000000000000000000000",
     "03000000000000000000000000000000"},
    {"01000000000000000000000000000000", "00000000000000000000000000000000",
     "fffffffffffffffffffffffffffffffff0ffffffffffffffffffffffffffffff11000000000000000000000000000000",
     "05000000000000000000000000000000"},
    {"01000000000000000000000000000000", "00000000000000000000000000000000",
     "fffffffffffffffffffffffffffffffffbfefefefefefefefefefefefefefefe01010101010101010101010101010101",
     "00000000000000000000000000000000"},
    {"02000000000000000000000000000000", "00000000000000000000000000000000", "fdffffffffffffffffffffffffffffff",
     "faffffffffffffffffffffffffffffff"},
    {"01000000000000000400000000000000", "00000000000000000000000000000000",
     "e33594d7505e43b900000000000000003394d7505e4379cd01000000000000000000000000000000000000000000000001000000000000000"
     "000"
     "000000000000",
     "14000000000000005500000000000000"},
    {"01000000000000000400000000000000", "00000000000000000000000000000000",
     "e33594d7505e43b900000000000000003394d7505e4379cd010000000000000000000000000000000000000000000000",
     "13000000000000000000000000000000"}};

/// keys: eight; messages: eight, of whole blocks.
template <typename V>
TESTUDO_KERNEL_TARGET void eight_macs(const ByteVector& keys, const std::vector<ByteVector>& messages, Block* tags) {
  EightMacs<V> macs;
  macs.begin(keys.data());
  for (std::size_t at = 0; at < 64; at += 16) {
    const std::uint8_t* from[8];
    unsigned having = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const bool has = at < messages[i].size();
      from[i] = messages[i].data() + (has ? at : 0);
      having |= (has ? 1U : 0U) << i;
    }
    typename V::Reg low, high;
    V::load_halves(from, 0, low, high);
    macs.absorb(low, high, static_cast<typename V::Mask>(having));
  }
  macs.finish(tags);
}

template <typename V>
void expect_poly1305_vectors() {
  for (std::size_t turn = 0; turn < std::size(kPolyVectors); ++turn) {
    ByteVector keys;
    std::vector<ByteVector> messages;
    for (std::size_t lane = 0; lane < 8; ++lane) {
      const PolyVector& v = kPolyVectors[(lane + turn) % std::size(kPolyVectors)];
      for (const char* half : {v.r, v.s}) std::ranges::copy(hex(half), std::back_inserter(keys));
      messages.push_back(hex(v.data));
    }
    Block tags[8];
    eight_macs<V>(keys, messages, tags);
    for (std::size_t lane = 0; lane < 8; ++lane) {
      EXPECT_EQ(to_hex(tags[lane].bytes), kPolyVectors[(lane + turn) % std::size(kPolyVectors)].tag)
          << "lane " << lane << ", turn " << turn;
    }
  }
}

}  // namespace testudo::crypto::native
#endif
