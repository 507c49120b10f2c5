#pragma once
// The two libraries behind make_deflate().  Both speak raw DEFLATE (RFC 1951) with a window of 4 KiB: KAME's
// and NetBSD's IPcomp compress with one of that size, and some of their readers have no more.
#include <memory>

#include "crypto/compressor.h"

namespace testudo::crypto::deflate {

inline constexpr int kWindowBits = 12;

/// Null when the library cannot get its memory.
std::unique_ptr<Compressor> make_zlib();
/// Null when this build lacks isa-l.
std::unique_ptr<Compressor> make_isal();

}  // namespace testudo::crypto::deflate
