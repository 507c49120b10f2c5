#pragma once
// Which SAs protect a packet: the requests of its policy in their order (the first is the innermost), each with the SA
// that serves it now.  RFC 4301 section 5.1 step 3a; names of KAME.  All of them are found before the first is applied,
// so that a packet is never sent half protected.  Nothing here touches a packet.
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/passage.h"

namespace testudo::engine {

/// One SA to apply.
struct SealStep {
  sad::Sa* sa = nullptr;
  bool encapsulate = false;  ///< an outer header goes in front first

  friend bool operator==(const SealStep&, const SealStep&) = default;
};

class Bundle {
 public:
  static constexpr std::size_t kMaxSteps = 16;

  Bundle() = default;
  /// At most kMaxSteps; `destination` is where the protected packet goes.
  Bundle(std::span<const SealStep> steps, const net::Address& destination);

  std::span<const SealStep> steps() const { return std::span{steps_}.first(size_); }
  /// The packet's own destination, or the outermost tunnel's end.
  const net::Address& destination() const { return destination_; }
  /// The most that all steps together add to a packet.
  std::size_t overhead() const;
  /// The size above which a packet is cut before it is encapsulated (SADB_X_EXT_NAT_T_FRAG); none when no step asks.
  std::optional<std::size_t> fragment_size() const;

  friend bool operator==(const Bundle& a, const Bundle& b);

 private:
  std::array<SealStep, kMaxSteps> steps_{};
  std::size_t size_ = 0;
  net::Address destination_;
};

struct Assembly {
  /// Empty when every request is optional and has no SA.  Fails with NoSa, TransformDisabled or BundleTooDeep.
  Result<Bundle, net::DropReason> bundle;
  /// What there is no SA for.  KAME asks the key daemon on behalf of optional requests too.
  std::vector<sad::SaGroup> missing;
  /// Whose transform is switched off, when that is why there is no bundle.
  LayerName refused{};
};

/// The bundle of `policy` for a packet of this flow.
Assembly assemble(const spd::Policy& policy, const net::Flow& flow, const Engine::Parts& parts);

}  // namespace testudo::engine
