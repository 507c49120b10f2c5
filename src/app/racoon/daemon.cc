#include "app/racoon/daemon.h"

#include <csignal>

#include "app/racoon/certificates.h"
#include "base/overload.h"
#include "cli/racoonctl/command_line.h"
#include "io/clock.h"

namespace testudo::app {
namespace {

using Level = Log::Level;

std::shared_ptr<const ike::Policy> policy_of(const std::shared_ptr<const config::RacoonConf>& conf) {
  return {conf, &conf->policy};
}

}  // namespace

LoadedFile load(const Options& options, Log& log) {
  std::vector<std::string> errors;
  const auto error = [&](const std::string& text) {
    errors.push_back(text);
    log.write(Level::Error, text);
  };
  const auto text = read_file(options.file);
  if (!text) {
    error(text.error());
    return {nullptr, std::move(errors)};
  }
  GlobFiles files;
  const config::Loaded loaded = config::load_racoon_conf(*text, options.file, files);
  for (const config::Diagnostic& d : loaded.diagnostics) {
    const bool is_error = d.severity == config::Diagnostic::Severity::Error;
    is_error ? error(to_string(d)) : log.write(Level::Warning, to_string(d));
  }
  loaded.conf->policy.ports = {options.port, options.natt_port};
  for (ike::Remote& remote : loaded.conf->policy.remotes) {
    const auto read =
        errors.empty() ? load_certificates(remote, loaded.conf->certificate) : Status<std::string>{Done{}};
    if (!read) error("remote " + remote.name + ": " + read.error());
  }
  if (errors.empty()) return {loaded.conf, {}};
  log.write(Level::Error, "fatal parse failure (" + std::to_string(errors.size()) + " errors)");
  return {nullptr, std::move(errors)};
}

Daemon::Daemon(const Options& options, Log& log, std::shared_ptr<const config::RacoonConf> conf)
    : options_(options),
      log_(log),
      keys_(log),
      sockets_(loop_, options, [this](const ike::Received& datagram) { happen(datagram); }),
      hooks_(log, pfkey::client::run_dir(options.run_dir)),
      operator_(hands()) {
  use(std::move(conf));
}

void Daemon::use(std::shared_ptr<const config::RacoonConf> conf) {
  conf_ = std::move(conf);
  keys_.set_path(conf_->pre_shared_key.empty() ? "/etc/racoon/psk.txt" : conf_->pre_shared_key);
  hooks_.set_directory(conf_->script);
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
  TRY_DONE(open_admin_socket());
  watch_table();
  tick_ = loop_.every(std::chrono::milliseconds{200}, [this] {
    const auto deadline = machine_->next_deadline();
    if (deadline && *deadline <= io::now()) happen(ike::Tick{});
  });
  addresses_ = loop_.every(std::chrono::seconds{2}, [this] {
    refresh_sockets();
    operator_.tick();
    hooks_.tick(io::now());
  });
  loop_.on_signal(SIGCHLD, [this] { hooks_.reap(io::now()); });
  loop_.on_signal(SIGHUP, [this] { static_cast<void>(reload()); });
  for (const int number : {SIGINT, SIGTERM}) {
    loop_.on_signal(number, [this, number] {
      log_.write(Level::Info, "caught signal " + std::to_string(number));
      end();
    });
  }
  return Done{};
}

/// Its file is made while we may still give it away; so a reload does not move it.
Status<std::string> Daemon::open_admin_socket() {
  const config::AdminSocket& conf = conf_->listen.admin;
  if (!conf.enabled) return Done{};
  auto listener = listen_for_racoonctl(conf, cli::admin_socket(conf.path, pfkey::client::run_dir(options_.run_dir)));
  if (listener) {
    admin_.emplace(loop_, *std::move(listener), operator_);
  } else if (conf.path.empty()) {
    log_.write(Level::Warning, listener.error() + "; racoonctl cannot be used");
  } else {
    return Failure{listener.error()};
  }
  return Done{};
}

Operator::Hands Daemon::hands() {
  return {.machine = [this]() -> const ike::Machine& { return *machine_; },
          .happen = [this](const ike::Event& event) { happen(event); },
          .flush = [this](std::optional<ike::ChildProtocol> protocol) { table_->flush(protocol); },
          .request_of = [this](const net::Selector& outbound) { return table_->request_of(outbound); },
          .reload = [this] { return reload(); },
          .send =
              [this](Operator::Client client, const std::string& text) {
                if (admin_) admin_->send(client, text);
              },
          .clock = [] { return io::wall_reference(); }};
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

/// Why not; nothing when it is in use.
std::vector<std::string> Daemon::reload() {
  LoadedFile loaded = load(options_, log_);
  if (!loaded.conf) {
    log_.write(Level::Error, "the configuration in use stays");
    return loaded.errors;
  }
  if (loaded.conf->listen.admin != conf_->listen.admin) {
    log_.write(Level::Warning, "adminsock has changed: that needs a restart");
  }
  use(std::move(loaded.conf));
  machine_->set_policy(policy_of(conf_));
  refresh_sockets();
  log_.write(Level::Info, "configuration read again; what is established stays");
  return {};
}

void Daemon::end() {
  happen(ike::Shutdown{});
  hooks_.flush(io::now());
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
                 [&](const ike::Told& a) {
                   log_.told(a);
                   operator_.told(a);
                 },
                 [&](const ike::Hook& a) { hooks_.run(a, io::now()); },
                 [&](const ike::Refusal& a) {
                   log_.refused(a);
                   operator_.refused(a);
                 },
             },
             action);
}

}  // namespace testudo::app
