#pragma once
// Outbound sequence numbers (RFC 4303 section 2.2), and the nonces that count beside them.  Starts at 1.  At the end of
// the range it gives nothing, unless the SA was told to cycle (SADB_X_EXT_CYCSEQ, KAME's default for manual keys) and
// does not use the number as a nonce.  Several workers seal with one SA: each takes the numbers of a whole run of
// packets at once, so that they meet here once a run and nobody holds numbers that it does not use.
// Taking is for any thread; making, copying and assigning for the one that writes the Database.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/endian.h"
#include "base/random.h"

namespace testudo::sad {

class Sequence {
 public:
  enum class Wrap : std::uint8_t { Never, Cycle };

  /// Numbers that follow each other, for whoever took them alone.
  class Block {
   public:
    Block() = default;
    Block(std::uint64_t first, std::uint64_t count) : next_(first), left_(count) {}
    bool empty() const { return left_ == 0; }
    std::uint64_t left() const { return left_; }
    /// Of a block that is not empty.
    std::uint64_t next() {
      --left_;
      return next_++;
    }

   private:
    std::uint64_t next_ = 0, left_ = 0;
  };

  explicit Sequence(bool extended = false, Wrap wrap = Wrap::Never, std::uint64_t last = 0)
      : last_(last), extended_(extended), wrap_(wrap) {}
  Sequence(const Sequence& other) : last_(other.last()), extended_(other.extended_), wrap_(other.wrap_) {}
  Sequence& operator=(const Sequence& other) {
    last_.store(other.last(), std::memory_order_relaxed);
    extended_ = other.extended_;
    wrap_ = other.wrap_;
    return *this;
  }
  ~Sequence() = default;

  /// As many as are wanted, or fewer where the range ends; none when it has ended.
  Block take(std::uint64_t wanted) {
    // Not fetch_add: nothing may be taken from behind the limit, not even by accident.
    std::uint64_t last = last_.load(std::memory_order_relaxed);
    for (;;) {
      const std::uint64_t from = last == limit() && wrap_ == Wrap::Cycle ? 0 : last;
      const std::uint64_t count = std::min(wanted, limit() - from);
      if (count == 0) return {};
      if (last_.compare_exchange_weak(last, from + count, std::memory_order_relaxed)) return {from + 1, count};
    }
  }
  /// A block of one.
  std::optional<std::uint64_t> next() {
    Block block = take(1);
    if (block.empty()) return std::nullopt;
    return block.next();
  }
  /// How many can still be taken, as far as can be said: others may take them first.
  std::uint64_t left() const { return wrap_ == Wrap::Cycle ? UINT64_MAX : limit() - last(); }
  /// The number that was taken last; 0 before the first.
  std::uint64_t last() const { return last_.load(std::memory_order_relaxed); }
  Wrap wrap() const { return wrap_; }

 private:
  std::uint64_t limit() const { return extended_ ? UINT64_MAX : UINT32_MAX; }

  std::atomic<std::uint64_t> last_;
  bool extended_;
  Wrap wrap_;
};

/// Explicit IVs of counter modes, 64 bits that never come twice under one SA: a random start, drawn by whoever seals
/// first, and a block for each run.
class IvCounter {
 public:
  IvCounter() = default;
  explicit IvCounter(std::uint64_t next) : next_(next), drawn_(true) {}
  IvCounter(const IvCounter& other) : next_(other.next()), drawn_(other.drawn_.load(std::memory_order_relaxed)) {}
  IvCounter& operator=(const IvCounter& other) {
    next_.store(other.next(), std::memory_order_relaxed);
    drawn_.store(other.drawn_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    return *this;
  }
  ~IvCounter() = default;

  /// The first of `count`.
  std::uint64_t take(std::uint64_t count, Random& random) {
    if (!drawn_.load(std::memory_order_acquire)) draw(random);
    return next_.fetch_add(count, std::memory_order_relaxed);
  }
  /// 0 before the first.
  std::uint64_t next() const { return next_.load(std::memory_order_relaxed); }

 private:
  void draw(Random& random) {
    std::array<std::uint8_t, 8> start{};
    random.fill(start);
    std::uint64_t none = 0;  // who comes second goes on behind the first
    next_.compare_exchange_strong(none, std::max<std::uint64_t>(be64(start.data()), 1), std::memory_order_relaxed);
    drawn_.store(true, std::memory_order_release);
  }

  std::atomic<std::uint64_t> next_{0};
  std::atomic<bool> drawn_{false};  ///< for next_ may come by 0 again
};

}  // namespace testudo::sad
