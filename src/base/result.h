#pragma once
// A value or an error.  The interface is a subset of C++23's std::expected, so that this file can be deleted later.
//
//   Result<Port, Malformed> port(Bytes in) {
//     Reader r{in};
//     TRY(const auto number, r.u16());      // leaves with the error, or goes on with the value
//     return Port{number};
//   }
#include <utility>
#include <variant>

namespace testudo {

/// The error half of a Result while it travels: `return Failure{Malformed::Truncated};`
template <typename E>
struct Failure {
  E error;
};
template <typename E>
Failure(E) -> Failure<E>;

template <typename T, typename E>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = E;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  template <typename F>
  Result(Failure<F> failure)  // NOLINT(google-explicit-constructor)
      : state_(std::in_place_index<1>, std::move(failure.error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }

  const E& error() const& { return *std::get_if<1>(&state_); }
  E&& error() && { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, E> state_;
};

/// Success without a value.
struct Done {
  friend bool operator==(Done, Done) = default;
};

template <typename E>
using Status = Result<Done, E>;

}  // namespace testudo

#define TESTUDO_TRY_NAME_2(a, b) a##b
#define TESTUDO_TRY_NAME(a, b) TESTUDO_TRY_NAME_2(a, b)
#define TESTUDO_TRY_IMPL(result, declaration, ...)                   \
  auto result = (__VA_ARGS__);                                       \
  if (!result) return ::testudo::Failure{std::move(result).error()}; \
  declaration = *std::move(result)

/// The one control-flow macro of the project: TRY(declaration, expression of type Result).
#define TRY(declaration, ...) TESTUDO_TRY_IMPL(TESTUDO_TRY_NAME(try_result_, __LINE__), declaration, __VA_ARGS__)
/// TRY for a Status.
#define TRY_DONE(...)                                                          \
  do {                                                                         \
    auto try_status = (__VA_ARGS__);                                           \
    if (!try_status) return ::testudo::Failure{std::move(try_status).error()}; \
  } while (false)
