#ifdef TESTUDO_HAVE_ISAL
#include <isa-l/igzip_lib.h>

#include "crypto/deflate/backends.h"

namespace testudo::crypto::deflate {
namespace {

/// Level 0 with the fixed Huffman code: no table is built or sent for a packet.
class Isal final : public Compressor {
 public:
  Isal() {
    isal_deflate_stateless_init(&writer_);
    isal_deflate_set_hufftables(&writer_, nullptr, IGZIP_HUFFTABLE_STATIC);
    writer_.level = 0;
    writer_.gzip_flag = IGZIP_DEFLATE;
    writer_.hist_bits = kWindowBits;
    writer_.end_of_stream = 1;
    writer_.flush = NO_FLUSH;
  }

  Result<std::size_t, CompressionError> compress(Bytes in, MutableBytes out) override {
    isal_deflate_reset(&writer_);
    writer_.next_in = const_cast<std::uint8_t*>(in.data());  // read only, whatever its type says
    writer_.avail_in = static_cast<std::uint32_t>(in.size());
    writer_.next_out = out.data();
    writer_.avail_out = static_cast<std::uint32_t>(out.size());
    if (isal_deflate_stateless(&writer_) != COMP_OK) return Failure{CompressionError::DoesNotFit};
    return std::size_t{writer_.total_out};
  }

  Result<std::size_t, CompressionError> expand(Bytes in, MutableBytes out) override {
    isal_inflate_init(&reader_);
    reader_.crc_flag = ISAL_DEFLATE;
    reader_.next_in = const_cast<std::uint8_t*>(in.data());
    reader_.avail_in = static_cast<std::uint32_t>(in.size());
    reader_.next_out = out.data();
    reader_.avail_out = static_cast<std::uint32_t>(out.size());
    const int outcome = isal_inflate_stateless(&reader_);
    if (outcome == ISAL_OUT_OVERFLOW) return Failure{CompressionError::DoesNotFit};
    const bool complete = outcome == ISAL_DECOMP_OK && reader_.block_state == ISAL_BLOCK_FINISH;
    if (!complete || reader_.avail_in != 0) return Failure{CompressionError::Corrupt};
    return std::size_t{reader_.total_out};
  }

 private:
  isal_zstream writer_{};
  inflate_state reader_{};
};

}  // namespace

std::unique_ptr<Compressor> make_isal() {
  return std::make_unique<Isal>();
}

}  // namespace testudo::crypto::deflate
#endif
