#include "engine/history.h"

#include <algorithm>

#include "engine/need.h"

namespace testudo::engine {
namespace {

/// What a request asks of a layer.
struct Expected {
  sad::SaProtocol protocol = sad::SaProtocol::Esp;
  spd::RequestMode mode = spd::RequestMode::Transport;
  Ends ends;
  sad::Ports ports;  ///< 0: any
  ReqId reqid;       ///< 0: any
};

/// What stays the same while the requests of one policy are gone through.
struct Question {
  const spd::Policy& policy;
  const Settings& settings;
};

bool satisfied(const Question& question, std::span<const spd::Request> requests, std::span<const OpenedLayer> layers,
               const Ends& ends);
Expected expected_by(const spd::Request& request, const Ends& ends);
bool meets(const OpenedLayer& layer, const Expected& expected);

}  // namespace

Way History::way() const {
  Way way;
  for (const OpenedLayer& layer : layers()) way.emplace_back(layer.sa->group(), layer.mode);
  return way;
}

void History::tunnel_left() {
  for (std::size_t i = present_header_; i < size_; ++i) {
    const bool innermost = i + 1 == size_;
    if (innermost || layers_[i].sa->group().mode == sad::Mode::Tunnel) layers_[i].mode = spd::RequestMode::Tunnel;
  }
  present_header_ = size_;
}

bool History::tunnel_expected() const {
  const auto under_this_header = layers().subspan(present_header_);
  return std::ranges::any_of(under_this_header,
                             [](const OpenedLayer& layer) { return layer.sa->group().mode == sad::Mode::Tunnel; });
}

Judgement judge(const History& history, const spd::Policy& policy, const net::Flow& flow, const Settings& settings) {
  const Ends ends{flow.source, flow.destination};
  const bool complete = !policy.requests.empty();  // SADB_X_SPDSETIDX makes incomplete ones
  if (complete && satisfied({policy, settings}, policy.requests, history.layers(), ends)) return Judgement::Satisfied;
  return history.empty() ? Judgement::Clear : Judgement::Mismatch;
}

namespace {

/// The first request is met by the innermost layer that fits it, the next one by a layer further out, and so on.  An
/// optional one may be passed over, which matters for those after it: a tunnel that is there changes the addresses
/// that they mean.
bool satisfied(const Question& question, std::span<const spd::Request> requests, std::span<const OpenedLayer> layers,
               const Ends& ends) {
  if (requests.empty()) return true;
  const spd::Request& request = requests.front();
  const auto rest = requests.subspan(1);
  const Expected expected = expected_by(request, ends);
  auto outer = layers;
  while (!outer.empty() && !meets(outer.back(), expected)) outer = outer.first(outer.size() - 1);
  if (!outer.empty()) {
    const Ends& now = expected.mode == spd::RequestMode::Tunnel ? expected.ends : ends;
    if (satisfied(question, rest, outer.first(outer.size() - 1), now)) return true;
  }
  const bool optional = need_of(request, question.policy, question.settings) == Need::Optional;
  return optional && satisfied(question, rest, layers, ends);
}

/// The mirror of what assemble() does outbound: a request without addresses means those of the packet as it then is,
/// and a transport request between others than these was encapsulated.
Expected expected_by(const spd::Request& request, const Ends& ends) {
  Expected expected;
  expected.protocol = protocol_of(request);
  expected.ends = {request.source ? request.source->address : ends.source,
                   request.destination ? request.destination->address : ends.destination};
  expected.mode = expected.ends == ends ? request.mode : spd::RequestMode::Tunnel;
  expected.ports = ports_of(request);
  if (request.level == spd::Level::Unique) expected.reqid = request.reqid;
  return expected;
}

bool meets(const OpenedLayer& layer, const Expected& expected) {
  const sad::SaGroup& sa = layer.sa->group();
  if (sa.protocol != expected.protocol || layer.mode != expected.mode) return false;
  if (Ends{sa.source, sa.destination} != expected.ends || !sad::fits(expected.ports, sa.ports)) return false;
  return expected.reqid == ReqId{} || sa.reqid == expected.reqid;
}

}  // namespace
}  // namespace testudo::engine
