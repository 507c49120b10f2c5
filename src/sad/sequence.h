#pragma once
// Outbound sequence numbers: 1, 2, 3, …  They never repeat: when the counter is used up next() gives nothing, unless
// the SA was told to cycle (SADB_X_EXT_CYCSEQ, KAME's default for manual keys) and does not use the number as a nonce.
#include <cstdint>
#include <optional>

namespace testudo::sad {

class Sequence {
 public:
  enum class Wrap : std::uint8_t { Never, Cycle };

  explicit Sequence(bool extended = false, Wrap wrap = Wrap::Never, std::uint64_t last = 0)
      : last_(last), limit_(extended ? UINT64_MAX : UINT32_MAX), wrap_(wrap) {}

  std::optional<std::uint64_t> next() {
    if (last_ == limit_) {
      if (wrap_ == Wrap::Never) return std::nullopt;
      last_ = 0;
    }
    return ++last_;
  }
  /// How often next() will give a number, as far as can be said.
  std::uint64_t left() const { return wrap_ == Wrap::Cycle ? UINT64_MAX : limit_ - last_; }
  /// The number that was given last; 0 before the first.
  std::uint64_t last() const { return last_; }
  Wrap wrap() const { return wrap_; }

 private:
  std::uint64_t last_, limit_;
  Wrap wrap_;
};

}  // namespace testudo::sad
