#pragma once
// Selectors in the language of nft: one by one as matches of a rule, and those of one shape as the key of a set.  Pure
// text.
#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "net/flow.h"

namespace testudo::host {

/// The matching half of nft rules for one selector; one that spans kinds of protocols needs several.  `generous`: what
/// nft cannot tell apart matches (for marking), otherwise it does not (for letting pass).
std::vector<std::string> nft_matches(const net::Selector& selector, bool generous);

/// What selectors have in common when they differ only in values.
struct Shape {
  net::Family family = net::Family::V4;
  unsigned source_length = 0, destination_length = 0;
  bool protocol = false, source_port = false, destination_port = false;  ///< true: counts

  friend auto operator<=>(const Shape&, const Shape&) = default;
};

/// Nothing when a set cannot hold the selector: nothing of it counts, or ports that do not stand where TCP has them.
std::optional<Shape> shape_of(const net::Selector& selector);
/// "ipv4_addr . inet_proto"
std::string nft_type(const Shape& shape);
/// "meta nfproto ipv4 ip saddr & 255.255.0.0 . meta l4proto ": what is looked up in the set, behind a space.
std::string nft_key(const Shape& shape);
/// "10.1.0.0 . 6"
std::string nft_element(const Shape& shape, const net::Selector& selector);

}  // namespace testudo::host
