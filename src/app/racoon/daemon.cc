#include "app/racoon/daemon.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <sstream>
#include <utility>

#include "app/racoon/link_names.h"
#include "base/overload.h"
#include "io/clock.h"

namespace testudo::app {
namespace {

using Level = Log::Level;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::shared_ptr<const ike::Policy> policy_of(const std::shared_ptr<const config::RacoonConf>& conf) {
  return {conf, &conf->policy};
}

/// What the descriptor of a sealed file gives.
std::optional<ByteVector> read_record(int descriptor) {
  static constexpr std::size_t kAtOnce = 65536;
  ByteVector all;
  for (;;) {
    const std::size_t filled = all.size();
    all.resize(filled + kAtOnce);
    const ssize_t got = ::read(descriptor, all.data() + filled, kAtOnce);
    if (got < 0) return std::nullopt;
    all.resize(filled + static_cast<std::size_t>(got));
    if (got == 0) return all;
  }
}

Result<io::UdpSocket, std::string> ask_for_socket(const Questions& questions, const net::Endpoint& at, bool natt) {
  auto given = questions.ask(wire::racoon::AskSocket{at, natt});
  if (!given.granted || !given.descriptor) return Failure{given.sentence()};
  return io::UdpSocket::adopt(std::move(given.descriptor));
}

}  // namespace

LoadedFile load_given(const Options& options, const Questions& questions, const io::Fd& record) {
  const auto bytes = read_record(record.get());
  auto files = bytes ? RecordedFiles::parse(*bytes) : std::nullopt;
  if (!files) return {nullptr, {"the configuration did not arrive"}};
  AskedKeys keys{questions};
  return load(options, *files, keys, nullptr);
}

Daemon::Daemon(const Options& options, Log& log, Helpers helpers, io::SeqPacket news,
               std::shared_ptr<const config::RacoonConf> conf)
    : options_(options),
      log_(log),
      questions_(helpers.questions),
      workers_(helpers.workers),
      news_(std::move(news)),
      sockets_(
          loop_, options, [this](const ike::Received& datagram) { happen(datagram); },
          [this](const net::Endpoint& at, bool natt) { return ask_for_socket(questions_, at, natt); }),
      operator_(hands()) {
  use(std::move(conf));
}

void Daemon::use(std::shared_ptr<const config::RacoonConf> conf) {
  conf_ = std::move(conf);
  log_.set_level(level_of(*conf_, options_));
}

Status<std::string> Daemon::start() {
  TRY(auto table, open_table());
  table_.emplace(std::move(table));
  machine_.emplace(policy_of(conf_), questions_, *table_, ike::SlowWork::AsActions);
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
  });
  news_watch_ = loop_.watch(news_.fd(), [this] { read_news(); });
  work_watch_ = loop_.watch(workers_.descriptor(), [this] {
    for (const ike::Computed& each : workers_.take()) happen(each);
  });
  loop_.on_signal(SIGHUP, [this] { static_cast<void>(reload()); });
  for (const int number : {SIGINT, SIGTERM}) {
    loop_.on_signal(number, [this, number] {
      // From a terminal it comes to both processes, and once more from the other one.
      if (std::exchange(ending_, true)) return;
      log_.write(Level::Info, "caught signal " + std::to_string(number));
      end();
    });
  }
  return Done{};
}

