// Two libraries read the same foreign DEFLATE stream: what zlib finds whole, the other reads alike, and neither writes
// outside the room given.  (isa-l also takes some streams with unfinished Huffman codes, which zlib refuses.)
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "crypto/compressor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testudo;
  constexpr std::size_t kRoom = 9000, kGuard = 64;
  constexpr std::uint8_t kMark = 0xa5;
  static const auto zlib = crypto::make_deflate(crypto::CompressionBackend::Zlib);
  static const auto best = crypto::make_deflate();
  std::vector<std::uint8_t> a(kRoom), b(kRoom + kGuard, kMark);
  const auto n = zlib->expand({data, size}, a);
  const auto m = best->expand({data, size}, MutableBytes{b}.first(kRoom));
  if (n && (!m || *n != *m)) std::abort();
  if (n && !std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(*n), b.begin())) std::abort();
  if (m && *m > kRoom) std::abort();
  if (std::any_of(b.begin() + kRoom, b.end(), [](std::uint8_t byte) { return byte != kMark; })) std::abort();
  return 0;
}
