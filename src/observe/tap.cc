#include "observe/tap.h"

#include <fmt/format.h>

#include "net/protocol.h"

namespace testudo::observe {
namespace {

using engine::TraceStep;
using Kind = TraceStep::Kind;

std::string note_of(const TraceStep& step) {
  const auto protocol = net::protocol_name(step.protocol).value_or("?");
  switch (step.kind) {
    case Kind::Policy:
      return step.policy.value == 0 ? " no policy" : fmt::format(" policy={}", step.policy.value);
    case Kind::Sealed:
    case Kind::Opened:
      return fmt::format(" {} spi={}(0x{:08x}) seq={}", protocol, step.spi.value, step.spi.value, step.sequence);
    case Kind::Stripped:
      return " out of a tunnel";
    case Kind::Checked:
      return fmt::format(" as policy={} asks", step.policy.value);
    default:
      return {};
  }
}

std::string reason_of(const TraceStep& step) {
  const auto& reason = net::describe(step.reason);
  std::string text = fmt::format("{}: {}", reason.name, reason.sentence);
  if (step.spi.value != 0) text += fmt::format(" spi={}(0x{:08x})", step.spi.value, step.spi.value);
  return text;
}

std::string verdict_of(const TraceStep& step) {
  switch (step.kind) {
    case Kind::Entered:
      return "before IPsec";
    case Kind::Emitted:
      return "after IPsec: protected";
    case Kind::Bypassed:
      return "after IPsec: in clear";
    case Kind::Delivered:
      return "after IPsec: delivered";
    default:
      return "dropped: " + reason_of(step);
  }
}

/// A packet of the host stands on the host's side until it was sealed, and one of the network on the network's until it
/// is delivered.
TapSide side_of(const TraceStep& step) {
  const bool out = step.direction == spd::Direction::Out;
  const bool after = step.kind == Kind::Emitted || step.kind == Kind::Bypassed || step.kind == Kind::Delivered;
  return out == after ? TapSide::Wire : TapSide::Host;
}

}  // namespace

void Tap::remember(const TraceStep& step) {
  // Fragments that wait for others for ever must not fill the memory.
  if (notes_.size() >= kMostUnfinished) notes_.clear();
  notes_[step.packet] += note_of(step);
}

std::optional<ByteVector> Tap::block_of(const TraceStep& step, std::uint64_t microseconds) {
  const bool ends = step.kind == Kind::Emitted || step.kind == Kind::Bypassed || step.kind == Kind::Delivered ||
                    step.kind == Kind::Dropped || step.kind == Kind::Held;
  if (!ends && step.kind != Kind::Entered) {
    remember(step);
    return std::nullopt;
  }
  const auto notes = notes_.extract(step.packet);
  if (step.kind == Kind::Held || step.bytes.empty()) return std::nullopt;
  const bool out = step.direction == spd::Direction::Out;
  const std::string comment = fmt::format("#{} {} {}{}", step.packet, out ? "out" : "in", verdict_of(step),
                                          notes.empty() ? std::string{} : ";" + notes.mapped());
  return pcapng_packet({side_of(step), out ? TapWay::Out : TapWay::In, microseconds, step.bytes}, comment);
}

}  // namespace testudo::observe
