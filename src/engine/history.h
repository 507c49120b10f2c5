#pragma once
// What protected a packet on its way to us: one entry for each layer that was opened, outermost first; and whether that
// is what a policy asks for.  RFC 4301 section 5.2 step 4: the packet must have come through the SAs that the policy
// names, not merely through some SA.  (netipsec keeps two flags instead, so that any ESP satisfies every ESP request,
// and its manual warns of AH tunnels; here each request meets its own layer.)  Pure.
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "engine/settings.h"
#include "net/flow.h"
#include "sad/sa.h"
#include "spd/policy.h"

namespace testudo::engine {

/// How a packet came, outermost layer first, without the SPIs, which change when keys do.  Fragments that came by
/// different ways are not of one packet, whatever they say: nobody can slip one of his among protected ones.
using Way = std::vector<std::pair<sad::SaGroup, spd::RequestMode>>;

/// A layer that was opened.  Points into the SAD, so it is good for one batch.
struct OpenedLayer {
  const sad::Sa* sa = nullptr;
  spd::RequestMode mode = spd::RequestMode::Transport;  ///< as seen: Tunnel when an IP packet was taken out of it
};

class History {
 public:
  static constexpr std::size_t kMaxLayers = 16;

  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == kMaxLayers; }
  Way way() const;
  std::span<const OpenedLayer> layers() const { return std::span{layers_}.first(size_); }

  /// A layer was opened under the present IP header.  Not when full().
  void opened(const sad::Sa& sa) { layers_[size_++] = {&sa, spd::RequestMode::Transport}; }
  /// The present IP header was taken off, and an IP packet goes on by itself: among the layers opened under that
  /// header those of tunnel SAs were a tunnel, and the innermost by whatever SA.
  void tunnel_left();
  /// True when a layer opened under the present IP header belongs to an SA for tunnels only.
  bool tunnel_expected() const;

 private:
  std::array<OpenedLayer, kMaxLayers> layers_{};
  std::size_t size_ = 0;
  std::size_t present_header_ = 0;  // index of the first layer under it
};

enum class Judgement : std::uint8_t {
  Satisfied,
  Clear,     ///< protection is required and there was none
  Mismatch,  ///< there was some, but not what is required
};

/// Does a packet of this flow that came through these layers meet the policy's requests?  Required ones must be met in
/// order, innermost first; layers that nobody asked for do no harm.  A policy without requests is met by nothing.
Judgement judge(const History& history, const spd::Policy& policy, const net::Flow& flow, const Settings& settings);

}  // namespace testudo::engine
