#include "app/racoon/parent.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "app/racoon/accounts.h"
#include "app/racoon/admin_service.h"
#include "app/racoon/question_rules.h"
#include "cli/racoonctl/command_line.h"
#include "host/settings.h"
#include "io/clock.h"
#include "io/confinement.h"
#include "io/privileges.h"
#include "io/socket_address.h"
#include "io/udp_socket.h"
#include "pfkey/client/connection.h"

namespace testudo::app {
namespace {

using namespace wire::racoon;
using Level = Log::Level;

ByteVector bytes_of(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

/// A file in memory that nobody can change, of which the other side gets a descriptor.
io::Fd sealed_file(Bytes content) {
  io::Fd file{::memfd_create("racoon.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  while (file && !content.empty()) {
    const ssize_t written = ::write(file.get(), content.data(), content.size());
    if (written <= 0) return {};
    content = content.subspan(static_cast<std::size_t>(written));
  }
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  if (!file || ::lseek(file.get(), 0, SEEK_SET) != 0 || ::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) return {};
  return file;
}

std::string end_of(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was ended by signal {}", WTERMSIG(status));
  return fmt::format("ended with status {}", WEXITSTATUS(status));
}

}  // namespace

LoadedSupply load_supply(const Options& options, Log& log) {
  DiskFiles files;
  KeysOnDisk keys;
  LoadedFile loaded = load(options, files, keys, &log);
  if (!loaded.conf) return {std::nullopt, std::move(loaded.errors)};
  const auto account = account_of(loaded.conf->privsep);
  if (!account) {
    log.write(Level::Error, account.error());
    return {std::nullopt, {account.error()}};
  }
  return {Supply{std::move(loaded.conf), *account, files.record()}, {}};
}

Parent::Parent(const Options& options, Log& log, Background& background, Supply supply, Child child)
    : options_(options),
      log_(log),
      background_(background),
      child_(std::move(child)),
      status_(EXIT_FAILURE),
      keys_(log),
      key_budget_(1000, std::chrono::milliseconds{1}),
      hooks_(log, pfkey::client::run_dir(options.run_dir)) {
  use(std::move(supply));
  watch_ = loop_.watch(child_.questions.fd(), [this] { readable(); });
  tick_ = loop_.every(std::chrono::seconds{1}, [this] {
    hooks_.tick(io::now());
    logins_.tick(io::now());
  });
  loop_.on_signal(SIGCHLD, [this] {
    hooks_.reap(io::now());
    logins_.reap(io::now());
    child_ended();
  });
  // The other one has the SAs to end, and the peers to tell.
  for (const int number : {SIGINT, SIGTERM}) {
    loop_.on_signal(number, [this, number] { ::kill(child_.pid, number); });
  }
  // Before it is ready it would die of that, and is reading the configuration anyway.
  loop_.on_signal(SIGHUP, [this] {
    if (ready_) ::kill(child_.pid, SIGHUP);
  });
}

Parent::~Parent() {
  if (!ended_) ::kill(child_.pid, SIGKILL);
}

int Parent::run() {
  loop_.run();
  hooks_.flush(io::now());
  // What the other one said of sessions that end with it.
  static constexpr auto kLastWords = std::chrono::seconds{5};
  logins_.finish(io::now() + kLastWords);
  return status_;
}

void Parent::use(Supply supply) {
  supply_ = std::move(supply);
  const config::RacoonConf& conf = *supply_.conf;
  keys_.set_path(conf.pre_shared_key.empty() ? "/etc/racoon/psk.txt" : conf.pre_shared_key);
  hooks_.set_directory(conf.script);
  if (signer_) signer_->use(supply_.conf);
  scripts_.merge(scripts_of(conf.policy));
  log_.set_level(level_of(conf, options_));
}

/// Nothing that is left over may go on.
void Parent::fail(const std::string& sentence) {
  log_.write(Level::Error, sentence + "; racoon ends");
  status_ = EXIT_FAILURE;
  failed_ = true;
  watch_ = {};
  loop_.stop();
}

void Parent::child_ended() {
  int status = 0;
  if (ended_ || ::waitpid(child_.pid, &status, WNOHANG) != child_.pid) return;
  ended_ = true;
  // What it still wanted: scripts, and the report of the filter of system calls.
  readable();
  loop_.stop();
  if (failed_) return;
  const bool good = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
  if (good) status_ = EXIT_SUCCESS;
  // Why it could not start it has said itself.
  if (!good && (ready_ || WIFSIGNALED(status))) {
    fail(fmt::format("racoon's unprivileged process {} {}", child_.pid, end_of(status)));
  }
}

void Parent::readable() {
  static constexpr int kAtOnce = 64;
  for (int i = 0; i < kAtOnce; ++i) {
    auto got = child_.questions.receive_with_descriptor(kLongest);
    if (!got) {
      watch_ = {};
      // Who ends has closed its socket a moment before it is gone; who only closed it may not go on.
      if (!ended_) ::kill(child_.pid, SIGKILL);
      return;
    }
    if (got->message.empty()) return;
    const WipeAtEnd wiped{got->message};
    const auto question = parse_question(got->message);
    if (!question) return fail("racoon's unprivileged process asks what cannot be read");
    Reply reply = std::visit([&](const auto& q) { return answer(q); }, *question);
    ByteVector message = compose(reply.answer);
    const WipeAtEnd answered{message}, given{reply.answer.value};
    const auto sent = child_.questions.send_with_descriptor(message, reply.descriptor.get());
    if (sent == io::SeqPacket::Sent::WouldBlock) return fail("racoon's unprivileged process does not read");
    if (failed_) return;
  }
}

Parent::Reply Parent::refuse(const std::string& sentence) {
  return {{false, bytes_of(std::string_view{sentence}.substr(0, kLongest / 2))}, {}};
}

/// The first time what was loaded already; then it is read again.
Parent::Reply Parent::answer(const AskConfiguration&) {
  if (supplied_) {
    LoadedSupply loaded = load_supply(options_, log_);
    if (!loaded.supply) return refuse(fmt::format("{}", fmt::join(loaded.errors, "\n")));
    if (loaded.supply->conf->privsep != supply_.conf->privsep) {
      log_.write(Level::Warning, "privsep has changed: that needs a restart");
    }
    use(*std::move(loaded.supply));
  }
  supplied_ = true;
  io::Fd file = sealed_file(supply_.record);
  if (!file) return refuse("no memory for the configuration");
  return {{true, compose(supply_.account)}, std::move(file)};
}

Parent::Reply Parent::answer(const AskTable&) const {
  auto connection = pfkey::client::Connection::open(pfkey::client::run_dir(options_.run_dir));
  if (!connection) return refuse(connection.error());
  const std::size_t wanted = supply_.conf->pfkey_buffer, got = wanted == 0 ? 0 : connection->set_buffers(wanted);
  if (got != wanted) {
    log_.write(Level::Warning, fmt::format("pfkey_buffer: the system grants {} bytes, not {}", got, wanted));
  }
  return {{true}, io::Fd{connection->release()}};
}

Parent::Reply Parent::answer(const AskAdminSocket&) {
  if (admin_) return refuse("there is one");
  const config::AdminSocket& conf = supply_.conf->listen.admin;
  if (!conf.enabled) return refuse("adminsock is disabled");
  const std::string path = cli::admin_socket(conf.path, pfkey::client::run_dir(options_.run_dir));
  auto listener = listen_for_racoonctl(conf, path);
  if (!listener) return refuse(listener.error());
  admin_.emplace(*std::move(listener));
  return {{true}, io::Fd{::fcntl(admin_->fd(), F_DUPFD_CLOEXEC, 0)}};
}

Parent::Reply Parent::answer(const AskSocket& question) const {
  using Sharing = io::UdpSocket::Sharing;
  if (!permitted(question, *supply_.conf, io::local_addresses())) return refuse("not an address of this configuration");
  auto udp = io::UdpSocket::bind(question.at, host::Settings{}.own_mark(),
                                 question.natt ? Sharing::WithAnyAddress : Sharing::None);
  if (!udp) return refuse(udp.error().to_string());
  return {{true}, udp->release()};
}

/// Whoever tries names is slowed down, not refused: many peers may come at once.
Parent::Reply Parent::answer(const AskKey& question) {
  if (!key_budget_.take(io::now())) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  const auto key = keys_.pre_shared_key(question.name);
  if (!key) return refuse();
  if (key->size() >= kLongest) {
    log_.write_some(Level::Error, "the pskey for " + question.name + " is too long");
    return refuse();
  }
  return {{true, {key->expose().begin(), key->expose().end()}}, {}};
}

/// It would hold up all others: the signer has a socket of its own.
Parent::Reply Parent::answer(const AskSignature&) {
  return refuse("not here");
}

Parent::Reply Parent::answer(const AskHook& question) {
  const auto hook = permitted(question, scripts_);
  if (!hook) return refuse("it is not of the configuration, or has a variable that no script has");
  hooks_.run(*hook, io::now());
  return {{true}, {}};
}

/// Groups and servers are those of the configuration: who asks could leave them out.
Parent::Reply Parent::answer(const AskLogin& question) {
  Task task = task_of(question, *supply_.conf);
  logins_.start(
      std::move(task),
      [this, login = question.login, user = question.user](const Outcome& outcome) {
        using From = ike::ModeConfig::ConfSource;
        const From from = supply_.conf->policy.mode_config.conf_source;
        if (outcome.right && from != From::Local && !outcome.address) {
          log_.write(Level::Info, fmt::format("No IP from {}, using local pool for user \"{}\"",
                                              from == From::Radius ? "RADIUS" : "LDAP", printable(user)));
        }
        if (child_.news.send_with_descriptor(compose(LoginNews{login, outcome}), -1) ==
            io::SeqPacket::Sent::WouldBlock) {
          fail("racoon's unprivileged process does not read");
        }
      },
      io::now());
  return {{true}, {}};
}

Parent::Reply Parent::answer(const AskAccounting& question) {
  auto task = task_of(question, *supply_.conf);
  if (!task) return refuse("accounting none");
  const bool begins = question.job == Job::OpenSession;
  const std::string user = printable(question.user);
  log_.write(Level::Info, begins ? fmt::format("Accounting : '{}' logging on 'vpn{}' from {}.", user, question.slot,
                                               io::with_link_name(question.remote))
                                 : fmt::format("Accounting : '{}' unlogging from 'vpn{}'.", user, question.slot));
  logins_.start(
      *std::move(task),
      [this, user](const Outcome& outcome) {
        if (!outcome.right) log_.write(Level::Error, "Accounting of '" + user + "' failed: " + outcome.why);
      },
      io::now());
  return {{true}, {}};
}

/// Of this process: what it is told it tells the other.
void Parent::write_pid() {
  const std::string path =
      pid_file_name(supply_.conf->pidfile, pfkey::client::run_dir(options_.run_dir), options_.foreground);
  if (path.empty()) return;
  auto written = PidFile::write(path, ::getpid());
  if (!written) return log_.write(Level::Error, written.error());
  pid_file_ = *std::move(written);
}

/// From here on it speaks to peers.  Files are read again by root's plain rights, and scripts get no more.
Parent::Reply Parent::answer(const SayReady&) {
  if (ready_) return {{true}, {}};
  write_pid();
  const auto dropped =
      io::keep_only({io::Capability::NetAdmin, io::Capability::NetBindService}, {io::Capability::Kill});
  if (!dropped) {
    fail(dropped.error().to_string());
    return refuse();
  }
  ready_ = true;
  // Behind what it gave up: a thread keeps the rights that it began with.
  signer_.emplace(std::move(child_.signatures), supply_.conf,
                  [questions = child_.questions.fd()] { ::shutdown(questions, SHUT_RDWR); });
  log_.write(Level::Info, fmt::format("racoon unprivileged process running with PID {}", child_.pid));
  background_.up();
  return {{true}, {}};
}

Parent::Reply Parent::answer(const SayForbidden& question) {
  fail(fmt::format("racoon's unprivileged process called system call {}, which it has no need of", question.call));
  return refuse();
}

}  // namespace testudo::app
