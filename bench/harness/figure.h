#pragma once
// A figure is two sides that do the same work on the same packets: ours and theirs, each a benchmark of Google
// Benchmark called NAME/ours and NAME/theirs.  The main program of every bench program runs them in turn, A B A B.
#include <benchmark/benchmark.h>

#include <functional>
#include <string>

namespace testudo::bench {

/// One pass over all packets: `prepare` is not timed, `work` is.
struct Side {
  std::function<void()> prepare, work;
};

/// Registers NAME/ours and NAME/theirs.  `make` is called when the side runs for the first time, and may end the
/// program when a check of its results fails.  `packets` is what one pass handles.
struct Figure {
  std::string name;
  std::size_t packets = 0;
  std::function<Side()> ours, theirs;
};
void add(Figure figure);

/// Like benchmark::Initialize() and RunSpecifiedBenchmarks(); with --pairs=N --figure=NAME instead, the two sides of
/// one figure in turn, N times, and their packets per second as JSON.
int run(int argc, char** argv);

}  // namespace testudo::bench
