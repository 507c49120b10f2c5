#pragma once
// The commands of testudo(8), one function each; its return value is the exit status.
#include <cstdint>
#include <string>
#include <vector>

namespace testudo::app {

/// Exit statuses beside 0.
inline constexpr int kRefused = 1, kNoDaemon = 2;

struct CommonOptions {
  std::string run_dir;
  bool json = false;
  bool colour = false;
};

int show_status(const CommonOptions& common);
/// Sockets with a policy of their own.
int show_sockets(const CommonOptions& common);
int show_stats(const CommonOptions& common, bool nonzero_only, bool reset);
int show_drops(const CommonOptions& common, bool all);
/// `assignments` are NAME or NAME=VALUE; empty with `all` lists every variable.
int sysctl(const CommonOptions& common, const std::vector<std::string>& assignments, bool write, bool verbose);
/// net.key.dumpsa or net.key.dumpsp: the messages themselves, which sysctl() only counts.
int show_table(const CommonOptions& common, const std::string& name);
/// The words of `testudo tunnel`: add …, delete NAME, list.
int tunnel(const CommonOptions& common, const std::vector<std::string>& words);
/// Asks racoon, at its usual socket, why negotiations failed; with one peer, or with "" all.
int explain(const CommonOptions& common, const std::string& peer);
int follow_trace(const CommonOptions& common, std::uint64_t limit);
int show_version(bool features);

struct TapOptions {
  std::string pcapng;     ///< file to write; "-": standard output
  std::string interface;  ///< device to make, which shows the packets
  std::uint64_t limit = 0;
};
/// Packets before and after IPsec; without a file and a device their comments are printed.
int tap(const CommonOptions& common, const TapOptions& options);

struct PcapOptions {
  std::string config;  ///< a setkey script
  std::string input, output;
  std::vector<std::string> locals;  ///< addresses that are ours
  bool trace = false;
};
int run_pcap(const CommonOptions& common, const PcapOptions& options);

struct RingOptions {
  std::vector<std::string> configs;  ///< two setkey scripts: of either end
  std::string input, output, wire;   ///< captures; the last two may be left out
  std::size_t mtu = 65535;
  bool trace = false;
};
int run_ring(const CommonOptions& common, const RingOptions& options);

}  // namespace testudo::app
