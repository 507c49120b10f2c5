// testudo ring: two engines and a wire between them in memory.  What one end of a tunnel makes of packets, the other
// end opens, and each says why it dropped what is missing.
#include "io/ring.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "app/testudo/offline.h"
#include "app/testudo/replay.h"
#include "cli/testudo/render.h"
#include "wire/packet/ip.h"

namespace testudo::app {
namespace {

using nlohmann::json;

constexpr std::size_t kWirePackets = 256;

/// The captures that are written, and the time of the packet under way.
struct Captures {
  std::optional<io::PcapWriter> delivered, wire;
  io::CaptureTime time{};
};

/// One engine with its end of the wire.
class End final : public engine::Outbox {
 public:
  End(std::string name, const CommonOptions& common, Captures& captures)
      : name_(std::move(name)), common_(common), captures_(captures) {}

  Offline& offline() { return offline_; }
  const engine::Statistics& statistics() { return offline_.engine().statistics(); }
  std::uint64_t in_clear() const { return in_clear_; }
  std::uint64_t delivered() const { return delivered_; }

  void send(engine::PacketBuffer& packet, Time now) {
    const std::array batch{&packet};
    offline_.engine().outbound(batch, now, *this);
  }
  void receive_from(End& other, Time now);

  void to_wire(engine::PacketBuffer& packet, bool in_clear) override {
    in_clear_ += in_clear ? 1 : 0;
    if (captures_.wire) captures_.wire->write(packet.bytes(), captures_.time);
    if (!to_other_.send(packet.bytes())) offline_.engine().count_drop(net::DropReason::QueueFull, packet.bytes());
  }
  void to_host(engine::PacketBuffer& packet) override {
    if (!receiving_) return;  // an ICMP error for the sender
    ++delivered_;
    if (captures_.delivered) captures_.delivered->write(packet.bytes(), captures_.time);
  }
  void acquire(const engine::Acquire&) override {}
  void trace(const engine::TraceStep& step) override { print_trace(step, common_, name_ + " "); }

 private:
  std::string name_;
  const CommonOptions& common_;
  Captures& captures_;
  Offline offline_{{}};
  io::Ring to_other_{kWirePackets};
  engine::PacketBuffer arriving_;
  bool receiving_ = false;
  std::uint64_t in_clear_ = 0, delivered_ = 0;
};

void End::receive_from(End& other, Time now) {
  receiving_ = true;
  for (;;) {
    arriving_.reset();
    io::Slot slot{arriving_.free_space(), 0};
    if (other.to_other_.receive({&slot, 1}) == 0) break;
    arriving_.set_size(slot.length);
    const std::array batch{&arriving_};
    offline_.engine().inbound(batch, now, *this);
  }
  offline_.engine().tick(now, *this);
  receiving_ = false;
}

/// Of whom a packet is: of the end that has a policy for it, and of the first one when both have or none.
End& sender_of(Bytes packet, End& a, End& b) {
  const auto ip = wire::packet::parse_ip(packet);
  if (!ip) return a;
  const net::Flow flow = wire::packet::flow_of(*ip, packet);
  return !a.offline().has_policy_for(flow) && b.offline().has_policy_for(flow) ? b : a;
}

json facts_of(End& end) {
  const engine::Statistics& s = end.statistics();
  json facts = json::parse(end.offline().control().handle(R"({"cmd":"drops"})", true));
  facts["sent"] = s.outbound_packets;
  facts["to_wire"] = s.to_wire;
  facts["in_clear"] = end.in_clear();
  facts["from_wire"] = s.inbound_packets;
  facts["delivered"] = end.delivered();
  return facts;
}

void report(const CommonOptions& common, const Totals& totals, std::uint64_t skipped, End& a, End& b) {
  const json facts{
      {"read", totals.read}, {"skipped", skipped + totals.too_long}, {"a", facts_of(a)}, {"b", facts_of(b)}};
  if (common.json) return fmt::print("{}\n", facts.dump());
  fmt::print("{} packets read, {} frames skipped\n", totals.read, skipped + totals.too_long);
  for (const char* name : {"a", "b"}) {
    const json& end = facts[name];
    fmt::print("{}: {} sent, {} to the wire ({} in clear), {} from the wire, {} delivered\n", name,
               end["sent"].get<std::uint64_t>(), end["to_wire"].get<std::uint64_t>(),
               end["in_clear"].get<std::uint64_t>(), end["from_wire"].get<std::uint64_t>(),
               end["delivered"].get<std::uint64_t>());
    fmt::print("{}", cli::render_drops(end, {true, common.colour}));
  }
}

/// True when the end has what its script says; else the complaints are on stderr.
bool prepare(End& end, const std::string& config, const RingOptions& options) {
  end.offline().set_mtu(options.mtu);
  end.offline().engine().set_tracing(options.trace);
  const auto complaints = end.offline().load(config, Time{});
  for (const std::string& line : complaints) fmt::print(stderr, "{}\n", line);
  return complaints.empty();
}

/// Opens the capture `path` when there is one to write; "" or what went wrong.
std::string open_capture(std::optional<io::PcapWriter>& writer, const std::string& path) {
  if (path.empty()) return {};
  auto created = io::PcapWriter::create(path);
  if (!created) return created.error();
  writer.emplace(*std::move(created));
  return {};
}

}  // namespace

int run_ring(const CommonOptions& common, const RingOptions& options) {
  if (options.configs.size() != 2)
    return fail("ring needs --config twice: of the end that sends, of the one that receives");
  const std::string clash = clash_of({options.input, options.output, options.wire});
  if (!clash.empty()) return fail(clash);
  auto reader = io::PcapReader::open(options.input);
  if (!reader) return fail(reader.error());
  Captures captures;
  End a{"a", common, captures}, b{"b", common, captures};
  if (!prepare(a, options.configs[0], options) || !prepare(b, options.configs[1], options)) return 1;
  for (const std::string& refused :
       {open_capture(captures.delivered, options.output), open_capture(captures.wire, options.wire)}) {
    if (!refused.empty()) return fail(refused);
  }
  const Totals totals = replay(*reader, [&](engine::PacketBuffer& packet, io::CaptureTime captured, Time now) {
    captures.time = captured;
    sender_of(packet.bytes(), a, b).send(packet, now);
    b.receive_from(a, now);
    a.receive_from(b, now);
  });
  report(common, totals, reader->skipped(), a, b);
  for (auto* writer : {&captures.delivered, &captures.wire}) {
    const std::string unwritten = *writer ? (*writer)->close() : "";
    if (!unwritten.empty()) return fail(unwritten);
  }
  return reader->error().empty() ? 0 : fail(options.input + ": " + reader->error());
}

}  // namespace testudo::app
