// racoon: the IKE daemon.  racoon(8), racoon.conf(5).
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "app/racoon/daemon.h"
#include "app/racoon/dump.h"
#include "io/privileges.h"

namespace testudo::app {
namespace {

int fail(const std::string& text) {
  std::fprintf(stderr, "racoon: %s\n", text.c_str());
  return EXIT_FAILURE;
}

int test_configuration(const Options& options) {
  auto log = Log::open(true, "");
  const auto conf = log ? load(options, *log).conf : nullptr;
  if (!conf) {
    std::fprintf(stderr, "racoon: configuration file %s test failed\n", options.file.c_str());
    return EXIT_FAILURE;
  }
  if (options.dump) dump(conf->policy, *log);
  std::printf("racoon: the configuration file %s syntax is ok\n", options.file.c_str());
  std::printf("racoon: configuration file %s test is successful\n", options.file.c_str());
  return EXIT_SUCCESS;
}

int run(const Options& options) {
  if (options.test_only) return test_configuration(options);
  if (::geteuid() != 0) {
    std::fputs("must be root to invoke this program.\n", stderr);
    return EXIT_FAILURE;
  }
  ::umask(077);
  auto opened = Log::open(options.foreground, options.log_file);
  if (!opened) return fail(opened.error());
  Log log = *std::move(opened);
  if (options.foreground) std::puts("Foreground mode.");
  log.write(Log::Level::Info, std::string{"racoon (Testudo) "} + TESTUDO_VERSION);
  log.write(Log::Level::Info, "Reading configuration from \"" + options.file + "\"");
  auto conf = load(options, log).conf;
  if (!conf) {
    if (!options.foreground)
      std::fprintf(stderr, "racoon: %s: fatal parse failure; racoon -t says more\n", options.file.c_str());
    return EXIT_FAILURE;
  }
  if (options.dump) dump(conf->policy, log);
  Daemon daemon{options, log, std::move(conf)};
  if (const auto started = daemon.start(); !started) {
    log.write(Log::Level::Error, started.error());
    return options.foreground ? EXIT_FAILURE : fail(started.error());
  }
  // It stays in its directory: the names of files, of which some are read again and again, may be relative.
  if (!options.foreground && ::daemon(1, 0) != 0) return fail(io::last_error("daemon").error.to_string());
  // For the mark of its datagrams, and for port 500 of addresses that come later.
  const auto dropped = io::keep_only({io::Capability::NetAdmin, io::Capability::NetBindService});
  if (!dropped) {
    log.write(Log::Level::Error, dropped.error().to_string());
    return EXIT_FAILURE;
  }
  daemon.run();
  log.write(Log::Level::Info, "racoon process " + std::to_string(::getpid()) + " shutdown");
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace testudo::app

int main(int argc, char** argv) {
  const auto options = testudo::app::parse_command_line(argc, argv);
  return options ? testudo::app::run(*options) : options.error();
}
