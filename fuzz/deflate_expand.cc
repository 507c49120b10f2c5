// Two libraries read the same foreign DEFLATE stream: what zlib finds whole, the other reads alike, and neither writes
// outside the room given.  (isa-l also takes some streams with unfinished Huffman codes, which zlib refuses.)
// The stream is the input, or, when that starts with an odd byte, the rest of it compressed, with one byte changed.
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
  std::vector<std::uint8_t> stream(data, data + size), a(kRoom), b(kRoom + kGuard, kMark);
  if (size > 4 && data[0] % 2 == 1) {
    stream.resize(size + 64);
    const auto n = zlib->compress({data + 4, size - 4}, stream);
    stream.resize(n ? *n : 0);
    if (n) stream[(data[1] * 256U + data[2]) % *n] ^= data[3];
  }
  const auto n = zlib->expand(stream, a);
  const auto m = best->expand(stream, MutableBytes{b}.first(kRoom));
  if (n && (!m || *n != *m || !std::equal(a.data(), a.data() + *n, b.data()))) std::abort();
  if (m && *m > kRoom) std::abort();
  if (std::any_of(b.begin() + kRoom, b.end(), [](std::uint8_t byte) { return byte != kMark; })) std::abort();
  return 0;
}
