// testudo: looks into a running testudod and sets its variables.  testudo(8).
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "app/testudo/commands.h"

namespace {

using namespace testudo::app;  // NOLINT: this file is the program

/// Each subcommand stores what to run; main runs it after the whole line was understood.
struct Program {
  CLI::App app{"testudo: status, counters, variables, drops and traces of testudod"};
  CommonOptions common;
  std::function<int()> run;
  bool flag_a = false, flag_b = false, flag_c = false;
  std::vector<std::string> words;
  std::uint64_t limit = 0;
  TapOptions tap;
  PcapOptions pcap;
  RingOptions ring;
};

void add_inspection(Program& p) {
  auto* status = p.app.add_subcommand("status", "what runs, with how many SAs and policies");
  status->add_flag("--sockets", p.flag_a, "the sockets that have a policy of their own");
  status->callback([&p] { p.run = [&p] { return p.flag_a ? show_sockets(p.common) : show_status(p.common); }; });
  auto* stats = p.app.add_subcommand("stats", "the counters, as netstat -s prints them");
  stats->add_flag("-s,--nonzero", p.flag_a, "leave out lines that are zero (netstat -ss)");
  stats->add_flag("-z,--zero", p.flag_b, "set the counters to zero after printing");
  stats->callback([&p] { p.run = [&p] { return show_stats(p.common, p.flag_a, p.flag_b); }; });
  auto* drops = p.app.add_subcommand("drops", "why packets were dropped, with the last packet of each reason");
  drops->add_flag("-a,--all", p.flag_a, "every reason, also those that never happened");
  drops->callback([&p] { p.run = [&p] { return show_drops(p.common, p.flag_a); }; });
  auto* trace = p.app.add_subcommand("trace", "each packet's way, live: policy, SA, verdict, reason");
  trace->add_option("-c,--count", p.limit, "stop after this many steps");
  trace->callback([&p] { p.run = [&p] { return follow_trace(p.common, p.limit); }; });
  auto* version = p.app.add_subcommand("version", "this program's version");
  version->add_flag("--features", p.flag_a, "back ends and algorithms of this build");
  version->callback([&p] { p.run = [&p] { return show_version(p.flag_a); }; });
}

void add_tunnel(Program& p) {
  auto* tunnel_command = p.app.add_subcommand("tunnel",
                                              "routed tunnel interfaces: add NAME local A remote B [unnumbered] [reqid "
                                              "N] [nat-t PORT,PORT], delete NAME, list");
  tunnel_command->add_option("words", p.words, "add …, delete NAME, or list")->required();
  tunnel_command->callback([&p] { p.run = [&p] { return tunnel(p.common, p.words); }; });
}

void add_tap(Program& p) {
  auto* tap_command = p.app.add_subcommand("tap", "packets before and after IPsec, with SA, verdict and reason");
  tap_command->add_option("-w,--pcapng", p.tap.pcapng, "capture to write, - for standard output (wireshark -k -i -)");
  tap_command->add_option("-i,--interface", p.tap.interface, "device to make, for tcpdump -i");
  tap_command->add_option("-c,--count", p.tap.limit, "stop after this many packets");
  tap_command->callback([&p] { p.run = [&p] { return tap(p.common, p.tap); }; });
}

void add_explain(Program& p) {
  auto* explain_command = p.app.add_subcommand("explain", "why the last negotiations of racoon failed");
  explain_command->add_option("peer", p.words, "the address of one peer")->expected(0, 1);
  explain_command->callback([&p] { p.run = [&p] { return explain(p.common, p.words.empty() ? "" : p.words[0]); }; });
}

void add_sysctl(Program& p) {
  auto* sysctl_command = p.app.add_subcommand("sysctl", "the variables of net.inet.ipsec, net.inet6.ipsec6, net.key");
  sysctl_command->add_option("names", p.words, "NAME, a subtree, or with -w NAME=NUMBER");
  auto* write = sysctl_command->add_flag("-w,--write", p.flag_a, "write");
  sysctl_command->add_flag("-a,--all", p.flag_c, "all variables (also the default)")->excludes(write);
  sysctl_command->add_flag("-d,--describe", p.flag_b, "with range and meaning");
  sysctl_command->callback([&p] { p.run = [&p] { return sysctl(p.common, p.words, p.flag_a, p.flag_b); }; });
}

void add_pcap(Program& p) {
  auto* pcap = p.app.add_subcommand("pcap", "runs the packets of a capture through an engine of its own; no daemon");
  pcap->add_option("--config", p.pcap.config, "a setkey script with the SAs and policies")->required();
  pcap->add_option("--local", p.pcap.locals, "an address that is ours (repeatable); default: as the SAs suggest");
  pcap->add_flag("--trace", p.pcap.trace, "print each packet's way");
  pcap->add_option("input", p.pcap.input, "capture to read")->required();
  pcap->add_option("output", p.pcap.output, "capture to write: what would leave on the wire and reach the host")
      ->required();
  pcap->callback([&p] { p.run = [&p] { return run_pcap(p.common, p.pcap); }; });
}

void add_ring(Program& p) {
  auto* ring = p.app.add_subcommand("ring", "runs the packets of a capture through two engines, one behind the other");
  ring->add_option("--config", p.ring.configs,
                   "a setkey script; twice: of the end that sends, of the one that receives")
      ->required()
      ->expected(1)
      ->take_all();
  ring->add_option("--mtu", p.ring.mtu, "of the wire between them")->check(CLI::Range(576, 65535));
  ring->add_option("--wire", p.ring.wire, "capture to write: what crosses between them");
  ring->add_flag("--trace", p.ring.trace, "print each packet's way");
  ring->add_option("input", p.ring.input, "capture to read: packets in clear, of either side")->required();
  ring->add_option("output", p.ring.output, "capture to write: what is delivered");
  ring->callback([&p] { p.run = [&p] { return run_ring(p.common, p.ring); }; });
}

}  // namespace

int main(int argc, char** argv) {
  Program program;
  program.app.require_subcommand(1);
  program.app.fallthrough();
  program.app.add_option("--run-dir", program.common.run_dir, "the daemon's run directory (TESTUDO_RUN, /run/testudo)");
  program.app.add_flag("--json", program.common.json, "machine-readable output");
  program.app.set_version_flag("--version", std::string{"testudo "} + TESTUDO_VERSION);
  program.common.colour = ::isatty(STDOUT_FILENO) == 1;
  add_inspection(program);
  add_tunnel(program);
  add_tap(program);
  add_explain(program);
  add_sysctl(program);
  add_pcap(program);
  add_ring(program);
  CLI11_PARSE(program.app, argc, argv);
  return program.run();
}
