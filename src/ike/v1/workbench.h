#pragma once
// The slow steps of one message.  A handler asks for the product of a step; when that is not there yet it fails with
// not_yet(), and is called again with the same message once it is.  So a handler reads as if nothing took time, has to
// leave nothing behind before its last step that a second call would not overwrite, and draws what must not change in
// between (`make`, keep_nonce()) once.  One thread; the work itself runs in any.
#include <array>
#include <optional>
#include <utility>

#include "ike/refusal.h"
#include "ike/work.h"

namespace testudo::ike::v1 {

/// KeyPair: g^x and, when the peer's value is known by then, g^xy; Agreement: g^xy alone; Signature: ours;
/// Verification: of the peer's.
enum class SlowStep : std::uint8_t { KeyPair, Agreement, Signature, Verification };

class Workbench {
 public:
  explicit Workbench(SlowWork how = SlowWork::AtOnce) : how_(how) {}

  /// Null: not yet.  `make` gives the Work.
  template <typename Make>
  const WorkProduct* product(SlowStep step, Make make) {
    auto& kept = products_[static_cast<std::size_t>(step)];
    if (kept) return kept.get();
    Work work = make();
    if (how_ == SlowWork::AsActions) {
      wanted_ = Wanted{step, std::move(work)};
      return nullptr;
    }
    kept = std::make_shared<WorkProduct>(work());
    return kept.get();
  }
  /// What is there of a step; null: nothing.
  const WorkProduct* known(SlowStep step) const { return products_[static_cast<std::size_t>(step)].get(); }

  void forget(SlowStep step) { products_[static_cast<std::size_t>(step)].reset(); }

  /// True when the handler failed for that, and not for what the peer sent.
  bool waits() const { return wanted_.has_value(); }
  /// It is begun under this name.
  Work begin(WorkId id) {
    under_way_ = UnderWay{id, wanted_->step};
    Work work = std::move(wanted_->work);
    wanted_.reset();
    return work;
  }
  bool is_under_way() const { return under_way_.has_value(); }
  /// False when it is not the product of what is under way here.
  bool take(WorkId id, std::shared_ptr<const WorkProduct> product) {
    if (!under_way_ || under_way_->id != id) return false;
    products_[static_cast<std::size_t>(under_way_->step)] = std::move(product);
    under_way_.reset();
    return true;
  }
  /// The message has been worked on before.
  bool is_again() const { return products_ != decltype(products_){}; }
  /// False the first time: then it is to be drawn.
  bool keep_nonce() { return std::exchange(has_nonce_, true); }
  /// The message is done with, or was refused.
  void clear() { *this = Workbench{how_}; }

 private:
  struct Wanted {
    SlowStep step;
    Work work;
  };
  struct UnderWay {
    WorkId id;
    SlowStep step;
  };
  SlowWork how_;
  std::optional<Wanted> wanted_;
  std::optional<UnderWay> under_way_;
  std::array<std::shared_ptr<const WorkProduct>, 4> products_{};
  bool has_nonce_ = false;
};

/// For nobody to read: the handler is called again.
inline Mismatch not_yet() {
  return {};
}

/// `peer`: empty when it is not known yet.  The private value is drawn here.
Work key_pair_work(const crypto::ike::GroupRow& group, Bytes peer, Random& random);
Work agreement_work(std::shared_ptr<const crypto::ike::KeyExchange> own, Bytes peer);

}  // namespace testudo::ike::v1
