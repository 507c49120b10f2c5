#pragma once
// Messages by which a peer learns that it may use SAs, until testudod has those by which it would: what it sends at
// once would meet an SA that does not exist yet and be lost.  PF_KEY takes as long as testudod is busy; IKE's answer
// does not wait for it by itself.  Pure; one thread.  Bounded by the SAs that are being installed.
#include <functional>
#include <utility>
#include <vector>

#include "ike/event.h"

namespace testudo::app {

class HeldMessages {
 public:
  void hold(ike::ChildId child, ike::Send message) { held_.emplace_back(child, std::move(message)); }
  /// Its SAs will not be.
  void drop(ike::ChildId child) {
    std::erase_if(held_, [child](const auto& each) { return each.first == child; });
  }
  /// Those whose SAs are there, in the order in which they came.
  std::vector<ike::Send> release(const std::function<bool(ike::ChildId)>& is_installing) {
    std::vector<ike::Send> free;
    std::erase_if(held_, [&](auto& each) {
      if (is_installing(each.first)) return false;
      free.push_back(std::move(each.second));
      return true;
    });
    return free;
  }

 private:
  std::vector<std::pair<ike::ChildId, ike::Send>> held_;
};

}  // namespace testudo::app
