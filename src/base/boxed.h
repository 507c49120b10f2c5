#pragma once
// A value that few of many objects have: like std::optional, but where there is none it takes no more than a pointer.
// Copying copies the value.  Thread-free.
#include <memory>
#include <optional>
#include <utility>

namespace testudo {

template <typename T>
class Boxed {
 public:
  Boxed() = default;
  Boxed(std::nullopt_t) {}                                                        // NOLINT(google-explicit-constructor)
  Boxed(T value) : value_(std::make_unique<T>(std::move(value))) {}               // NOLINT(google-explicit-constructor)
  Boxed(const std::optional<T>& from) : value_(from ? copy(&*from) : nullptr) {}  // NOLINT(google-explicit-constructor)
  Boxed(const Boxed& other) : value_(copy(other.value_.get())) {}
  Boxed(Boxed&&) noexcept = default;
  Boxed& operator=(const Boxed& other) {
    if (this != &other) value_ = copy(other.value_.get());
    return *this;
  }
  Boxed& operator=(Boxed&&) noexcept = default;
  ~Boxed() = default;

  bool has_value() const { return value_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  void reset() { value_.reset(); }

  friend bool operator==(const Boxed& a, const Boxed& b) {
    return a.has_value() == b.has_value() && (!a.has_value() || *a == *b);
  }
  friend bool operator==(const Boxed& a, const T& b) { return a.has_value() && *a == b; }

 private:
  static std::unique_ptr<T> copy(const T* from) { return from == nullptr ? nullptr : std::make_unique<T>(*from); }

  std::unique_ptr<T> value_;
};

}  // namespace testudo
