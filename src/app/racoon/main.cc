// racoon: the IKE daemon.  racoon(8), racoon.conf(5).
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "app/racoon/daemon.h"

namespace testudo::app {
namespace {

int test_configuration(const Options& options) {
  Log log{true, ""};
  if (!load(options, log)) {
    std::fprintf(stderr, "racoon: configuration file %s test failed\n", options.file.c_str());
    return EXIT_FAILURE;
  }
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
  Log log{options.foreground, options.log_file};
  if (options.foreground) std::puts("Foreground mode.");
  log.write(Log::Level::Info, std::string{"racoon (Testudo) "} + TESTUDO_VERSION);
  log.write(Log::Level::Info, "Reading configuration from \"" + options.file + "\"");
  auto conf = load(options, log);
  if (!conf) {
    if (!options.foreground)
      std::fprintf(stderr, "racoon: %s: fatal parse failure; racoon -t says more\n", options.file.c_str());
    return EXIT_FAILURE;
  }
  Daemon daemon{options, log, std::move(conf)};
  if (const auto started = daemon.start(); !started) {
    std::fprintf(stderr, "racoon: %s\n", started.error().c_str());
    return EXIT_FAILURE;
  }
  if (!options.foreground && ::daemon(0, 0) != 0) return EXIT_FAILURE;
  const bool asked = daemon.run();
  log.write(Log::Level::Info, "racoon process " + std::to_string(::getpid()) + " shutdown");
  return asked ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace testudo::app

int main(int argc, char** argv) {
  const auto options = testudo::app::parse_command_line(argc, argv);
  return options ? testudo::app::run(*options) : options.error();
}
