#include "app/racoon/options.h"

#include <CLI/CLI.hpp>

namespace testudo::app {

namespace {

/// Flags of NetBSD's racoon that this one has no use for, and what to do instead.
constexpr const char* kNoBackup =
    "racoon: -B: SAs, and with them keys, are not kept in a file (path backupsa); after a restart peers negotiate anew";
constexpr const char* kNoSharing =
    "racoon: -Z: ports are not shared; for two of them on one host give each its own -p, -P and --run-dir, or a "
    "network "
    "namespace";

}  // namespace

Result<Options, int> parse_command_line(int argc, char** argv) {
  Options options;
  bool version = false, place = false, verbose = false, backup = false, shared = false;
  CLI::App app{"racoon: negotiates keys by IKE (version 1) for the policies of testudod. racoon.conf(5)"};
  app.set_version_flag("--version", std::string{"racoon (Testudo) "} + TESTUDO_VERSION);
  app.add_option("-f", options.file, "configuration file")->capture_default_str();
  app.add_flag("-F", options.foreground, "stay in the foreground; log to stdout too");
  app.add_flag("-t", options.test_only, "check the configuration and exit");
  app.add_flag("-C", options.dump, "write the remote blocks, as they were understood, to the log");
  app.add_flag("-d", options.debug, "more to the log; up to twice");
  app.add_flag("-v", verbose, "as -d");
  app.add_flag("-L", place, "accepted; log lines name no source file");
  app.add_flag("-V", version, "print the version and exit");
  app.add_option("-l", options.log_file, "log to this file instead of syslog");
  app.add_option("-p", options.port, "UDP port of IKE")->capture_default_str();
  app.add_option("-P", options.natt_port, "UDP port of IKE and ESP behind a NAT")->capture_default_str();
  app.add_flag("-4", options.only_v4, "IPv4 only");
  app.add_flag("-6", options.only_v6, "IPv6 only");
  app.add_flag("-B", backup, "refused: no SAs are kept in a file");
  app.add_flag("-Z", shared, "refused: ports are not shared");
  app.add_option("--run-dir", options.run_dir, "testudod's directory of sockets (or TESTUDO_RUN)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return Failure{app.exit(error) == 0 ? 0 : 1};
  }
  if (backup || shared) {
    std::fprintf(stderr, "%s\n", backup ? kNoBackup : kNoSharing);
    return Failure{1};
  }
  if (verbose) ++options.debug;
  if (options.only_v4 && options.only_v6) options.only_v4 = options.only_v6 = false;
  if (!version) return options;
  std::puts(("racoon (Testudo) " + std::string{TESTUDO_VERSION} +
             "\nCompiled with:\n- IPv6 support\n- Dead Peer Detection\n- Hybrid authentication\n- NAT Traversal\n- "
             "Monotonic clock")
                .c_str());
  return Failure{0};
}

}  // namespace testudo::app
