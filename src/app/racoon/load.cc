#include "app/racoon/load.h"

#include <algorithm>

namespace testudo::app {
namespace {

using Level = Log::Level;

/// What cannot be read is left out with a warning.
void read_banner(ike::ModeConfig& given, ConfFiles& files, Log* log) {
  static constexpr std::size_t kLongest = 1000;  // a transaction with it fits into one datagram
  if (given.banner_file.empty()) return;
  const auto banner = files.read(given.banner_file);
  if (banner) given.banner = banner->substr(0, kLongest);
  if (!banner && log != nullptr) log->write(Level::Warning, banner.error());
}

}  // namespace

LoadedFile load(const Options& options, ConfFiles& files, OwnKeys& own_keys, Log* log) {
  std::vector<std::string> errors;
  const auto say = [log](Level level, const std::string& text) {
    if (log != nullptr) log->write(level, text);
  };
  const auto error = [&](const std::string& text) {
    errors.push_back(text);
    say(Level::Error, text);
  };
  const auto text = files.read(options.file);
  if (!text) {
    error(text.error());
    return {nullptr, std::move(errors)};
  }
  const config::Loaded loaded = config::load_racoon_conf(*text, options.file, files);
  for (const config::Diagnostic& d : loaded.diagnostics) {
    const bool is_error = d.severity == config::Diagnostic::Severity::Error;
    is_error ? error(to_string(d)) : say(Level::Warning, to_string(d));
  }
  loaded.conf->policy.ports = {options.port, options.natt_port};
  read_banner(loaded.conf->policy.mode_config, files, log);
  for (ike::Remote& remote : loaded.conf->policy.remotes) {
    if (!errors.empty()) break;
    const auto read = load_certificates(remote, loaded.conf->certificate, files, own_keys);
    if (!read) error("remote " + remote.name + ": " + read.error());
  }
  if (errors.empty()) return {loaded.conf, {}};
  say(Level::Error, "fatal parse failure (" + std::to_string(errors.size()) + " errors)");
  return {nullptr, std::move(errors)};
}

Log::Level level_of(const config::RacoonConf& conf, const Options& options) {
  const auto more = static_cast<unsigned>(conf.log) + options.debug;
  return Level{static_cast<std::uint8_t>(std::min(more, static_cast<unsigned>(Level::Debug2)))};
}

}  // namespace testudo::app
