#include <zlib.h>

#include <array>

#include "crypto/deflate/backends.h"

namespace testudo::crypto::deflate {
namespace {

/// The reader takes what any writer may send, so its window is the largest.
constexpr int kLargestWindowBits = 15;
/// deflateReset() clears tables of this size for each packet, so they are small.
constexpr int kMemoryLevel = 4;

class Zlib final : public Compressor {
 public:
  Zlib() {
    deflating_ =
        deflateInit2(&writer_, Z_BEST_SPEED, Z_DEFLATED, -kWindowBits, kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK;
    inflating_ = inflateInit2(&reader_, -kLargestWindowBits) == Z_OK;
  }
  Zlib(const Zlib&) = delete;
  Zlib& operator=(const Zlib&) = delete;
  ~Zlib() override {
    deflateEnd(&writer_);
    inflateEnd(&reader_);
  }

  bool ready() const { return deflating_ && inflating_; }

  Result<std::size_t, CompressionError> compress(Bytes in, MutableBytes out) override {
    deflateReset(&writer_);
    attach(writer_, in, out);
    if (::deflate(&writer_, Z_FINISH) != Z_STREAM_END) return Failure{CompressionError::DoesNotFit};
    return out.size() - writer_.avail_out;
  }

  Result<std::size_t, CompressionError> expand(Bytes in, MutableBytes out) override {
    inflateReset(&reader_);
    attach(reader_, in, out);
    const int outcome = inflate(&reader_, Z_FINISH);
    if (outcome == Z_STREAM_END && reader_.avail_in == 0) return out.size() - reader_.avail_out;
    const bool full = outcome == Z_BUF_ERROR && reader_.avail_out == 0;
    return Failure{full ? CompressionError::DoesNotFit : CompressionError::Corrupt};
  }

 private:
  /// zlib refuses null pointers even beside a length of zero, and does not write through next_in.
  void attach(z_stream& stream, Bytes in, MutableBytes out) {
    stream.next_in = in.empty() ? none_.data() : const_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = out.empty() ? none_.data() : out.data();
    stream.avail_out = static_cast<uInt>(out.size());
  }

  z_stream writer_{}, reader_{};
  bool deflating_ = false, inflating_ = false;
  std::array<Bytef, 1> none_{};
};

}  // namespace

std::unique_ptr<Compressor> make_zlib() {
  auto made = std::make_unique<Zlib>();
  if (!made->ready()) return nullptr;
  return made;
}

}  // namespace testudo::crypto::deflate
