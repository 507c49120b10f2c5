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

/// What leaves the engine goes into the capture, at the time of the packet that caused it.
class CaptureOutbox final : public engine::Outbox {
 public:
  CaptureOutbox(io::PcapWriter& writer, const CommonOptions& common) : writer_(writer), common_(common) {}

  void at(io::CaptureTime time) { time_ = time; }
  void to_wire(engine::PacketBuffer& packet, bool) override { writer_.write(packet.bytes(), time_); }
  void to_host(engine::PacketBuffer& packet) override { writer_.write(packet.bytes(), time_); }
  void acquire(const engine::Acquire&) override {}
  void trace(const engine::TraceStep& step) override { print_trace(step, common_); }

 private:
  io::PcapWriter& writer_;
  const CommonOptions& common_;
  io::CaptureTime time_{};
};

/// A packet for one of our addresses comes from the network, any other is one to send.
bool comes_from_network(Bytes packet, const Offline& offline) {
  const auto ip = wire::packet::parse_ip(packet);
  return ip && offline.is_local(ip->destination);
}

void report(const CommonOptions& common, const Totals& totals, const io::PcapReader& reader, Offline& offline) {
  const engine::Statistics& s = offline.engine().statistics();
  json drops = json::parse(offline.control().handle(R"({"cmd":"drops"})", true));
  if (common.json) {
    drops["read"] = totals.read;
    drops["skipped"] = reader.skipped() + totals.too_long;
    drops["to_wire"] = s.to_wire;
    drops["to_host"] = s.to_host;
    fmt::print("{}\n", drops.dump());
    return;
  }
  fmt::print("{} packets read, {} frames skipped, {} to the wire, {} to the host\n", totals.read,
             reader.skipped() + totals.too_long, s.to_wire, s.to_host);
  fmt::print("{}", cli::render_drops(drops, {true, common.colour}));
}

}  // namespace

int run_pcap(const CommonOptions& common, const PcapOptions& options) {
  std::vector<net::Address> locals;
  for (const std::string& text : options.locals) {
    const auto address = net::Address::parse(text);
    if (!address) return fail("'" + text + "' is not an address");
    locals.push_back(*address);
  }
  const std::string clash = clash_of({options.input, options.output});
  if (!clash.empty()) return fail(clash);
  auto reader = io::PcapReader::open(options.input);
  if (!reader) return fail(reader.error());
  Offline offline{std::move(locals)};
  const auto complaints = offline.load(options.config, Time{});
  for (const std::string& line : complaints) fmt::print(stderr, "{}\n", line);
  if (!complaints.empty()) return 1;
  auto writer = io::PcapWriter::create(options.output);
  if (!writer) return fail(writer.error());

  offline.engine().set_tracing(options.trace);
  CaptureOutbox outbox{*writer, common};
  const Totals totals = replay(*reader, [&](engine::PacketBuffer& packet, io::CaptureTime captured, Time now) {
    outbox.at(captured);
    const std::array batch{&packet};
    if (comes_from_network(packet.bytes(), offline)) {
      offline.engine().inbound(batch, now, outbox);
    } else {
      offline.engine().outbound(batch, now, outbox);
    }
    offline.engine().tick(now, outbox);
  });
  report(common, totals, *reader, offline);
  const std::string unwritten = writer->close();
  if (!reader->error().empty()) return fail(options.input + ": " + reader->error());
  return unwritten.empty() ? 0 : fail(options.output + ": " + unwritten);
}

}  // namespace testudo::app
