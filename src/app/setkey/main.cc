// setkey(8): manipulates the SAD and SPD of testudod by PF_KEY.  This file only connects the parts.
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>

#include "app/setkey/system.h"
#include "base/secret.h"
#include "cli/setkey/options.h"
#include "cli/setkey/session.h"
#include "pfkey/client/connection.h"

namespace {

using testudo::cli::Instant;
using testudo::cli::Session;
using testudo::cli::SetkeyOptions;
using Mode = SetkeyOptions::Mode;

Instant now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(since - seconds);
  return {seconds.count(), static_cast<std::uint32_t>(rest.count())};
}

std::string read_all(std::istream& in) {
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// The content of a file, or of standard input for "-"; nothing, and errno, when it cannot be read.
std::optional<std::string> read_file(const std::string& name) {
  if (name == "-") return read_all(std::cin);
  std::ifstream file{name, std::ios::binary};
  if (!file) return std::nullopt;
  std::string text = read_all(file);
  if (file.bad()) return std::nullopt;
  return text;
}

int show_files(const SetkeyOptions& options, Session& session) {
  for (const std::string& name : options.operands) {
    const auto content = read_file(name);
    if (!content) {
      std::cerr << "setkey: " << name << ": " << std::strerror(errno) << "\n";
      return 1;
    }
    if (const int status = session.show_saved(testudo::as_bytes(*content), name); status != 0) return status;
  }
  return 0;
}

/// `content` is that of the file of -f and --restore.
int run(const SetkeyOptions& options, const std::string& content, Session& session) {
  const std::string name = options.file == "-" ? "<stdin>" : options.file;
  switch (options.mode) {
    case Mode::Files:
      return show_files(options, session);
    case Mode::Session:
      return session.run_session(std::cin);
    case Mode::Script:
      return session.run_script(content, name);
    case Mode::Restore:
      return session.restore(content, name);
    case Mode::Dump:
      return session.dump();
    case Mode::Flush:
      return session.flush();
    case Mode::Monitor:
      return session.monitor();
    case Mode::Usage:
    case Mode::Version:
      break;
  }
  return 1;
}

int usage(const SetkeyOptions& options) {
  if (!options.complaint.empty()) std::cerr << "setkey: " << options.complaint << "\n";
  std::cout << (options.mode == Mode::Version ? testudo::cli::setkey_version() : testudo::cli::setkey_usage());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<const char* const> arguments{argv, static_cast<std::size_t>(argc)};
  const SetkeyOptions options = testudo::cli::parse_setkey_options(arguments.subspan(argc > 0 ? 1 : 0));
  if (options.mode == Mode::Usage || options.mode == Mode::Version) return usage(options);
  if (options.rfc_or_kernel_mode) {
    std::cout << "warning: -r and -k options are not supported in this environment\n";
  }

  const bool has_file = options.mode == Mode::Script || options.mode == Mode::Restore;
  auto content = has_file ? read_file(options.file) : std::string{};
  if (!content) {
    std::cerr << "setkey: Can't open `" << options.file << "': " << std::strerror(errno) << "\n";
    return 1;
  }
  std::optional<testudo::app::DaemonChannel> channel;
  // Saved messages and a dry run need no daemon.
  if (options.mode != Mode::Files && !options.dry) {
    auto connection = testudo::pfkey::client::Connection::open(testudo::pfkey::client::run_dir(options.run_dir));
    if (!connection) {
      std::cerr << "setkey: pfkey_open: " << connection.error() << "\n";
      return 1;
    }
    channel.emplace(std::move(*connection));
  }

  testudo::app::SystemResolver resolver;
  const auto pause = [] {
    std::this_thread::sleep_for(std::chrono::seconds{1});
    return true;
  };
  Session session{options,
                  {std::cout, std::cerr, resolver, now, pause, static_cast<std::uint32_t>(getpid())},
                  channel ? &*channel : nullptr};
  int status = run(options, *content, session);
  if (!std::cout.flush()) {  // half a dump must not pass for a whole one
    std::cerr << "setkey: write error\n";
    status = 1;
  }
  testudo::wipe(testudo::as_mutable_bytes(*content));  // keys
  return status;
}
