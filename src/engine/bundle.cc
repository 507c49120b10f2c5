#include "engine/bundle.h"

#include <algorithm>
#include <utility>

#include "engine/need.h"
#include "transform/overhead.h"

namespace testudo::engine {
namespace {

using net::DropReason;

sad::SaGroup wanted_by(const spd::Request& request, const Ends& ends);
bool enabled(const spd::Request& request, const Settings& settings);
bool must_encapsulate(const spd::Request& request, const sad::Sa& sa, const Ends& ends);

}  // namespace

Assembly assemble(const spd::Policy& policy, const net::Flow& flow, const Engine::Parts& parts) {
  Ends ends{flow.source, flow.destination};  // of the outermost header so far
  std::array<SealStep, Bundle::kMaxSteps> steps;
  std::size_t count = 0;
  std::vector<sad::SaGroup> missing;
  // SADB_X_SPDSETIDX makes such a policy; until it is completed nothing can protect the packet.
  if (policy.requests.empty()) return {Failure{DropReason::NoSa}, {}, {}};
  for (const spd::Request& request : policy.requests) {
    const sad::SaGroup wanted = wanted_by(request, ends);
    sad::Sa* sa = parts.sad.outbound(
        {wanted.protocol, wanted.mode, wanted.source, wanted.destination, wanted.reqid, wanted.ports});
    if (sa == nullptr) {
      missing.push_back(wanted);
      if (need_of(request, policy, parts.settings) == Need::Optional) continue;
      return {Failure{DropReason::NoSa}, std::move(missing), {}};
    }
    if (!enabled(request, parts.settings)) return {Failure{DropReason::TransformDisabled}, {}, name_of(*sa)};
    if (count == steps.size()) return {Failure{DropReason::BundleTooDeep}, {}, {}};
    const SealStep step{sa, must_encapsulate(request, *sa, ends)};
    if (step.encapsulate) ends = {sa->group().source, sa->group().destination};
    steps[count++] = step;
  }
  return {Bundle{std::span{steps}.first(count), ends.destination}, std::move(missing), {}};
}

Bundle::Bundle(std::span<const SealStep> steps, const net::Address& destination)
    : size_(steps.size()), destination_(destination) {
  std::ranges::copy(steps, steps_.begin());
}

std::size_t Bundle::overhead() const {
  std::size_t sum = 0;
  for (const SealStep& step : steps()) {
    const sad::SaGroup& sa = step.sa->group();
    const std::size_t outer = sa.destination.is_v4() ? wire::packet::kIpv4Header : wire::packet::kIpv6Header;
    // worst_overhead() goes by the mode of the SA, which may be any; here it is known whether a header is added.
    sum += transform::worst_overhead(*step.sa) - (sa.mode != sad::Mode::Transport ? outer : 0);
    if (step.encapsulate) sum += outer;
  }
  return sum;
}

std::optional<std::size_t> Bundle::fragment_size() const {
  std::optional<std::size_t> smallest;
  for (const SealStep& step : steps()) {
    const auto& nat = step.sa->parameters().nat;
    if (!step.encapsulate || !nat || nat->fragment_size == 0) continue;
    smallest = std::min<std::size_t>(nat->fragment_size, smallest.value_or(SIZE_MAX));
  }
  return smallest;
}

bool operator==(const Bundle& a, const Bundle& b) {
  return a.destination_ == b.destination_ && std::ranges::equal(a.steps(), b.steps());
}

namespace {

/// Requests without addresses mean the packet as it then is: its own addresses, or those of the tunnel around it.
sad::SaGroup wanted_by(const spd::Request& request, const Ends& ends) {
  sad::SaGroup wanted;
  wanted.protocol = protocol_of(request);
  wanted.mode = request.mode == spd::RequestMode::Tunnel ? sad::Mode::Tunnel : sad::Mode::Transport;
  wanted.source = request.source ? request.source->address : ends.source;
  wanted.destination = request.destination ? request.destination->address : ends.destination;
  if (request.level == spd::Level::Unique) wanted.reqid = request.reqid;
  wanted.ports = ports_of(request);
  return wanted;
}

bool enabled(const spd::Request& request, const Settings& settings) {
  switch (request.protocol) {
    case spd::RequestProtocol::Ah:
      return settings.ah_enable != 0;
    case spd::RequestProtocol::Esp:
      return settings.esp_enable != 0;
    case spd::RequestProtocol::Ipcomp:
      return settings.ipcomp_enable != 0;
  }
  return false;
}

/// KAME encapsulates for tunnel requests, and for transport requests whose SA ends elsewhere than the packet (which
/// includes the other family).  An SA with an unspecified destination takes the packet as it is.
bool must_encapsulate(const spd::Request& request, const sad::Sa& sa, const Ends& ends) {
  if (request.mode == spd::RequestMode::Tunnel) return true;
  const net::Address& end = sa.group().destination;
  if (end.family() != ends.destination.family()) return true;
  return !end.is_unspecified() && end != ends.destination;
}

}  // namespace
}  // namespace testudo::engine