/// It is made once; so a reload does not move it.
Status<std::string> Daemon::open_admin_socket() {
  const config::AdminSocket& conf = conf_->listen.admin;
  if (!conf.enabled) return Done{};
  auto given = questions_.ask(wire::racoon::AskAdminSocket{});
  if (given.granted && given.descriptor) {
    admin_.emplace(loop_, io::SeqPacketListener::adopt(std::move(given.descriptor)), operator_);
  } else if (conf.path.empty()) {
    log_.write(Level::Warning, given.sentence() + "; racoonctl cannot be used");
  } else {
    return Failure{given.sentence()};
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
  auto given = questions_.ask(wire::racoon::AskTable{});
  if (!given.granted || !given.descriptor) return Failure{given.sentence()};
  auto table = KeyTable::open(pfkey::client::Connection::adopt(given.descriptor.release()),
                              [this](const std::string& sentence) { log_.write(Level::Error, sentence); });
  TRY_DONE(table.await_policies());
  return table;
}

void Daemon::watch_table() {
  watch_ = loop_.watch(table_->descriptor(), [this] {
    const auto read = table_->read([this](const ike::Event& event) { happen(event); });
    if (read) return send_held();
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
  send_held();
}

void Daemon::refresh_sockets() {
  for (const Sockets::News& news : sockets_.refresh(*conf_)) {
    log_.write(news.is_error ? Level::Error : Level::Info, news.text);
  }
}

/// Why not; nothing when it is in use.
std::vector<std::string> Daemon::reload() {
  const auto given = questions_.ask(wire::racoon::AskConfiguration{});
  LoadedFile loaded = given.granted ? load_given(options_, questions_, given.descriptor)
                                    : LoadedFile{nullptr, lines_of(given.sentence())};
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
  table_->settle();
  loop_.stop();
}

void Daemon::happen(const ike::Event& event) {
  if (const auto* refused = std::get_if<ike::InstallRefused>(&event)) held_.drop(refused->child);
  std::optional<ike::ChildId> comes_in;
  for (ike::Action& action : machine_->on(event, io::now(), random_)) {
    if (const auto* install = std::get_if<ike::Install>(&action)) {
      if (install->sa.direction == ike::ChildSa::Direction::In) comes_in = install->sa.child;
    }
    auto* const message = std::get_if<ike::Send>(&action);
    if (message != nullptr && comes_in && table_->is_installing(*comes_in)) {
      held_.hold(*comes_in, std::move(*message));
    } else {
      act(std::move(action));
    }
  }
}

void Daemon::send_held() {
  for (const ike::Send& message : held_.release([this](ike::ChildId id) { return table_->is_installing(id); })) {
    send(message);
  }
}

void Daemon::check(const ike::CheckLogin& login) {
  if (!questions_.judge(login)) happen(ike::LoginJudged{login.login, false, "no account has such a name"});
}

void Daemon::read_news() {
  const auto message = news_.receive();
  if (!message) {
    log_.write(Level::Error, "racoon's privileged process is gone; this one ends");
    ::_exit(EXIT_FAILURE);
  }
  const auto news = wire::racoon::parse_login_news(*message);
  if (!news) return;
  const auto& [login, outcome] = *news;
  happen(ike::LoginJudged{ike::LoginId{login}, outcome.right, outcome.why, outcome.address, outcome.netmask,
                          outcome.token});
}

void Daemon::send(const ike::Send& message) {
  const auto sent = sockets_.send(message);
  if (!sent) log_.write(Level::Warning, "a message did not leave: " + sent.error());
}

void Daemon::act(ike::Action action) {
  std::visit(overload{
                 [&](const ike::Send& a) { send(a); },
                 [&](const ike::KeepAlive& a) { sockets_.keep_alive(a); },
                 [&](const ike::MakePolicy& a) { table_->make_policy(a); },
                 [&](const ike::DropPolicy& a) { table_->drop_policy(a.outbound); },
                 [&](const ike::AllocateSpi& a) { table_->allocate(a); },
                 [&](const ike::Install& a) { table_->install(a.sa); },
                 [&](const ike::Remove& a) { table_->remove(a); },
                 [&](const ike::Move& a) { table_->move(a); },
                 [&](const ike::Abandon& a) { table_->abandon(a); },
                 [&](const ike::CheckLogin& a) { check(a); },
                 [&](const ike::Account& a) { questions_.account(a); },
                 [&](ike::Compute& a) { workers_.give(std::move(a)); },
                 [&](ike::Told& a) {
                   const ike::Told told = with_link_names(std::move(a));
                   log_.told(told);
                   operator_.told(told);
                 },
                 [&](const ike::Hook& a) { questions_.run(a); },
                 [&](ike::Refusal& a) {
                   const ike::Refusal refusal = with_link_names(std::move(a));
                   log_.refused(refusal);
                   operator_.refused(refusal);
                 },
             },
             action);
}

}  // namespace testudo::app
