#include "crypto/nettle/twofish.h"

#include <nettle/cbc.h>
#include <nettle/nettle-meta.h>
#include <nettle/twofish.h>

#include <algorithm>
#include <array>

#include "base/secret.h"

namespace testudo::crypto::nettle {
namespace {

class TwofishCbc final : public Cipher {
 public:
  explicit TwofishCbc(Bytes key) { twofish_set_key(&schedule_, key.size(), key.data()); }
  TwofishCbc(const TwofishCbc&) = default;
  TwofishCbc& operator=(const TwofishCbc&) = delete;
  ~TwofishCbc() override { wipe({reinterpret_cast<std::uint8_t*>(&schedule_), sizeof schedule_}); }

  bool encrypt(Bytes iv, MutableBytes text) override {
    if (!fits(iv, text)) return false;
    Block chain = first(iv);
    cbc_encrypt(&schedule_, nettle_twofish128.encrypt, TWOFISH_BLOCK_SIZE, chain.data(), text.size(), text.data(),
                text.data());
    return true;
  }
  bool decrypt(Bytes iv, MutableBytes text) override {
    if (!fits(iv, text)) return false;
    Block chain = first(iv);
    cbc_decrypt(&schedule_, nettle_twofish128.decrypt, TWOFISH_BLOCK_SIZE, chain.data(), text.size(), text.data(),
                text.data());
    return true;
  }
  std::unique_ptr<Cipher> clone() const override { return std::make_unique<TwofishCbc>(*this); }

 private:
  using Block = std::array<std::uint8_t, TWOFISH_BLOCK_SIZE>;

  /// nettle asserts what it is given.
  static bool fits(Bytes iv, Bytes text) {
    return iv.size() == TWOFISH_BLOCK_SIZE && text.size() % TWOFISH_BLOCK_SIZE == 0;
  }
  /// A copy, because nettle leaves the last block in it.
  static Block first(Bytes iv) {
    Block block;
    std::ranges::copy(iv, block.begin());
    return block;
  }

  twofish_ctx schedule_;
};

}  // namespace

std::unique_ptr<Cipher> make_twofish_cbc(Bytes key) {
  if (key.size() != 16 && key.size() != 24 && key.size() != 32) return nullptr;
  return std::make_unique<TwofishCbc>(key);
}

}  // namespace testudo::crypto::nettle
