// Look-ups among many policies, beside the same rules in another program.
//   spd RULES TRACE       reads rules and flows in the form of ClassBench (bench/figures/tables.py writes them), and
//                         prints {"policies": how many}; then, for each line that it reads, looks all flows up as a
//                         reader of the database does, and prints {"cycles": a look-up, "nanoseconds": of the
//                         processor, "changes": a second}.  Of a line "N", another thread makes so many changes a
//                         second meanwhile, and publishes them.
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "harness/gateway.h"
#include "spd/database.h"
#include "spd/reader.h"

namespace {

using namespace testudo;

using Clock = std::chrono::steady_clock;
constexpr std::size_t kBurst = spd::View::kMostFlows;
constexpr std::size_t kMostAtOnce = 1024;  // changes in one publication
constexpr int kPasses = 8;

std::vector<spd::Policy> read_rules(const char* path) {
  std::vector<spd::Policy> out;
  std::ifstream in{path};
  for (std::string line; std::getline(in, line);) {
    unsigned a, b, c, d, length, e, f, g, h, other_length, low, high, protocol, mask, unused, unused_high;
    if (std::sscanf(line.c_str(), "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x", &a, &b, &c, &d, &length, &e,
                    &f, &g, &h, &other_length, &unused, &unused_high, &low, &high, &protocol, &mask) != 16) {
      bench::give_up("not a rule: " + line);
    }
    spd::Policy policy;
    policy.direction = spd::Direction::Out;
    policy.action = spd::Action::Discard;
    policy.selector.source = {net::Address::v4(a << 24 | b << 16 | c << 8 | d), static_cast<std::uint8_t>(length)};
    policy.selector.destination = {net::Address::v4(e << 24 | f << 16 | g << 8 | h),
                                   static_cast<std::uint8_t>(other_length)};
    if (mask != 0) policy.selector.protocol = static_cast<std::uint8_t>(protocol);
    if (low == high) policy.selector.destination_port = static_cast<std::uint16_t>(low);
    out.push_back(std::move(policy));
  }
  return out;
}

std::vector<net::Flow> read_flows(const char* path) {
  std::vector<net::Flow> out;
  std::ifstream in{path};
  for (std::uint32_t from, to, source_port, destination_port, protocol;
       in >> from >> to >> source_port >> destination_port >> protocol;) {
    out.push_back({net::Address::v4(from), net::Address::v4(to), static_cast<std::uint8_t>(protocol),
                   static_cast<std::uint16_t>(source_port), static_cast<std::uint16_t>(destination_port)});
  }
  return out;
}

/// One policy after the other is taken out and put back at the end.
class Changes {
 public:
  Changes(spd::Database& database, const std::vector<spd::Policy>& rules, double a_second)
      : database_(database), rules_(rules), a_second_(a_second) {}

  void make_and_publish_those_due() {
    const double due = seconds() * a_second_;
    for (std::size_t n = 0; n < kMostAtOnce && static_cast<double>(made_) < due; ++n, ++made_) {
      const spd::Policy& policy = rules_[made_ / 2 * 7919 % rules_.size()];
      const bool done = made_ % 2 == 0 ? database_.remove(policy.direction, policy.selector).has_value()
                                       : database_.add(policy).has_value();
      if (!done) bench::give_up("a change is refused");
    }
    database_.publish();
  }
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  /// A second, of those that were made.
  double finish() {
    const double rate = static_cast<double>(made_) / seconds();
    if (made_ % 2 == 1) static_cast<void>(database_.add(rules_[made_ / 2 * 7919 % rules_.size()]));
    database_.publish();
    return rate;
  }

 private:
  spd::Database& database_;
  const std::vector<spd::Policy>& rules_;
  double a_second_;
  Clock::time_point start_ = Clock::now();
  std::size_t made_ = 0;
};

double busy_nanoseconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

struct Cost {
  double cycles = 0, nanoseconds = 0;
};

/// Of one look-up, in batches.
Cost lookups(spd::Reader& reader, const std::vector<net::Flow>& flows) {
  std::size_t found = 0;
  std::array<const spd::Policy*, kBurst> policies;
  const double busy = busy_nanoseconds();
  const std::uint64_t start = __rdtsc();
  for (int pass = 0; pass < kPasses; ++pass) {
    for (std::size_t batch = 0; batch < flows.size(); batch += kBurst) {
      const spd::View& view = reader.enter();
      const auto burst = std::span{flows}.subspan(batch, std::min(kBurst, flows.size() - batch));
      view.lookup(spd::Direction::Out, burst, policies);
      for (std::size_t i = 0; i < burst.size(); ++i) found += policies[i] != nullptr ? 1 : 0;
      reader.leave();
    }
  }
  const auto cycles = static_cast<double>(__rdtsc() - start);
  if (found == 0) bench::give_up("no policy was found");
  const double count = kPasses * static_cast<double>(flows.size());
  return {cycles / count, (busy_nanoseconds() - busy) / count};
}

/// Changes the database in a thread of its own while it exists.
class Changer {
 public:
  explicit Changer(Changes& changes)
      : thread_{[this, &changes] {
          while (!stop_) {
            changes.make_and_publish_those_due();
            std::this_thread::yield();
          }
        }} {}
  Changer(const Changer&) = delete;
  Changer& operator=(const Changer&) = delete;
  ~Changer() { stop_ = true; }

 private:
  std::atomic<bool> stop_{false};
  std::jthread thread_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::vector<spd::Policy> rules = read_rules(argv[1]);
  const std::vector<net::Flow> flows = read_flows(argv[2]);
  spd::Database database;
  for (const spd::Policy& policy : rules) {
    if (!database.add(policy)) bench::give_up("a policy is refused");
  }
  spd::Reader reader{database};
  std::cout << "{\"policies\": " << database.size() << "}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const double a_second = std::atof(line.c_str());
    Changes changes{database, rules, a_second};
    Cost cost;
    {
      std::optional<Changer> changer;
      if (a_second > 0) changer.emplace(changes);
      cost = lookups(reader, flows);
    }
    std::cout << "{\"cycles\": " << cost.cycles << ", \"nanoseconds\": " << cost.nanoseconds
              << ", \"changes\": " << changes.finish() << "}" << std::endl;
  }
  return 0;
}
