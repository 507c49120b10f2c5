#ifndef TESTUDO_HAVE_ISAL
#include "crypto/deflate/backends.h"

namespace testudo::crypto::deflate {

std::unique_ptr<Compressor> make_isal() {
  return nullptr;
}

}  // namespace testudo::crypto::deflate
#endif
