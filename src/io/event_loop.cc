#include "io/event_loop.h"

#define ASIO_STANDALONE
#define ASIO_NO_DEPRECATED
#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <utility>

#include "io/spin_budget.h"

namespace testudo::io {

struct EventLoop::Impl {
  asio::io_context context{1};
  struct Signal {
    Signal(asio::io_context& in, int number, Callback on_signal) : set(in, number), callback(std::move(on_signal)) {}
    asio::signal_set set;
    Callback callback;
  };
  std::deque<Signal> signals;
  std::function<void(const Callback&)> around = [](const Callback& callback) { callback(); };

  void arm(Signal& signal) {
    signal.set.async_wait([this, &signal](const asio::error_code& error, int) {
      if (error) return;
      around(signal.callback);
      arm(signal);
    });
  }
};

struct EventLoop::Watch::State : std::enable_shared_from_this<State> {
  State(Impl& of, int number, Callback on_readable)
      : in(of), descriptor(of.context, number), readable(std::move(on_readable)) {}

  void arm() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const asio::error_code& error) {
                            if (!error) self->in.around([&] { self->call(); });
                          });
  }
  void call() {
    if (closed) return;
    readable();
    if (!closed) arm();
  }
  // The descriptor belongs to somebody else: release() forgets it without closing.
  void close() {
    closed = true;
    descriptor.release();
  }

  Impl& in;
  asio::posix::stream_descriptor descriptor;
  Callback readable;
  bool closed = false;
};

EventLoop::Watch::Watch(std::shared_ptr<State> state) : state_(std::move(state)) {}
EventLoop::Watch::Watch(Watch&& other) noexcept : state_(std::move(other.state_)) {}
EventLoop::Watch& EventLoop::Watch::operator=(Watch&& other) noexcept {
  if (state_) state_->close();
  state_ = std::move(other.state_);
  return *this;
}
EventLoop::Watch::~Watch() {
  if (state_) state_->close();
}

void EventLoop::Watch::when_writable(Callback callback) {
  state_->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                                [self = state_, callback = std::move(callback)](const asio::error_code& error) {
                                  if (error) return;
                                  self->in.around([&] {
                                    if (!self->closed) callback();
                                  });
                                });
}

struct EventLoop::Timer::State : std::enable_shared_from_this<State> {
  State(Impl& of, Duration every, Callback on_tick)
      : in(of), timer(of.context), period(every), callback(std::move(on_tick)) {}

  // From the planned instant, not from now: late callbacks do not make the rhythm drift.
  void arm(asio::steady_timer::time_point at) {
    timer.expires_at(at);
    timer.async_wait([self = shared_from_this(), at](const asio::error_code& error) {
      if (!error) self->in.around([&] { self->call(at); });
    });
  }
  void call(asio::steady_timer::time_point at) {
    if (closed) return;
    callback();
    const auto now = asio::steady_timer::clock_type::now();
    if (!closed) arm(std::max(at + period, now));
  }

  Impl& in;
  asio::steady_timer timer;
  Duration period;
  Callback callback;
  bool closed = false;
};

EventLoop::Timer::Timer(std::shared_ptr<State> state) : state_(std::move(state)) {}
EventLoop::Timer::Timer(Timer&& other) noexcept : state_(std::move(other.state_)) {}
EventLoop::Timer& EventLoop::Timer::operator=(Timer&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}
EventLoop::Timer::~Timer() {
  if (!state_) return;
  state_->closed = true;
  state_->timer.cancel();
}

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

EventLoop::Watch EventLoop::watch(int descriptor, Callback readable) {
  auto state = std::make_shared<Watch::State>(*impl_, descriptor, std::move(readable));
  state->arm();
  return Watch{std::move(state)};
}

EventLoop::Timer EventLoop::every(Duration period, Callback callback) {
  auto state = std::make_shared<Timer::State>(*impl_, period, std::move(callback));
  state->arm(asio::steady_timer::clock_type::now() + period);
  return Timer{std::move(state)};
}

void EventLoop::on_signal(int number, Callback callback) {
  impl_->arm(impl_->signals.emplace_back(impl_->context, number, std::move(callback)));
}

void EventLoop::post(Callback callback) {
  asio::post(impl_->context, [this, callback = std::move(callback)] { impl_->around(callback); });
}

void EventLoop::surround(std::function<void(const Callback&)> around) {
  impl_->around = std::move(around);
}

bool EventLoop::look_again(Duration most) {
  using Clock = std::chrono::steady_clock;
  for (const auto end = Clock::now() + most; Clock::now() < end;) {
    if (impl_->context.poll() > 0 || impl_->context.stopped()) return true;
  }
  return false;
}

void EventLoop::run(Duration spin) {
  auto& context = impl_->context;
  SpinBudget budget{spin};
  while (!context.stopped()) {
    if (context.poll() > 0) continue;
    const Duration most = budget.next();
    const bool came = most > Duration{} && look_again(most);
    if (most > Duration{}) budget.ended(came);
    if (!came) context.run_one();
  }
}

void EventLoop::stop() {
  impl_->context.stop();
}

}  // namespace testudo::io
