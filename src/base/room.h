#pragma once
// Room for up to N values on the stack, of which only those that were added are ever initialised: an array of
// sixty-four large values costs nothing when one is needed.  No checks: the caller knows N.
#include <cstddef>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace testudo {

template <typename T, std::size_t N>
class Room {
  static_assert(std::is_trivially_destructible_v<T>, "nobody would destroy the values");

 public:
  Room() {}  // NOLINT(modernize-use-equals-default): a default one would be deleted
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  /// Not T{}: that would clear the value before its own initialisers set it.
  T& add() { return *::new (static_cast<void*>(&items_[size_++])) T; }
  /// Of all members at once: those that add() would clear and the caller then fill are written one time.
  template <typename... Members>
  T& emplace(Members&&... members) {
    return *::new (static_cast<void*>(&items_[size_++])) T{std::forward<Members>(members)...};
  }
  void drop_last() { --size_; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return items_[i]; }
  std::span<T> all() { return {items_, size_}; }

 private:
  union {
    T items_[N];  // NOLINT(modernize-avoid-c-arrays): std::array cannot stand in a union without being initialised
  };
  std::size_t size_ = 0;
};

}  // namespace testudo
