#include "net/prefix.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace testudo::net {

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return host(*address);
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc{} || end != digits.data() + digits.size() || length > address->width()) return std::nullopt;
  return Prefix{*address, length};
}

std::string Prefix::to_string() const {
  return length == address.width() ? address.to_string() : address.to_string() + "/" + std::to_string(length);
}

bool Prefix::contains(const Address& a) const {
  if (a.family() != address.family()) return false;
  if (address.scope() != 0 && address.scope() != a.scope()) return false;
  const Bytes mine = address.bytes();
  const Bytes theirs = a.bytes();
  const std::size_t whole = std::min<std::size_t>(length / 8, mine.size());
  if (!std::equal(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(whole), theirs.begin())) return false;
  const unsigned rest = length % 8;
  if (rest == 0 || whole == mine.size()) return true;
  return ((mine[whole] ^ theirs[whole]) >> (8 - rest)) == 0;
}

Address Prefix::masked() const {
  return mask(address, length);
}

Address mask(const Address& a, unsigned length) {
  std::array<std::uint8_t, 16> out{};
  const Bytes in = a.bytes();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const unsigned bits = length > 8 * i ? std::min<unsigned>(8, length - static_cast<unsigned>(8 * i)) : 0;
    out[i] = static_cast<std::uint8_t>(in[i] & (0xff00U >> bits));
  }
  if (a.is_v4()) return Address::v4(std::span<const std::uint8_t, 4>{out.data(), 4});
  return Address::v6(out, a.scope());
}

}  // namespace testudo::net
