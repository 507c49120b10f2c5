#pragma once
// One thread that waits for descriptors, timers and signals and calls back.  Standalone Asio does the waiting and stays
// behind this interface.  Handles are RAII: destroying one ends its callbacks, also from inside a callback.
//
//   EventLoop loop;
//   auto watch = loop.watch(tun.fd(), [&] { read_packets(); });
//   auto tick  = loop.every(std::chrono::seconds{1}, [&] { age(); });
//   loop.run();                                     // until stop()
//
// A watched descriptor must stay open until its Watch is gone.
//
// Of one thread, but for post() and stop(); and, where surround() lets only one thread do something at a time, handles
// may be made and destroyed inside of it by others than the one that runs the loop.
#include <functional>
#include <memory>

#include "base/time.h"

namespace testudo::io {

class EventLoop {
  struct Impl;

 public:
  using Callback = std::function<void()>;

  /// Calls back while the descriptor is readable and, when asked for, once it is writable.
  class Watch {
   public:
    Watch() = default;
    ~Watch();
    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) noexcept;

    /// Calls back once, when the descriptor takes data again.
    void when_writable(Callback callback);

   private:
    friend class EventLoop;
    struct State;
    explicit Watch(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
  };

  class Timer {
   public:
    Timer() = default;
    ~Timer();
    Timer(Timer&&) noexcept;
    Timer& operator=(Timer&&) noexcept;

   private:
    friend class EventLoop;
    struct State;
    explicit Timer(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
  };

  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  [[nodiscard]] Watch watch(int descriptor, Callback readable);
  [[nodiscard]] Timer every(Duration period, Callback callback);
  /// For the life of the loop.
  void on_signal(int number, Callback callback);
  /// From any thread: called back once, in the loop's.
  void post(Callback callback);
  /// Every callback from here on is called by this function, which is to call what it is given.
  void surround(std::function<void(const Callback&)> around);

  /// After something happened the loop looks again and again for up to this long before it sleeps, where that pays
  /// (spin_budget.h): waking up costs more than the next packet takes to come.
  void run(Duration spin = {});
  /// From any thread, too.
  void stop();

 private:
  bool look_again(Duration most);
  std::unique_ptr<Impl> impl_;
};

}  // namespace testudo::io
