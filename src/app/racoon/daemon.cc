#include "app/racoon/daemon.h"

#include <csignal>

#include "app/racoon/certificates.h"
#include "base/overload.h"
#include "io/clock.h"

namespace testudo::app {
namespace {

using Level = Log::Level;

std::shared_ptr<const ike::Policy> policy_of(const std::shared_ptr<const config::RacoonConf>& conf) {
  return {conf, &conf->policy};
}

}  // namespace

std::shared_ptr<const config::RacoonConf> load(const Options& options, Log& log) {
  const auto text = read_file(options.file);
  if (!text) {
    log.write(Level::Error, text.error());
    return nullptr;
  }
  GlobFiles files;
  const config::Loaded loaded = config::load_racoon_conf(*text, options.file, files);
  std::size_t errors = 0;
  for (const config::Diagnostic& d : loaded.diagnostics) {
    const bool is_error = d.severity == config::Diagnostic::Severity::Error;
    if (is_error) ++errors;
    log.write(is_error ? Level::Error : Level::Warning, to_string(d));
  }
  loaded.conf->policy.ports = {options.port, options.natt_port};
  for (ike::Remote& remote : loaded.conf->policy.remotes) {
    const auto read = errors == 0 ? load_certificates(remote, loaded.conf->certificate) : Status<std::string>{Done{}};
    if (read) continue;
    ++errors;
    log.write(Level::Error, "remote " + remote.name + ": " + read.error());
  }
  if (errors == 0) return loaded.conf;
  log.write(Level::Error, "fatal parse failure (" + std::to_string(errors) + " errors)");
  return nullptr;
}

Daemon::Daemon(const Options& options, Log& log, std::shared_ptr<const config::RacoonConf> conf)
    : options_(options),
      log_(log),
      keys_(log),
      sockets_(loop_, options, [this](const ike::Received& datagram) { happen(datagram); }) {
  use(std::move(conf));
}

void Daemon::use(std::shared_ptr<const config::RacoonConf> conf) {
  conf_ = std::move(conf);
  keys_.set_path(conf_->pre_shared_key.empty() ? "/etc/racoon/psk.txt" : conf_->pre_shared_key);
  const auto more = static_cast<unsigned>(conf_->log) + options_.debug;
  log_.set_level(Level{static_cast<std::uint8_t>(std::min(more, static_cast<unsigned>(Level::Debug2)))});
}

Status<std::string> Daemon::start() {
  TRY(auto table, open_table());
  table_.emplace(std::move(table));
  machine_.emplace(policy_of(conf_), keys_, *table_);
  refresh_sockets();
  if (sockets_.empty()) return Failure{std::string{"no UDP socket could be opened; the log says why"}};
  if (conf_->listen.strict_address && !sockets_.complete()) {
    return Failure{std::string{"strict_address: not every address of listen could be opened; the log says why"}};
  }
  watch_table();
  tick_ = loop_.every(std::chrono::milliseconds{200}, [this] {
    const auto deadline = machine_->next_deadline();
    if (deadline && *deadline <= io::now()) happen(ike::Tick{});
  });
  addresses_ = loop_.every(std::chrono::seconds{2}, [this] { refresh_sockets(); });
  loop_.on_signal(SIGHUP, [this] { reload(); });
  for (const int number : {SIGINT, SIGTERM}) {
    loop_.on_signal(number, [this, number] {
      log_.write(Level::Info, "caught signal " + std::to_string(number));
      end();
    });
  }
  return Done{};
}

Result<KeyTable, std::string> Daemon::open_table() {
  return KeyTable::open(pfkey::client::run_dir(options_.run_dir),
                        [this](const std::string& sentence) { log_.write(Level::Error, sentence); });
}

void Daemon::watch_table() {
  watch_ = loop_.watch(table_->descriptor(), [this] {
    const auto read = table_->read([this](const ike::Event& event) { happen(event); });
    if (read) return;
    log_.write(Level::Error, read.error() + "; waiting for the next one");
    watch_ = {};
    reconnect_ = loop_.every(std::chrono::seconds{1}, [this] { reconnect(); });
  });
}

void Daemon::reconnect() {
  auto table = open_table();
  if (!table) return;
  reconnect_ = {};
  *table_ = *std::move(table);
  watch_table();
  log_.write(Level::Info, "testudod is there again; all SAs are negotiated anew when they are needed");
  happen(ike::Restarted{});
}

void Daemon::refresh_sockets() {
  for (const Sockets::News& news : sockets_.refresh(*conf_)) {
    log_.write(news.is_error ? Level::Error : Level::Info, news.text);
  }
}

void Daemon::reload() {
  auto conf = load(options_, log_);
  if (!conf) return log_.write(Level::Error, "the configuration in use stays");
  use(std::move(conf));
  machine_->set_policy(policy_of(conf_));
  refresh_sockets();
  log_.write(Level::Info, "configuration read again; what is established stays");
}

void Daemon::end() {
  happen(ike::Shutdown{});
  table_->settle();
  loop_.stop();
}

void Daemon::happen(const ike::Event& event) {
  for (ike::Action& action : machine_->on(event, io::now(), random_)) act(std::move(action));
}

void Daemon::send(const ike::Send& message) {
  const auto sent = sockets_.send(message);
  if (!sent) log_.write(Level::Warning, "a message did not leave: " + sent.error());
}

void Daemon::act(ike::Action action) {
  std::visit(overload{
                 [&](const ike::Send& a) { send(a); },
                 [&](const ike::KeepAlive& a) { sockets_.keep_alive(a); },
                 [&](const ike::AllocateSpi& a) { table_->allocate(a); },
                 [&](const ike::Install& a) { table_->install(a.sa); },
                 [&](const ike::Remove& a) { table_->remove(a); },
                 [&](const ike::Abandon& a) { table_->abandon(a); },
                 [&](const ike::Told& a) { log_.told(a); },
                 [&](const ike::Refusal& a) { log_.refused(a); },
             },
             action);
}

}  // namespace testudo::app
