#include "crypto/native/chacha.h"

#include <algorithm>

#include "crypto/native/chacha_kernel.h"
#include "crypto/native/cpu.h"

namespace testudo::crypto::native {
namespace {

class ChaCha final : public Suite {
 public:
  ChaCha(const ChaChaKernel& kernel, const CipherRow& row, Bytes key) : kernel_(kernel) {
    std::ranges::copy(key.first(sa_.key.size()), sa_.key.begin());
    std::ranges::copy(key.last(sa_.salt.size()), sa_.salt.begin());
    sa_.shape = JobShape::of(row, nullptr);
  }

  void seal(std::span<Job> jobs) override { kernel_.seal(sa_, jobs); }
  void open(std::span<Job> jobs) override { kernel_.open(sa_, jobs); }
  std::unique_ptr<Suite> clone() const override { return std::make_unique<ChaCha>(*this); }

 private:
  ChaChaSa sa_;
  const ChaChaKernel& kernel_;
};

}  // namespace

std::unique_ptr<Suite> make_chacha(const CipherRow& row, Bytes key) {
  if (!makes_chacha(row)) return nullptr;
  return std::make_unique<ChaCha>(*chacha_kernel_512(), row, key);
}

bool makes_chacha(const CipherRow& row) {
  return row.kind == CipherKind::ChaCha20Poly1305 && has_vaes_512();
}

}  // namespace testudo::crypto::native
