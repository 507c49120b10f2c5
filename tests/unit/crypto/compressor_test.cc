#include "crypto/compressor.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "unit/crypto/guard_page.h"
#include "unit/crypto/hex.h"

namespace testudo::crypto {
namespace {

std::vector<std::pair<const char*, std::unique_ptr<Compressor>>> compressors() {
  std::vector<std::pair<const char*, std::unique_ptr<Compressor>>> out;
  out.emplace_back("zlib", make_deflate(CompressionBackend::Zlib));
  out.emplace_back("best", make_deflate());
  if (auto isal = make_deflate(CompressionBackend::Isal)) out.emplace_back("isa-l", std::move(isal));
  return out;
}

ByteVector sentence(std::size_t size) {
  const std::string_view text = "The datagram is compressed, sent, received, expanded and delivered as it was. ";
  ByteVector out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(text[i % text.size()]);
  return out;
}

ByteVector noise(std::size_t size, unsigned seed) {
  std::mt19937 chance{seed};
  ByteVector out(size);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(chance());
  return out;
}

/// The raw DEFLATE of zlib's own one-shot settings, largest window: what another host may send.
ByteVector raw_deflate(const ByteVector& in, int level) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  ByteVector out(in.size() + in.size() / 8 + 64);
  stream.next_in = const_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  const auto end = out.begin() + static_cast<std::ptrdiff_t>(stream.total_out);
  deflateEnd(&stream);
  return {out.begin(), end};
}

/// What a reader with a window of 4 KiB makes of a stream: it forgets what lies further back than that and a few bytes.
ByteVector expand_with_small_window(Bytes packed, std::size_t size) {
  constexpr std::size_t kStride = 256;
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, -12), Z_OK);
  ByteVector out(size);
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  int outcome = Z_OK;
  while (outcome == Z_OK && stream.total_out < size) {
    stream.next_out = out.data() + stream.total_out;
    stream.avail_out = static_cast<uInt>(std::min(kStride, size - stream.total_out));
    outcome = inflate(&stream, Z_NO_FLUSH);
  }
  EXPECT_EQ(stream.total_out, size);
  inflateEnd(&stream);
  return out;
}

CompressionError error_of(Result<std::size_t, CompressionError> result) {
  EXPECT_FALSE(result);
  return result ? CompressionError{0xff} : result.error();
}

TEST(Compressor, EveryBackEndExpandsWhatEveryOtherCompressed) {
  for (auto& [writer_name, writer] : compressors()) {
    for (auto& [reader_name, reader] : compressors()) {
      for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 2, 16, 90, 91, 576, 1400, 1480, 4096, 4097,
                                                                       9000, 32768, 40000, 65535}) {
        const auto in = sentence(size);
        ByteVector packed(size + 128), back(size + 1);
        const auto n = writer->compress(in, packed);
        ASSERT_TRUE(n) << writer_name << " with " << size;
        if (size >= 576) {
          EXPECT_LT(*n, size / 2) << writer_name << " with " << size;
        }
        const auto m = reader->expand(Bytes{packed}.first(*n), back);
        ASSERT_TRUE(m) << reader_name << " after " << writer_name << " with " << size;
        EXPECT_TRUE(std::ranges::equal(Bytes{back}.first(*m), in));
      }
    }
  }
}

TEST(Compressor, StateDoesNotCrossPackets) {
  for (auto& [name, compressor] : compressors()) {
    const auto a = sentence(1000), b = noise(1000, 1);
    ByteVector first(1200), again(1200);
    const auto n = compressor->compress(a, first);
    (void)compressor->compress(b, again);
    const auto m = compressor->compress(a, again);
    ASSERT_TRUE(n && m) << name;
    EXPECT_TRUE(std::ranges::equal(Bytes{first}.first(*n), Bytes{again}.first(*m))) << name;
  }
}

