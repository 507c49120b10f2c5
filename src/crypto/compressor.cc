#include "crypto/compressor.h"

#include "crypto/deflate/backends.h"

namespace testudo::crypto {

std::unique_ptr<Compressor> make_deflate(CompressionBackend backend) {
  if (backend != CompressionBackend::Zlib) {
    auto fast = deflate::make_isal();
    if (fast || backend == CompressionBackend::Isal) return fast;
  }
  return deflate::make_zlib();
}

}  // namespace testudo::crypto
