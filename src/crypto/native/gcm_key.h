#pragma once
// What AES-GCM keeps of a key: the round keys of FIPS 197 and the powers of H of NIST SP 800-38D, 512 bytes an SA.  The
// powers stand in falling order, so that the blocks of a message and the factors they need run in the same direction:
//
//   | H^17 | H^16 | … | H^2 | H^1 | round key 0 | … | round key 10, 12 or 14 |
//
// A vector that starts at a late power may reach into the round keys: those lanes are multiplied with zero.
// Wiped when it goes.  Immutable once expanded, free to share.
#include <array>

#include "base/secret.h"
#include "crypto/job_shape.h"

namespace testudo::crypto::native {

/// A block as it lies in memory.
struct alignas(16) Block {
  std::array<std::uint8_t, 16> bytes;
};

class GcmKey {
 public:
  static constexpr std::size_t kPowers = 17, kRoundKeys = 15;

  GcmKey() = default;
  GcmKey(const GcmKey&) = default;
  GcmKey& operator=(const GcmKey&) = default;
  ~GcmKey() {
    for (Block& block : blocks_) wipe(block.bytes);
  }

  /// Points to H^n and the lower powers behind it; n is 1 to kPowers.
  const Block* power(std::size_t n) const { return &blocks_[kPowers - n]; }
  Block* power(std::size_t n) { return &blocks_[kPowers - n]; }
  const Block* round_keys() const { return &blocks_[kPowers]; }
  Block* round_keys() { return &blocks_[kPowers]; }

 private:
  alignas(64) std::array<Block, kPowers + kRoundKeys> blocks_{};
};
static_assert(sizeof(GcmKey) == 512);

/// A keyed SA, as the kernels get it.
struct GcmSa {
  GcmKey key{};
  std::array<std::uint8_t, 4> salt{};
  std::size_t rounds = 0;  ///< of AES: 10, 12 or 14
  JobShape shape{};

  GcmSa() = default;
  GcmSa(const GcmSa&) = default;
  GcmSa& operator=(const GcmSa&) = default;
  ~GcmSa() { wipe(salt); }
};

}  // namespace testudo::crypto::native
