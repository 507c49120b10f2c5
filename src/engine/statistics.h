#pragma once
// What the engine counts.  Plain numbers, one writer; those of several engines are added up.  observe/ gives them the
// lines of netstat -s and their JSON.
#include <array>
#include <cstdint>
#include <optional>

#include "base/strong.h"
#include "net/drop_reason.h"
#include "net/flow.h"

namespace testudo::engine {

/// What is remembered of the last packet that a reason dropped.
struct DropSample {
  net::Flow flow;
  std::optional<Spi> spi;
  std::uint8_t protocol = 0;  ///< 50, 51, 108, or 0 when the packet was not yet or no longer protected
};

struct DropCount {
  std::uint64_t packets = 0;
  /// By protocol of the layer at which it happened: ESP, AH, IPcomp, other.
  std::array<std::uint64_t, 4> by_protocol{};
  std::optional<DropSample> last;
};

struct ProtocolCounters {
  std::uint64_t input = 0, output = 0, input_bytes = 0, output_bytes = 0;
  std::array<std::uint64_t, 256> histogram{};  ///< by SADB algorithm id: ESP ciphers, AH MACs, compressions; in and out
};

struct Statistics {
  // Conservation, after each batch: entered() == left() + held.
  std::uint64_t outbound_packets = 0, inbound_packets = 0;
  std::uint64_t to_wire = 0, to_host = 0;
  std::uint64_t fragments_made = 0,
                fragments_joined = 0;  ///< extra packets made by cutting; packets swallowed by joining
  std::uint64_t icmp_made = 0;
  std::uint64_t consumed = 0;    ///< ICMP errors about our own protected packets, acted on and not passed on
  std::uint64_t held = 0;        ///< fragments that now wait for others
  std::uint64_t given_back = 0;  ///< drops of the outside (a full queue), of packets that had left or never came here
  std::uint64_t keepalives = 0;  ///< also dropped, as NatKeepalive
  std::array<DropCount, net::kDropReasonCount> drops{};

  ProtocolCounters esp, ah, ipcomp, ipip;
  std::uint64_t bundled = 0;  ///< out_bundlesa
  std::uint64_t spd_lookups = 0, spd_misses = 0;
  std::uint64_t ipcomp_too_short = 0, ipcomp_useless = 0;
  std::uint64_t acquires = 0, acquires_suppressed = 0;
  std::uint64_t acquires_forgotten = 0;  ///< of acquires: too many waited for the key daemon

  /// What another engine has counted.  Of the two last packets that a reason dropped, one.
  Statistics& operator+=(const Statistics& other);

  std::uint64_t dropped() const {
    std::uint64_t n = 0;
    for (const DropCount& d : drops) n += d.packets;
    return n;
  }
  std::uint64_t entered() const { return outbound_packets + inbound_packets + fragments_made + icmp_made + given_back; }
  std::uint64_t left() const { return to_wire + to_host + fragments_joined + consumed + dropped(); }
};

}  // namespace testudo::engine
