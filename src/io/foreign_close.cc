#include "io/foreign_close.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <utility>

namespace testudo::io {
namespace {

constexpr long kPatience = 3'000'000;  // nanoseconds

bool is_of_the_internet(const Fd& fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return false;
  return domain == AF_INET || domain == AF_INET6;
}

void be_interrupted(int) {}

struct Held {
  Fd descriptor;
  std::shared_ptr<std::atomic<int>> waiting;
};

void* close_held(void* argument) {
  const std::unique_ptr<Held> held{static_cast<Held*>(argument)};
  held->descriptor.reset();
  --*held->waiting;
  return nullptr;
}

}  // namespace

Haste::Haste() {
  struct sigaction action {};
  action.sa_handler = be_interrupted;  // and no SA_RESTART
  ::sigaction(SIGVTALRM, &action, nullptr);
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGVTALRM;
  event._sigev_un._tid = static_cast<pid_t>(::syscall(SYS_gettid));
  armed_ = ::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
  const itimerspec soon{{0, kPatience}, {0, kPatience}};
  if (armed_) ::timer_settime(timer_, 0, &soon, nullptr);
}

Haste::~Haste() {
  if (armed_) ::timer_delete(timer_);
}

void ForeignClose::close(Fd descriptor) {
  if (!descriptor) return;
  if (is_of_the_internet(descriptor)) {
    const Haste haste;
    descriptor.reset();
  } else if (is_late() || !close_beside(descriptor)) {
    later_.push_back(std::move(descriptor));
  }
}

bool ForeignClose::is_late() {
  while (!later_.empty() && close_beside(later_.front())) later_.pop_front();
  return !later_.empty();
}

bool ForeignClose::close_beside(Fd& descriptor) {
  if (*waiting_ >= kMostThreads) return false;
  pthread_attr_t detached;
  ::pthread_attr_init(&detached);
  ::pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  auto held = std::make_unique<Held>(Held{std::move(descriptor), waiting_});
  pthread_t thread{};
  ++*waiting_;
  const bool started = ::pthread_create(&thread, &detached, close_held, held.get()) == 0;
  ::pthread_attr_destroy(&detached);
  if (started) {
    static_cast<void>(held.release());  // NOLINT(bugprone-unused-return-value): the thread's
    return true;
  }
  --*waiting_;
  descriptor = std::move(held->descriptor);
  return false;
}

}  // namespace testudo::io
