#pragma once
// What an ICMP error from the network means to us.  Anybody can write one; RFC 4301 section 8.2.1 has it believed when
// it quotes a packet of ours that was protected: destination, protocol and SPI of an SA that we send by.  Pure.
#include <span>

#include "engine/passage.h"
#include "sad/database.h"
#include "wire/packet/icmp.h"

namespace testudo::engine {

struct IcmpMeaning {
  enum class Kind : std::uint8_t {
    NotOurs,     ///< no error, or not about a protected packet: a message like any other
    Unbelieved,  ///< about a protected packet that no SA of ours sent
    TooBig,      ///< the path to `destination` takes `mtu` bytes
    Other,       ///< about a protected packet of ours, which is gone
  };
  Kind kind = Kind::NotOurs;
  LayerName layer{};           ///< what it quotes
  net::Address destination{};  ///< of what it quotes
  std::size_t mtu = 0;
};

/// `ports` are those on which ESP is sent in UDP.
IcmpMeaning read_icmp(const Passage& passage, sad::Database& sad, std::span<const std::uint16_t> ports);

}  // namespace testudo::engine
