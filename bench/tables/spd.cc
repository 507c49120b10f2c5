// Look-ups among many policies, beside the same rules in another program.
//   spd RULES TRACE       reads rules and flows in the form of ClassBench (bench/figures/tables.py writes them), and
//                         prints {"policies": how many}; then, for each line that it reads, looks all flows up and
//                         prints {"cycles": a look-up, "changes": a second}.  Of a line "N", so many changes a second
//                         are due meanwhile.
#include <x86intrin.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "harness/gateway.h"
#include "spd/database.h"

namespace {

using namespace testudo;

using Clock = std::chrono::steady_clock;
constexpr std::size_t kBurst = 64;
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

  void make_those_due() {
    // No more than look-ups at a time, so that changes that take too long do not go on for ever.
    const double due = seconds() * a_second_;
    for (std::size_t n = 0; n < kBurst && static_cast<double>(made_) < due; ++n, ++made_) {
      const spd::Policy& policy = rules_[made_ / 2 * 7919 % rules_.size()];
      const bool done = made_ % 2 == 0 ? database_.remove(policy.direction, policy.selector).has_value()
                                       : database_.add(policy).has_value();
      if (!done) bench::give_up("a change is refused");
    }
  }
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  /// A second, of those that were made.
  double finish() {
    const double rate = static_cast<double>(made_) / seconds();
    if (made_ % 2 == 1) static_cast<void>(database_.add(rules_[made_ / 2 * 7919 % rules_.size()]));
    return rate;
  }

 private:
  spd::Database& database_;
  const std::vector<spd::Policy>& rules_;
  double a_second_;
  Clock::time_point start_ = Clock::now();
  std::size_t made_ = 0;
};

double lookups(spd::Database& database, const std::vector<net::Flow>& flows, Changes& changes) {
  std::size_t found = 0;
  const std::uint64_t start = __rdtsc();
  for (int pass = 0; pass < kPasses; ++pass) {
    for (std::size_t i = 0; i < flows.size(); ++i) {
      if (i % kBurst == 0) changes.make_those_due();
      found += database.lookup(spd::Direction::Out, flows[i]) != nullptr ? 1 : 0;
    }
  }
  const auto cycles = static_cast<double>(__rdtsc() - start);
  if (found == 0) bench::give_up("no policy was found");
  return cycles / kPasses / static_cast<double>(flows.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::vector<spd::Policy> rules = read_rules(argv[1]);
  const std::vector<net::Flow> flows = read_flows(argv[2]);
  spd::Database database;
  for (const spd::Policy& policy : rules) {
    if (!database.add(policy)) bench::give_up("a policy is refused");
  }
  std::cout << "{\"policies\": " << database.size() << "}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    Changes changes{database, rules, std::atof(line.c_str())};
    const double cycles = lookups(database, flows, changes);
    std::cout << "{\"cycles\": " << cycles << ", \"changes\": " << changes.finish() << "}" << std::endl;
  }
  return 0;
}
