#pragma once
// What `testudo pcap` and `testudo ring` have in common: the packets of a capture one after the other, traces,
// complaints.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "app/testudo/commands.h"
#include "engine/engine.h"
#include "io/pcap.h"

namespace testudo::app {

struct Totals {
  std::uint64_t read = 0, too_long = 0;
};

/// One packet, the time at which it was captured, and that time as the engine's clock, which never goes back.
using Feed = std::function<void(engine::PacketBuffer& packet, io::CaptureTime captured, Time now)>;
Totals replay(io::PcapReader& reader, const Feed& feed);

/// A line of a trace, as JSON or for people, behind `prefix`.
void print_trace(const engine::TraceStep& step, const CommonOptions& common, std::string_view prefix = {});

/// Says so and gives the exit status.
int fail(const std::string& words);

/// "" or why these files cannot all be used: the capture that is read is not written over, and none is written twice.
std::string clash_of(std::initializer_list<std::string_view> files);

}  // namespace testudo::app
