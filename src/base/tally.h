#pragma once
// A number that one thread writes, or several add to, and others read at any time: what they read was true at some
// moment, no more.  Copying copies the value.
#include <atomic>
#include <cstdint>

namespace testudo {

template <typename T>
class Tally {
 public:
  Tally(T value = {}) : value_(value) {}  // NOLINT(google-explicit-constructor)
  Tally(const Tally& other) noexcept : value_(other.get()) {}
  Tally& operator=(const Tally& other) noexcept {
    set(other.get());
    return *this;
  }
  ~Tally() = default;

  T get() const { return value_.load(std::memory_order_relaxed); }
  operator T() const { return get(); }  // NOLINT(google-explicit-constructor)
  void set(T value) { value_.store(value, std::memory_order_relaxed); }
  /// By the one thread that writes: costs no more than adding to a plain number.
  void grow(T by) { set(static_cast<T>(get() + by)); }
  /// By several.
  void add(T by) { value_.fetch_add(by, std::memory_order_relaxed); }

 private:
  std::atomic<T> value_;
};

}  // namespace testudo
