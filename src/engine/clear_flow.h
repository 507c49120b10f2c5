#pragma once
// The shortest way: whole TCP and UDP packets without options that policy lets pass in clear, most of all what a
// gateway forwards (attach = wire) before it seals and after it opened it.  Policy is asked once for those of a flow
// that follow each other in a batch.  Order, results and counters are those of inbound.h and outbound.h, which ask
// here about what does not go by express_in.h or express_out.h.
#include <array>
#include <cstdint>

#include "engine/classify.h"
#include "wire/packet/plain.h"

namespace testudo::engine {

class ClearFlow {
 public:
  ClearFlow(const Engine::Parts& parts, spd::Direction direction) : parts_(parts), direction_(direction) {}

  /// A batch begins: policies may have changed.
  void forget() { key_ = {}; }
  /// Is it what the last one was that learn() was told of?
  bool knows(const wire::packet::Plain& plain) const { return plain.key == key_; }
  /// A TCP or UDP packet of another flow.  `usual`: nothing but policy decides whether it may pass.
  void learn(const wire::packet::Plain& plain, const net::Flow& flow, bool usual);
  /// Packets of the flow go on as they are.
  bool passes() const { return passes_; }
  /// One of them does: all but where it ends is counted, and what is behind its end cut off.
  void enter(PacketBuffer& packet, const wire::packet::Plain& plain, Verdicts& verdicts) const;

 private:
  Engine::Parts parts_;
  spd::Direction direction_;
  std::array<std::uint64_t, 5> key_{};
  const spd::Policy* policy_ = nullptr;
  bool passes_ = false;
};

}  // namespace testudo::engine
