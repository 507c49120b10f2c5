// testudod: the data plane of IPsec in user space.  testudod(8).
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "app/testudod/daemon.h"
#include "app/testudod/process.h"
#include "io/privileges.h"

namespace testudo::app {
namespace {

int fail(const std::string& text) {
  std::fprintf(stderr, "testudod: %s\n", text.c_str());
  return EXIT_FAILURE;
}

Status<std::string> require_privileges() {
  for (const auto needed : {io::Capability::NetAdmin, io::Capability::NetRaw}) {
    if (io::has(needed)) continue;
    return Failure{std::string{io::name_of(needed)} + " is missing: start testudod as root or give it that capability"};
  }
  return Done{};
}

Status<io::SystemError> drop_privileges(bool on_host) {
  if (!on_host) return io::keep_only({});
  return io::keep_only({io::Capability::NetAdmin, io::Capability::NetRaw});
}

int run(Options options) {
  if (const auto read = read_config(options); !read) return fail(read.error());
  const bool on_host = options.attach != Options::Attach::None;
  if (const auto may = require_privileges(); on_host && !may) return fail(may.error());
  std::optional<Background> background;
  if (!options.foreground) {
    auto entered = Background::enter();
    if (!entered) return fail(entered.error().to_string());
    background.emplace(*std::move(entered));
  }
  const auto directory = RunDirectory::claim(options.run_dir);
  if (!directory) return fail(directory.error());
  const bool release = options.release, keeps = on_host && options.keep_rules;
  Log log{options.foreground ? Log::To::Stderr : Log::To::Syslog};
  Daemon daemon{std::move(options), log};
  if (const auto started = daemon.start(); !started) return fail(started.error());
  if (const auto dropped = drop_privileges(on_host); !dropped) {
    daemon.give_up();
    return fail(dropped.error().to_string());
  }
  if (release) {
    daemon.stop();
    log.info("all rules, routes and devices are taken away");
    return EXIT_SUCCESS;
  }
  log.info("ready");
  if (background) background->ready();
  daemon.run();
  if (keeps) log.info("stopped; what is protected stays blocked until a testudod is started or released");
  if (!keeps) log.info(on_host ? "stopped; all rules, routes and devices are taken away" : "stopped");
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace testudo::app

int main(int argc, char** argv) {
  auto options = testudo::app::parse_command_line(argc, argv);
  if (!options) return options.error();
  return testudo::app::run(*std::move(options));
}
