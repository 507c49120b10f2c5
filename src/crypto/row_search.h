#pragma once
// Finds a row of a table of algorithms: by its number in a protocol, or by either of its names.  Null when there is
// none.
#include <algorithm>
#include <cstdint>
#include <string_view>

namespace testudo::crypto {

template <typename Rows>
constexpr auto row_by_id(const Rows& rows, std::uint64_t id) -> decltype(rows.data()) {
  const auto row = std::ranges::find_if(rows, [id](const auto& r) { return r.id == id; });
  return row == rows.end() ? nullptr : &*row;
}

template <typename Rows>
constexpr auto row_by_name(const Rows& rows, std::string_view name) -> decltype(rows.data()) {
  const auto row = std::ranges::find_if(
      rows, [name](const auto& r) { return r.name == name || (!r.alias.empty() && r.alias == name); });
  return row == rows.end() ? nullptr : &*row;
}

}  // namespace testudo::crypto
