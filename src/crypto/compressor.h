#pragma once
// Raw DEFLATE of one packet at a time, for IPcomp (RFC 2394): no state crosses packets.
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

namespace testudo::crypto {

enum class CompressionError : std::uint8_t {
  DoesNotFit,  ///< the output is larger than the room given: not worth sending, or a bomb
  Corrupt,     ///< not a complete DEFLATE stream, or bytes after its end
};

/// Not thread-safe; holds the library's work areas so that a packet allocates nothing.
class Compressor {
 public:
  virtual ~Compressor() = default;
  /// Both return the number of bytes written to out, which never grows beyond out.size().
  virtual Result<std::size_t, CompressionError> compress(Bytes in, MutableBytes out) = 0;
  virtual Result<std::size_t, CompressionError> expand(Bytes in, MutableBytes out) = 0;

 protected:
  Compressor() = default;
  Compressor(const Compressor&) = default;
  Compressor& operator=(const Compressor&) = default;
};

enum class CompressionBackend : std::uint8_t { Best, Zlib, Isal };

/// Never null for Best and Zlib; null for Isal when this build lacks it.
std::unique_ptr<Compressor> make_deflate(CompressionBackend backend = CompressionBackend::Best);

}  // namespace testudo::crypto