// RFC 3173 section 2.2: a datagram that would grow is sent as it was, so the writer gets no more room than that.
TEST(Compressor, NoiseDoesNotFitIntoItsOwnLength) {
  for (auto& [name, compressor] : compressors()) {
    for (const std::size_t size : std::initializer_list<std::size_t>{1, 90, 1400, 9000}) {
      const auto in = noise(size, 7);
      ByteVector out(size + 32, 0xa5);
      EXPECT_EQ(error_of(compressor->compress(in, MutableBytes{out}.first(size))), CompressionError::DoesNotFit)
          << name;
      EXPECT_TRUE(std::ranges::all_of(Bytes{out}.last(32), [](auto byte) { return byte == 0xa5; })) << name;
    }
  }
}

TEST(Compressor, NothingFitsIntoNothing) {
  for (auto& [name, compressor] : compressors()) {
    EXPECT_EQ(error_of(compressor->compress(sentence(100), {})), CompressionError::DoesNotFit) << name;
    EXPECT_EQ(error_of(compressor->expand(raw_deflate(sentence(100), 6), {})), CompressionError::DoesNotFit) << name;
    EXPECT_FALSE(compressor->expand({}, {})) << name;
  }
}

TEST(Compressor, ExpandsWhatAnyWriterMaySend) {
  for (auto& [name, compressor] : compressors()) {
    for (const int level : {0, 1, 6, 9}) {
      // Distances of up to 32 KiB, which our own writer never makes.
      auto in = noise(30000, 3);
      in.insert(in.end(), in.begin(), in.begin() + 20000);
      const auto packed = raw_deflate(in, level);
      ByteVector back(in.size());
      const auto n = compressor->expand(packed, back);
      ASSERT_TRUE(n) << name << " at level " << level;
      EXPECT_TRUE(back == in && *n == in.size()) << name << " at level " << level;
    }
  }
}

// KAME compresses with a window of 4 KiB, and some readers have no more.
TEST(Compressor, WritersLookBackNoFurtherThanFourKiB) {
  auto in = noise(6000, 5);
  in.insert(in.end(), in.begin(), in.begin() + 6000);  // 6000 back: too far
  const ByteVector recent(in.end() - 3000, in.end());
  in.insert(in.end(), recent.begin(), recent.end());  // 3000 back: near enough
  for (auto& [name, compressor] : compressors()) {
    ByteVector packed(in.size() + 1000);
    const auto n = compressor->compress(in, packed);
    ASSERT_TRUE(n) << name;
    EXPECT_LT(*n, in.size()) << name;
    EXPECT_EQ(expand_with_small_window(Bytes{packed}.first(*n), in.size()), in) << name;
  }
}

// RFC 1951 section 3.2.3: fixed codes, "a" and the end of the block, by hand: 110 (final, fixed) 10010001 0000000.
TEST(Compressor, ExpandsABlockMadeByHand) {
  for (auto& [name, compressor] : compressors()) {
    ByteVector back(8);
    const auto n = compressor->expand(hex("4b0400"), back);
    ASSERT_TRUE(n) << name;
    EXPECT_EQ(*n, 1U) << name;
    EXPECT_EQ(back[0], 'a') << name;
  }
}

TEST(Compressor, EveryTruncationIsCorrupt) {
  for (auto& [name, compressor] : compressors()) {
    for (const int level : {0, 1, 9}) {
      const auto packed = raw_deflate(sentence(700), level);
      ByteVector back(2000);
      for (std::size_t size = 0; size < packed.size(); ++size) {
        EXPECT_EQ(error_of(compressor->expand(Bytes{packed}.first(size), back)), CompressionError::Corrupt)
            << name << " cut to " << size;
      }
    }
  }
}

TEST(Compressor, BytesAfterTheEndAreCorrupt) {
  for (auto& [name, compressor] : compressors()) {
    auto packed = raw_deflate(sentence(700), 6);
    ByteVector back(2000);
    for (int extra = 1; extra <= 12; ++extra) {
      packed.push_back(0);
      EXPECT_EQ(error_of(compressor->expand(packed, back)), CompressionError::Corrupt) << name << " with " << extra;
    }
  }
}

