#include "app/testudo/replay.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/testudo/render.h"
#include "observe/control.h"

namespace testudo::app {

Totals replay(io::PcapReader& reader, const Feed& feed) {
  engine::PacketBuffer buffer;
  Totals totals;
  Time now{};
  while (const auto packet = reader.next()) {
    ++totals.read;
    if (!buffer.assign(packet->ip)) {
      ++totals.too_long;
      continue;
    }
    now = std::max(now, Time{packet->time});  // a capture may be out of order; time may not
    feed(buffer, packet->time, now);
  }
  return totals;
}

void print_trace(const engine::TraceStep& step, const CommonOptions& common, std::string_view prefix) {
  const std::string line = observe::trace_line(step);
  const cli::RenderOptions options{false, common.colour};
  fmt::print("{}{}", prefix, common.json ? line + "\n" : cli::render_trace(nlohmann::json::parse(line), options));
}

int fail(const std::string& words) {
  fmt::print(stderr, "testudo: {}\n", words);
  return 1;
}

std::string clash_of(std::initializer_list<std::string_view> files) {
  for (const auto* one = files.begin(); one != files.end(); ++one) {
    for (const auto* other = one + 1; other != files.end(); ++other) {
      std::error_code none;
      const bool same = *one == *other || std::filesystem::equivalent(*one, *other, none);
      if (same && !one->empty() && !std::filesystem::is_other(*one, none)) {
        return std::string{*one} + " and " + std::string{*other} + " are the same file";
      }
    }
  }
  return {};
}

}  // namespace testudo::app
