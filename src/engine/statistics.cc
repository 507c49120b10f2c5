#include "engine/statistics.h"

#include <array>
#include <cstddef>

namespace testudo::engine {
namespace {

template <typename Array>
void add(Array& to, const Array& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

void add(ProtocolCounters& to, const ProtocolCounters& from) {
  to.input += from.input;
  to.output += from.output;
  to.input_bytes += from.input_bytes;
  to.output_bytes += from.output_bytes;
  add(to.histogram, from.histogram);
}

void add(DropCount& to, const DropCount& from) {
  to.packets += from.packets;
  add(to.by_protocol, from.by_protocol);
  if (from.last) to.last = from.last;
}

/// Those that are plain numbers.
constexpr std::array<std::uint64_t Statistics::*, 19> kNumbers{
    &Statistics::outbound_packets,  &Statistics::inbound_packets, &Statistics::to_wire,
    &Statistics::to_host,           &Statistics::fragments_made,  &Statistics::fragments_joined,
    &Statistics::icmp_made,         &Statistics::consumed,        &Statistics::held,
    &Statistics::given_back,        &Statistics::keepalives,      &Statistics::bundled,
    &Statistics::spd_lookups,       &Statistics::spd_misses,      &Statistics::ipcomp_too_short,
    &Statistics::ipcomp_useless,    &Statistics::acquires,        &Statistics::acquires_suppressed,
    &Statistics::acquires_forgotten};

constexpr std::array<ProtocolCounters Statistics::*, 4> kProtocols{&Statistics::esp, &Statistics::ah,
                                                                   &Statistics::ipcomp, &Statistics::ipip};

// One that is forgotten here would be missing in every sum.
static_assert(sizeof(Statistics) == sizeof(std::uint64_t) * kNumbers.size() +
                                        sizeof(ProtocolCounters) * kProtocols.size() + sizeof(Statistics::drops));

}  // namespace

Statistics& Statistics::operator+=(const Statistics& other) {
  for (const auto number : kNumbers) this->*number += other.*number;
  for (const auto protocol : kProtocols) add(this->*protocol, other.*protocol);
  for (std::size_t i = 0; i < drops.size(); ++i) add(drops[i], other.drops[i]);
  return *this;
}

}  // namespace testudo::engine
