#include <array>
#include <nlohmann/json.hpp>

#include "net/protocol.h"
#include "observe/control.h"

namespace testudo::observe {
namespace {

using Kind = engine::TraceStep::Kind;

constexpr std::array kKinds{"policy",    "sealed",  "opened",   "stripped", "checked", "emitted",
                            "delivered", "dropped", "bypassed", "held",     "entered"};

bool names_an_sa(Kind kind) {
  return kind == Kind::Sealed || kind == Kind::Opened;
}

}  // namespace

std::string trace_line(const engine::TraceStep& step) {
  nlohmann::json line{{"packet", step.packet},
                      {"direction", step.direction == spd::Direction::Out ? "out" : "in"},
                      {"step", kKinds[static_cast<std::size_t>(step.kind)]},
                      {"flow", step.flow.to_string()},
                      {"length", step.length}};
  if (step.policy.value != 0) line["policy"] = step.policy.value;
  if (const auto name = net::protocol_name(step.protocol); step.protocol != 0 && name) line["protocol"] = *name;
  if (names_an_sa(step.kind)) {
    line["spi"] = step.spi.value;
    line["sequence"] = step.sequence;
  }
  if (step.kind == Kind::Dropped) {
    line["reason"] = net::describe(step.reason).name;
    line["sentence"] = net::describe(step.reason).sentence;
  }
  return line.dump();
}

}  // namespace testudo::observe
