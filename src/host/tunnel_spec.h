#pragma once
// A tunnel interface as ipsecif(4) has them, in the words of `testudo tunnel add` and of testudo.conf:
//
//   NAME local ADDRESS remote ADDRESS [unnumbered] [reqid N] [nat-t PORT,PORT]
//
// Text in, values out; nothing is made.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/address.h"

namespace testudo::host {

struct TunnelSpec {
  struct NatPorts {
    std::uint16_t local = 0, remote = 0;

    friend bool operator==(const NatPorts&, const NatPorts&) = default;
  };
  std::string name;  ///< of the device; at most 15 characters
  net::Address local, remote;
  bool unnumbered = false;      ///< without an address of its own
  std::uint32_t reqid = 0;      ///< of all its policies; 0: each gets one
  std::optional<NatPorts> nat;  ///< ESP in UDP (RFC 3948)

  friend bool operator==(const TunnelSpec&, const TunnelSpec&) = default;
};

/// The error is a sentence.
Result<TunnelSpec, std::string> parse_tunnel(const std::vector<std::string>& words);

/// The number at the end of a name: ipsecif(4)'s unit; 0 without.
std::uint32_t unit_of(const std::string& name);

}  // namespace testudo::host
