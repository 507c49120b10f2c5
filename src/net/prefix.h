#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "net/address.h"

namespace testudo::net {

/// An address and the number of leading bits that count.  Bits beyond are kept as given (setkey prints them back).
struct Prefix {
  Address address;
  unsigned length = 0;

  static Prefix host(const Address& a) { return {a, a.width()}; }
  /// "10.0.1.0/24", "fd00::/64", or an address alone (full length).
  static std::optional<Prefix> parse(std::string_view text);
  std::string to_string() const;

  /// Same family, the first `length` bits equal, and the same scope unless the prefix has none.
  bool contains(const Address& a) const;
  /// The address with all bits beyond `length` zero.
  Address masked() const;

  friend bool operator==(const Prefix&, const Prefix&) = default;
};

/// The address with all bits beyond `length` cleared.
Address mask(const Address& a, unsigned length);

}  // namespace testudo::net
