#pragma once
namespace testudo {

/// Lambdas as one visitor: std::visit(overload{[](A) {…}, [](B) {…}}, variant).
template <typename... F>
struct overload : F... {
  using F::operator()...;
};
template <typename... F>
overload(F...) -> overload<F...>;

}  // namespace testudo
