#pragma once
// A place to receive one packet into: the caller's room, and how much of it was filled.
#include "base/bytes.h"

namespace testudo::io {

/// Packets that one system call moves at most.
inline constexpr std::size_t kBatch = 64;
/// Buffers of a batch: what kBatch asks for, and the rest of the super-packet that reaches beyond it.
inline constexpr std::size_t kBuffers = 128;

struct Slot {
  MutableBytes room;
  std::size_t length = 0;
};

}  // namespace testudo::io
