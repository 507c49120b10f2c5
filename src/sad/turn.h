#pragma once
// Whose turn it is with the inbound half of an SA, where several workers receive: its replay window and what is known
// of the peer's whereabouts have one writer at a time.  Each worker gets the SPIs that are its own, so hardly anybody
// ever waits; what comes to another one after all (a layer inside of another SA's, datagrams that the kernel joined) is
// right because of this and not because of who got it.  A byte, for there are many SAs.
#include <atomic>
#include <cstdint>

namespace testudo::sad {

class Turn {
 public:
  Turn() = default;
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  /// For as long as it lives.  Not two at a time: whoever has one waits for no other.
  class Held {
   public:
    /// Null: there is nobody else.
    explicit Held(Turn* turn) : turn_(turn) {
      if (turn_ != nullptr) turn_->take();
    }
    ~Held() {
      if (turn_ != nullptr) turn_->give();
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

   private:
    Turn* turn_;
  };

 private:
  void take() {
    while (taken_.exchange(1, std::memory_order_acquire) != 0) taken_.wait(1, std::memory_order_relaxed);
  }
  void give() {
    taken_.store(0, std::memory_order_release);
    taken_.notify_one();
  }

  std::atomic<std::uint8_t> taken_{0};
};

}  // namespace testudo::sad
