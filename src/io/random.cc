#include "io/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace testudo::io {
namespace {

void ask_the_kernel(MutableBytes out) {
  while (!out.empty()) {
    const ssize_t n = ::getrandom(out.data(), out.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) std::abort();
    out = out.subspan(static_cast<std::size_t>(n));
  }
}

}  // namespace

KernelRandom::~KernelRandom() {
  ::explicit_bzero(ahead_.data(), ahead_.size());
}

void KernelRandom::fill(MutableBytes out) {
  if (out.size() > ahead_.size() / 8) return ask_the_kernel(out);  // keys and the like: not worth a copy
  if (out.size() > left_) {
    ask_the_kernel(ahead_);
    left_ = ahead_.size();
  }
  const MutableBytes given = MutableBytes{ahead_}.last(left_).first(out.size());
  std::ranges::copy(given, out.begin());
  std::ranges::fill(given, std::uint8_t{0});
  left_ -= out.size();
}

}  // namespace testudo::io
