#include "harness/figure.h"

#include <ctime>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/gateway.h"

namespace testudo::bench {
namespace {

/// Of this thread: what others do on the machine does not count.
double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

void add_side(const std::string& name, std::size_t packets, std::function<Side()> make) {
  const auto side = std::make_shared<std::optional<Side>>();
  const auto passes = [side, packets, make = std::move(make)](benchmark::State& state) {
    if (!*side) *side = make();
    for (auto _ : state) {
      (*side)->prepare();
      const double start = cpu_seconds();
      (*side)->work();
      state.SetIterationTime(cpu_seconds() - start);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(packets));
  };
  benchmark::RegisterBenchmark(name.c_str(), passes)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

/// Keeps packets per second and prints nothing.
class Keeper final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const auto found = run.counters.find("items_per_second");
      if (found != run.counters.end()) last_ = found->second.value;
    }
  }
  double last() const { return last_; }

 private:
  double last_ = 0;
};

double measure(const std::string& benchmark_name) {
  Keeper keeper;
  if (benchmark::RunSpecifiedBenchmarks(&keeper, "^" + benchmark_name + "/manual_time$") == 0) {
    give_up("no benchmark is called " + benchmark_name);
  }
  return keeper.last();
}

void print_list(const char* name, const std::vector<double>& values, const char* end) {
  std::printf("\"%s\": [", name);
  for (std::size_t i = 0; i < values.size(); ++i) std::printf("%s%.1f", i == 0 ? "" : ", ", values[i]);
  std::printf("]%s", end);
}

void run_pairs(const std::string& figure, int pairs) {
  std::vector<double> ours, theirs;
  measure(figure + "/ours");  // caches, page tables and the processor's clock; not kept
  measure(figure + "/theirs");
  for (int i = 0; i < pairs; ++i) {
    ours.push_back(measure(figure + "/ours"));
    theirs.push_back(measure(figure + "/theirs"));
  }
  std::printf("{");
  print_list("ours", ours, ", ");
  print_list("theirs", theirs, "}\n");
}

std::optional<std::string> value_of(std::string_view argument, std::string_view option) {
  if (!argument.starts_with(option)) return std::nullopt;
  return std::string{argument.substr(option.size())};
}

}  // namespace

void add(Figure figure) {
  add_side(figure.name + "/ours", figure.packets, std::move(figure.ours));
  add_side(figure.name + "/theirs", figure.packets, std::move(figure.theirs));
}

int run(int argc, char** argv) {
  int pairs = 0;
  std::string figure;
  std::vector<char*> others;
  for (int i = 0; i < argc; ++i) {
    if (const auto n = value_of(argv[i], "--pairs=")) {
      pairs = std::atoi(n->c_str());
    } else if (const auto name = value_of(argv[i], "--figure=")) {
      figure = *name;
    } else {
      others.push_back(argv[i]);
    }
  }
  int count = static_cast<int>(others.size());
  others.push_back(nullptr);
  benchmark::Initialize(&count, others.data());
  if (benchmark::ReportUnrecognizedArguments(count, others.data())) return 2;
  if (pairs > 0) {
    run_pairs(figure, pairs);
  } else {
    benchmark::RunSpecifiedBenchmarks();
  }
  return 0;
}

}  // namespace testudo::bench
