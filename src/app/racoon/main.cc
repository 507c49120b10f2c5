// racoon: the IKE daemon.  racoon(8), racoon.conf(5).  Two processes: parent.h, child.h.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "app/racoon/background.h"
#include "app/racoon/child.h"
#include "app/racoon/dump.h"
#include "app/racoon/judge_login.h"
#include "app/racoon/last_signal.h"
#include "app/racoon/parent.h"
#include "io/unix_socket.h"

namespace testudo::app {
namespace {

int fail(const std::string& text) {
  std::fprintf(stderr, "racoon: %s\n", text.c_str());
  return EXIT_FAILURE;
}

int test_configuration(const Options& options) {
  auto log = Log::open(true, "");
  const auto supply = log ? load_supply(options, *log).supply : std::nullopt;
  if (!supply) {
    std::fprintf(stderr, "racoon: configuration file %s test failed\n", options.file.c_str());
    return EXIT_FAILURE;
  }
  if (options.dump) dump(supply->conf->policy, *log);
  std::printf("racoon: the configuration file %s syntax is ok\n", options.file.c_str());
  std::printf("racoon: configuration file %s test is successful\n", options.file.c_str());
  return EXIT_SUCCESS;
}

/// Before anything is read: what the parent reads later is in no memory of the child.
Result<Child, std::string> start_child(const Options& options, Log& log, Background& background) {
  auto questions = io::SeqPacket::pair();
  auto signatures = io::SeqPacket::pair();
  auto news = io::SeqPacket::pair();
  for (const auto* each : {&questions, &signatures, &news}) {
    if (!*each) return Failure{each->error().to_string()};
  }
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return Failure{io::last_error("fork").error.to_string()};
  if (pid > 0) return Child{pid, std::move(questions->first), std::move(signatures->first), std::move(news->first)};
  questions->first = io::SeqPacket{io::Fd{}};
  signatures->first = io::SeqPacket{io::Fd{}};
  news->first = io::SeqPacket{io::Fd{}};
  background.leave_the_word_to_the_other();
  be_child(options, log, background,
           {parent, std::move(questions->second), std::move(signatures->second), std::move(news->second)});
}

int serve(const Options& options, Log& log, Background& background) {
  auto child = start_child(options, log, background);
  if (!child) return fail(child.error());
  auto loaded = load_supply(options, log);
  if (!loaded.supply) {
    if (!options.foreground)
      std::fprintf(stderr, "racoon: %s: fatal parse failure; racoon -t says more\n", options.file.c_str());
    return EXIT_FAILURE;
  }
  if (options.dump) dump(loaded.supply->conf->policy, log);
  Parent parent{options, log, background, *std::move(loaded.supply), *std::move(child)};
  const int status = parent.run();
  heed_no_more_signals();
  log.write(Log::Level::Info, "racoon process " + std::to_string(::getpid()) + " shutdown");
  return status;
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
  std::fflush(nullptr);
  // It stays in its directory: the names of files, of which some are read again and again, may be relative.
  auto background = options.foreground ? Result<Background, io::SystemError>{Background{}} : Background::enter();
  if (!background) return fail(background.error().to_string());
  return serve(options, log, *background);
}

}  // namespace
}  // namespace testudo::app

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view{argv[1]} == testudo::app::kJudgeLogin) return testudo::app::judge_login();
  const auto options = testudo::app::parse_command_line(argc, argv);
  return options ? testudo::app::run(*options) : options.error();
}