TEST(Compressor, ABombStopsAtTheRoomGiven) {
  const auto bomb = raw_deflate(ByteVector(10'000'000), 9);
  ASSERT_LT(bomb.size(), 20000U);
  for (auto& [name, compressor] : compressors()) {
    ByteVector out(65535 + 64, 0xa5);
    EXPECT_EQ(error_of(compressor->expand(bomb, MutableBytes{out}.first(65535))), CompressionError::DoesNotFit) << name;
    EXPECT_TRUE(std::ranges::all_of(Bytes{out}.last(64), [](auto byte) { return byte == 0xa5; })) << name;
  }
}

TEST(Compressor, NeitherInputNorOutputIsOverrunByAByte) {
  const GuardPage in_guard, out_guard;
  ASSERT_TRUE(in_guard.ready() && out_guard.ready());
  for (auto& [name, compressor] : compressors()) {
    for (std::size_t size = 0; size <= 1500; size += size < 64 ? 1 : 37) {
      const auto text = sentence(size), packed = raw_deflate(text, 6);
      const MutableBytes in = in_guard.last(packed.size());
      std::ranges::copy(packed, in.begin());
      EXPECT_TRUE(compressor->expand(in, out_guard.last(size))) << name << " with " << size;
      EXPECT_TRUE(size == 0 || !compressor->expand(in, out_guard.last(size - 1))) << name << " with " << size;
      (void)compressor->expand(in_guard.last(packed.size() - 1), out_guard.last(size));  // whatever that says
      const MutableBytes plain = in_guard.last(size);
      std::ranges::copy(text, plain.begin());
      for (const std::size_t room : {size, size / 2, size / 4}) (void)compressor->compress(plain, out_guard.last(room));
    }
  }
}

TEST(Compressor, WhatFitsExactlyFits) {
  for (auto& [name, compressor] : compressors()) {
    for (const std::size_t size : std::initializer_list<std::size_t>{1, 90, 700, 9000}) {
      const auto in = sentence(size), packed = raw_deflate(in, 6);
      ByteVector back(size);
      EXPECT_TRUE(compressor->expand(packed, back)) << name << " with " << size;
      EXPECT_EQ(back, in) << name;
      EXPECT_EQ(error_of(compressor->expand(packed, MutableBytes{back}.first(size - 1))), CompressionError::DoesNotFit)
          << name << " with " << size;
    }
  }
}

TEST(Compressor, FlippedBitsNeverWriteOutsideAndWhatZlibTakesIsReadAlike) {
  const auto zlib = make_deflate(CompressionBackend::Zlib), best = make_deflate();
  const auto packed = raw_deflate(sentence(700), 9);
  std::size_t expanded = 0;
  for (std::size_t bit = 0; bit < packed.size() * 8; ++bit) {
    auto forged = packed;
    forged[bit / 8] = static_cast<std::uint8_t>(forged[bit / 8] ^ (1U << (bit % 8)));
    ByteVector a(1000 + 64, 0xa5), b(1000 + 64, 0xa5);
    const auto n = zlib->expand(forged, MutableBytes{a}.first(1000));
    const auto m = best->expand(forged, MutableBytes{b}.first(1000));
    if (n) {
      ASSERT_TRUE(m) << "bit " << bit;
      ++expanded;
      ASSERT_EQ(*n, *m) << "bit " << bit;
      EXPECT_TRUE(std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(*n), b.begin())) << "bit " << bit;
    }
    EXPECT_TRUE(std::ranges::all_of(Bytes{b}.last(64), [](auto byte) { return byte == 0xa5; })) << "bit " << bit;
  }
  EXPECT_LT(expanded, packed.size() * 8);
}

}  // namespace
}  // namespace testudo::crypto
