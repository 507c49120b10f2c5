// Several engines on one outbound SA, each in a thread of its own, against one of them alone.
//
//   bench_workers [--pairs=N]      {"ours": [two workers' packets a second], "theirs": [one's], "ours_busy": …, …}
//
// A worker's rate is its packets by the time in which it sealed them: on the clock, and ("busy") by what it had of the
// processor, which other programs on the machine do not change.  Those of both workers are added.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <latch>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "harness/gateway.h"
#include "harness/pool.h"

namespace testudo::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kWorkers = 2, kSize = 1400;
constexpr auto kLong = std::chrono::milliseconds{300}, kShort = std::chrono::milliseconds{5};

double busy_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// Packets a second.
struct Rate {
  double by_clock = 0, busy = 0;

  Rate& operator+=(const Rate& other) {
    by_clock += other.by_clock;
    busy += other.busy;
    return *this;
  }
};

struct Sealing {
  std::unique_ptr<Gateway> gateway;
  Pool pool{kSize};

  Rate seal_for(Clock::duration time) {
    Clock::duration sealing{};
    double busy = 0, packets = 0;
    for (const auto end = Clock::now() + time; Clock::now() < end; packets += static_cast<double>(pool.size())) {
      pool.renew_headers();
      const double busy_before = busy_seconds();
      const auto before = Clock::now();
      gateway->seal(pool.packets());
      sealing += Clock::now() - before;
      busy += busy_seconds() - busy_before;
    }
    gateway->expect_nothing_lost();
    return {packets / std::chrono::duration<double>(sealing).count(), packets / busy};
  }
};

class Bench {
 public:
  Bench() {
    for (std::size_t i = 0; i < kWorkers; ++i) {
      auto gateway = i == 0 ? std::make_unique<Gateway>(Gateway::End::Sealing, Cipher{"aes-gcm-16", "", 20})
                            : std::make_unique<Gateway>(*workers_[0].gateway, static_cast<std::uint8_t>(i));
      workers_.push_back({std::move(gateway)});
    }
  }

  /// The first `count` workers together.
  Rate measure(std::size_t count, Clock::duration time) {
    std::vector<Rate> rates(count);
    std::latch start{static_cast<std::ptrdiff_t>(count)};
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < count; ++i) {
        threads.emplace_back([&, i] {
          start.arrive_and_wait();
          rates[i] = workers_[i].seal_for(time);
        });
      }
    }
    expect_every_packet_counted();
    Rate sum;
    for (const Rate& rate : rates) sum += rate;
    return sum;
  }

 private:
  void expect_every_packet_counted() const {
    std::uint64_t sent = 0;
    for (const Sealing& worker : workers_) sent += worker.gateway->passed();
    const sad::Sa& sa = workers_[0].gateway->sa();
    if (sa.sequence.last() != sent || sa.usage().packets != sent) give_up("numbers or counts are lost");
  }

  std::vector<Sealing> workers_;
};

void print_rates(const char* name, const std::vector<Rate>& rates, double Rate::*kind, const char* end) {
  std::printf("\"%s\": [", name);
  for (std::size_t i = 0; i < rates.size(); ++i) std::printf("%s%.1f", i == 0 ? "" : ", ", rates[i].*kind);
  std::printf("]%s", end);
}

void run_pairs(int pairs, Clock::duration time) {
  Bench bench;
  bench.measure(kWorkers, time);  // caches, page tables and the processor's clock; not kept
  std::vector<Rate> ours, theirs;
  for (int i = 0; i < pairs; ++i) {
    ours.push_back(bench.measure(kWorkers, time));
    theirs.push_back(bench.measure(1, time));
  }
  std::printf("{");
  print_rates("ours", ours, &Rate::by_clock, ", ");
  print_rates("theirs", theirs, &Rate::by_clock, ", ");
  print_rates("ours_busy", ours, &Rate::busy, ", ");
  print_rates("theirs_busy", theirs, &Rate::busy, "}\n");
}

}  // namespace
}  // namespace testudo::bench

int main(int argc, char** argv) {
  constexpr std::string_view kPairs = "--pairs=";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument{argv[i]};
    if (!argument.starts_with(kPairs)) continue;
    testudo::bench::run_pairs(std::atoi(argument.substr(kPairs.size()).data()), testudo::bench::kLong);
    return 0;
  }
  testudo::bench::run_pairs(1, testudo::bench::kShort);
}
