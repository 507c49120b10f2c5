#include "app/racoon/workers.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <latch>

#include "crypto/ike/rows.h"
#include "io/random.h"

namespace testudo::app {
namespace {

/// Signals belong to the thread of the event loop.
void block_signals() {
  sigset_t all{};
  ::sigfillset(&all);
  ::sigdelset(&all, SIGSYS);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

/// The allocator and OpenSSL set up what each thread has of its own.
void wake_thread() {
  io::KernelRandom random;
  const auto* const group = crypto::ike::group_by_name("modp2048");
  if (group == nullptr) return;
  const auto own = crypto::ike::KeyExchange::generate(*group, random);
  if (own) static_cast<void>(own->agree(own->public_value()));
}

}  // namespace

unsigned Workers::usual_number() {
  return std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
}

Workers::Workers(unsigned threads) : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const unsigned number = std::max(threads, 1U);
  std::latch awake{number};
  for (unsigned i = 0; i < number; ++i) {
    threads_.emplace_back([this, &awake] {
      block_signals();
      wake_thread();
      awake.count_down();
      run();
    });
  }
  awake.wait();
}

Workers::~Workers() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  given_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::give(ike::Compute work) {
  {
    const std::lock_guard lock{mutex_};
    waiting_.push_back(std::move(work));
  }
  given_.notify_one();
}

std::vector<ike::Computed> Workers::take() {
  std::uint64_t count = 0;
  static_cast<void>(::read(event_.get(), &count, sizeof count) < 0);
  const std::lock_guard lock{mutex_};
  return std::exchange(done_, {});
}

std::optional<ike::Compute> Workers::next() {
  std::unique_lock lock{mutex_};
  given_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
  if (ending_) return std::nullopt;
  ike::Compute work = std::move(waiting_.front());
  waiting_.pop_front();
  return work;
}

void Workers::run() {
  while (auto work = next()) {
    auto product = std::make_shared<const ike::WorkProduct>(work->work());
    // What it held goes before the answer is known: keys live no longer than they must.
    work->work = nullptr;
    {
      const std::lock_guard lock{mutex_};
      done_.push_back({work->id, std::move(product)});
    }
    constexpr std::uint64_t kOne = 1;
    static_cast<void>(::write(event_.get(), &kOne, sizeof kOne) < 0);
  }
}

}  // namespace testudo::app
