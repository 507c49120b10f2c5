#include "app/testudod/daemon.h"

#include <array>
#include <csignal>
#include <list>
#include <utility>

#include "app/testudod/packet_thread.h"
#include "app/testudod/pfkey_counters.h"
#include "host/mss.h"
#include "io/clock.h"
#include "net/protocol.h"
#include "observe/variables.h"

namespace testudo::app {
namespace {

constexpr std::uint64_t kRouteMemory = 10;  // seconds
constexpr std::uint64_t kPortPatience = 10;
constexpr std::size_t kMostTold = 1024;
constexpr unsigned kKeySocketMode = 0660, kControlSocketMode = 0600;

constexpr std::array<std::pair<std::uint8_t, PacketPath::Role>, 5> kRawSources{
    {{net::protocol::kEsp, PacketPath::Role::Delivered},
     {net::protocol::kAh, PacketPath::Role::Delivered},
     {net::protocol::kIpcomp, PacketPath::Role::Delivered},
     {net::protocol::kIpv4, PacketPath::Role::IpInIp},
     {net::protocol::kIpv6, PacketPath::Role::IpInIp}}};

Failure<std::string> sentence(const io::SystemError& error) {
  return Failure{error.to_string()};
}

}  // namespace

Daemon::Daemon(Options options, Log& log)
    : options_(std::move(options)),
      log_(log),
      sad_(settings_.key, random_),
      server_({sad_, spd_, settings_.key, random_, io::wall_reference,
               [this](std::uint32_t sequence) { engine().acquire_answered(sequence); },
               [this] {
                 if (spd_.size() != 0) settings_.used = 1;
                 policies_dirty_ = policies_heard_ = true;
                 policies_changed_at_ = io::now();
               },
               [this] { engine().key_daemon_came(); }, [this] { gate_.breathe(); },
               [this](const std::string& sentence) { log_.warning(sentence); }}),
      shared_(settings_.key, static_cast<std::uint8_t>(options_.workers())),
      turns_(options_.workers()),
      started_(io::wall_reference()) {}

Status<std::string> Daemon::start() {
  auto started = start_parts();
  if (!started) give_up();
  return started;
}

void Daemon::give_up() {
  // What a killed daemon left stays in force when its successor fails, too.
  const bool adopted = attachment_ && attachment_->adopted();
  if (tunnels_ && adopted) tunnels_->leave();
  if (attachment_ && !adopted) {
    release_wire();
    attachment_->detach();
  }
}

Status<std::string> Daemon::start_parts() {
  keep_the_gate();
  make_workers();
  // A signal that comes from here on is heeded once the loop runs.
  for (const int number : {SIGTERM, SIGINT}) loop_.on_signal(number, [this] { loop_.stop(); });
  loop_.on_signal(SIGHUP, [this] { reload(); });
  set_variables();
  TRY_DONE(options_.attach == Options::Attach::None ? attach_to_nothing() : attach());
  TRY_DONE(listen());
  ticker_ = loop_.every(std::chrono::seconds{1}, [this] { tick(); });
  publish();
  if (!attachment_) return Done{};
  for (const std::string& text : attachment_->warnings()) log_.warning(text);
  return Done{};
}

void Daemon::keep_the_gate() {
  loop_.surround([this](const io::EventLoop::Callback& callback) {
    gate_.close();
    callback();
    gate_.open();
    publish();
  });
}

void Daemon::make_workers() {
  while (workers_.size() < options_.workers()) {
    Worker& worker = *workers_.emplace_back(std::make_unique<Worker>(static_cast<std::uint8_t>(workers_.size())));
    gate_.add(worker.seat);
    worker.loop.surround([this, &worker](const io::EventLoop::Callback& callback) {
      gate_.enter(worker.seat);
      callback();
      gate_.leave(worker.seat);
    });
  }
}

engine::Engine::Parts Daemon::engine_parts(Worker& worker) {
  engine::Engine::Parts parts{sad_, spd_, settings_, worker.random, *worker.view};
  parts.sockets = sockets_.get();
  parts.worker = sad::Worker{worker.number};
  parts.reader = worker.reader.get();
  parts.shared = workers_.size() > 1 ? &shared_ : nullptr;
  return parts;
}

/// Policies that changed are what packets meet from here on; whatever changed them, so is it behind every callback.
void Daemon::publish() {
  gate_.aside([this] { spd_.publish(); });
}

Status<std::string> Daemon::open_view(Worker& worker) {
  auto netlink = host::Netlink::open();
  if (!netlink) return sentence(netlink.error());
  worker.netlink = *std::move(netlink);
  worker.view = std::make_unique<HostView>(*worker.netlink, options_.host.own_mark());
  return Done{};
}

Status<std::string> Daemon::attach_to_nothing() {
  for (const auto& worker : workers_) {
    TRY_DONE(open_view(*worker));
    worker->engine = std::make_unique<engine::Engine>(engine_parts(*worker));
  }
  return Done{};
}

Status<std::string> Daemon::attach() {
  options_.host.queues = workers_.size();
  auto attached = host::Attachment::attach(options_.host, options_.run_dir + "/attached");
  if (!attached) return sentence(attached.error());
  attachment_ = std::make_unique<host::Attachment>(*std::move(attached));
  auto monitor = host::NetlinkMonitor::open();
  if (!monitor) return sentence(monitor.error());
  monitor_ = *std::move(monitor);
  sockets_ = std::make_unique<SocketTable>(
      spd_, options_.host, options_.run_dir + "/sockets",
      [this](std::span<const unsigned> slots) { return put_in_force(slots); },
      [this](std::uint16_t port) { return follow_socket_ports(port); });
  for (const auto& worker : workers_) TRY_DONE(open_path(*worker));
  if (attachment_->adopted()) {
    hold_outbound(true);
    log_.warning(
        "the rules of a testudod that was killed are still in force: what they protect stays blocked until "
        "policies are set (setkey -f FILE) or flushed (setkey -FP)");
  }
  watches_.push_back(loop_.watch(monitor_->fd(), [this] {
    if (monitor_->drain()) heed_host();
  }));
  watch_refusals();
  TRY_DONE(open_receivers());
  TRY_DONE(make_tunnels());
  return take_wire();
}

/// Its queue of the device, and its engine.
Status<std::string> Daemon::open_path(Worker& worker) {
  TRY_DONE(open_view(worker));
  worker.reader = std::make_unique<spd::Reader>(spd_);
  worker.engine = std::make_unique<engine::Engine>(engine_parts(worker));
  worker.engine->set_encapsulation_ports(options_.host.encapsulation_ports);
  auto sender = io::Sender::open(options_.host.own_mark());
  if (!sender) return sentence(sender.error());
  const io::Tun& queue = attachment_->queues().at(worker.number);
  worker.packets =
      std::make_unique<PacketPath>(*worker.engine, queue, *std::move(sender), packet_listeners(worker), turns_);
  worker.watches.push_back(worker.loop.watch(queue.fd(), [&worker] { worker.packets->from_host(); }));
  return Done{};
}

/// In the worker's thread and in its visits.
PacketPath::Listeners Daemon::packet_listeners(Worker& worker) {
  return {[this, &worker](const engine::Acquire& a) {
            const bool heard =
                tell([this, wanted = pfkey::server::AcquireRequest{a.wanted, a.policy, a.direction, a.sequence}] {
                  server_.acquire(wanted, io::now());
                });
            if (!heard) worker.engine->acquire_forgotten(a.sequence);
          },
          [this](const engine::TraceStep& step) {
            const std::lock_guard only{tracing_};
            control_->trace(step);
            log_drop(step);
          },
          [this](const sad::Sa& of, const net::Endpoint& at) {
            tell([this, group = of.group(), spi = of.spi(), at] {
              if (const sad::Sa* sa = sad_.find(group, spi)) server_.new_mapping(*sa, at);
            });
          }};
}

/// Has the keeper do this.  Of more than it can do for now the rest is forgotten, as PF_KEY forgets what its readers
/// have no room for: false.
bool Daemon::tell(io::EventLoop::Callback what) {
  const std::lock_guard only{telling_};
  if (told_.size() >= kMostTold) return false;
  told_.push_back(std::move(what));
  if (told_.size() == 1) loop_.post([this] { heed_packets(); });
  return true;
}

void Daemon::heed_packets() {
  const auto told = [this] {
    const std::lock_guard only{telling_};
    return std::exchange(told_, {});
  }();
  for (const auto& what : told) {
    what();
    gate_.breathe();
  }
  pfkey_->pump();
}

Status<std::string> Daemon::open_receivers() {
  for (const net::Family family : {net::Family::V4, net::Family::V6}) TRY_DONE(open_receivers(family));
  return open_encapsulation_ports();
}

io::Portion Daemon::portion_of(const Worker& worker) const {
  return {worker.number, static_cast<std::uint32_t>(workers_.size())};
}

Status<std::string> Daemon::open_raw(net::Family family) {
  for (const auto& worker : workers_) {
    for (const auto& [protocol, role] : kRawSources) {
      const bool has_spi = role == PacketPath::Role::Delivered;
      if (!has_spi && worker->number != 0) continue;
      auto raw = io::Receiver::raw(family, protocol, attachment_->tun().index(),
                                   has_spi ? portion_of(*worker) : io::Portion{});
      if (!raw) return sentence(raw.error());
      receive_from(*worker, *std::move(raw), role);
    }
  }
  return Done{};
}

Status<std::string> Daemon::open_receivers(net::Family family) {
  TRY_DONE(open_raw(family));
  const auto& ports = options_.host.encapsulation_ports;
  auto icmp =
      io::Receiver::icmp_errors(family, ports.empty() ? std::uint16_t{0} : ports.front(), attachment_->tun().index());
  if (!icmp) return sentence(icmp.error());
  receive_from(first(), *std::move(icmp), PacketPath::Role::Overheard);
  return Done{};
}

void Daemon::receive_from(Worker& worker, io::Receiver receiver, PacketPath::Role role) {
  io::Receiver& kept = *worker.receivers.emplace_back(std::make_unique<io::Receiver>(std::move(receiver)));
  worker.watches.push_back(
      worker.loop.watch(kept.fd(), [&worker, role, &kept] { worker.packets->from_wire(kept, role); }));
}

Status<std::string> Daemon::listen() {
  auto keys = io::SeqPacketListener::listen(options_.run_dir + "/pfkey.sock", kKeySocketMode);
  if (!keys) return sentence(keys.error());
  auto control = io::SeqPacketListener::listen(options_.run_dir + "/control.sock", kControlSocketMode);
  if (!control) return sentence(control.error());
  if (attachment_) TRY_DONE(serve_sockets());
  pfkey_ = std::make_unique<PfkeyService>(
      loop_, *std::move(keys), server_,
      PfkeyService::Listeners{[this](Bytes message) { log_request(message); },
                              [this] { return policies_may_have_changed(); }, [this] { gate_.breathe(); }});
  std::vector<engine::Engine*> engines;
  for (const auto& worker : workers_) engines.push_back(worker->engine.get());
  observe::Sources sources{std::move(engines),
                           settings_,
                           sad_,
                           spd_,
                           [this] { return pfkey_counters(server_.counters()); },
                           [this] { return host_facts(); },
                           [this](std::string_view) {
                             policies_dirty_ = plan_is_stale_ = true;
                             policies_may_have_changed();
                             apply_socket_rules();
                           },
                           [this](const std::vector<std::string>& words) { return answer_about_tunnels(words); },
                           [this] { return sockets_ ? sockets_->describe() : "[]"; },
                           [this] { gate_.breathe(); }};
  control_ = std::make_unique<ControlService>(loop_, *std::move(control), observe::Control{std::move(sources)},
                                              [this](engine::Engine::Tracing wanted) {
                                                wanted_ = wanted;
                                                watch_packets();
                                              });
  return Done{};
}

void Daemon::run() {
  manager_.tell("READY=1");
  {
    const std::chrono::microseconds spin{options_.spin};
    std::list<PacketThread> threads;
    for (const auto& worker : workers_) threads.emplace_back(worker->loop, worker->name(), spin);
    loop_.run();
  }
  manager_.tell("STOPPING=1");
  if (!options_.keep_rules) return stop();
  if (tunnels_) tunnels_->leave();
}

void Daemon::stop() {
  if (tunnels_) tunnels_->take_leftovers();
  tunnels_.reset();
  release_wire();
  if (attachment_) attachment_->detach();
}

void Daemon::set_variables() {
  for (const auto& [name, value] : options_.variables) {
    if (observe::write_variable(settings_, name, value, spd_.size())) {
      log_.error(name + " = " + std::to_string(value) + " is refused: read-only, out of range or in use");
    }
  }
}

// SIGHUP: variables only; what names places of the host holds until a restart.
void Daemon::reload() {
  Options again = options_;
  again.variables.clear();
  if (const auto read = read_config(again); !read) return log_.error(read.error());
  options_.variables = again.variables;
  set_variables();
  policies_dirty_ = plan_is_stale_ = true;
  policies_may_have_changed();
  apply_socket_rules();
}

/// False when the host's rules do not follow.
bool Daemon::policies_may_have_changed() {
  publish();
  // Rules of a killed daemon are replaced as a whole, when the new policies have been still for a moment.
  if (!policies_dirty_ || !attachment_ || attachment_->adopted()) return true;
  apply_policies();
  return !policies_dirty_;
}

void Daemon::hold_outbound(bool hold) {
  for (const auto& worker : workers_) worker->packets->hold_outbound(hold);
}

PlanSources Daemon::plan_sources() {
  MssOf mss;
  if (options_.tcp_mss != Options::Mss::Off) mss = [this](const spd::Policy& policy) { return mss_of(policy); };
  return {spd_, settings_, std::move(mss), [this] { gate_.breathe(); }};
}

// Before the answers to the clients go out: a policy that setkey was told of is in force.
void Daemon::apply_policies() {
  // Only policies tell what the rules of a killed daemon stood for: neither SIGHUP nor a variable ends their force.
  if (attachment_->adopted() && !policies_heard_) return;
  const FilterEpochs now = filter_epochs(spd_);
  const auto changes = plan_is_stale_ ? std::nullopt : filter_changes(plan_sources(), followed_);
  tcp_is_behind_ = changes && gate_.aside([&] { return attachment_->follow(*changes); });
  if (!tcp_is_behind_) {
    const host::FilterPlan plan = filter_plan(plan_sources());
    if (const auto applied = gate_.aside([&] { return attachment_->apply(plan); }); !applied) {
      return log_.error("the host's packet filter does not follow the policies (tried again each second): " +
                        applied.error().to_string());
    }
  }
  followed_ = now;
  policies_dirty_ = plan_is_stale_ = false;
  hold_outbound(false);
}

std::uint16_t Daemon::mss_of(const spd::Policy& policy) {
  if (options_.tcp_mss == Options::Mss::Fixed) return options_.fixed_mss;
  return host::mss_within(first().engine->usable_mtu(policy, io::now()), policy.selector.source.address.family());
}

void Daemon::tick() {
  manager_.alive();
  const Time now = io::now();
  for (const sad::Expiry& expiry : sad_.tick(now, [this] { gate_.breathe(); })) {
    server_.expired(expiry, now);
    gate_.breathe();
  }
  for (const spd::Policy& policy : spd_.tick(now)) {
    server_.policy_expired(policy, now);
    policies_dirty_ = true;
  }
  if (attachment_) tick_host(now);
  control_->tick();
  pfkey_->pump();
}

void Daemon::tick_host(Time now) {
  for (const auto& worker : workers_) {
    worker->packets->tick(now);
    for (const auto& receiver : worker->receivers) worker->packets->count_overflows(*receiver);
  }
  for (const SocketReceiver& of : socket_receivers_) first().packets->count_overflows(*of.receiver);
  static_cast<void>(follow_socket_ports(0));
  const auto losses = [this] { return attachment_->netlink().queue_losses(attachment_->tun().index()); };
  first().packets->count_host_losses(gate_.aside(losses));
  if (lanes_) first().wire->count_losses(lanes_->losses());
  watch_packets();
  if (++ticks_ % kRouteMemory == 0) {
    for (const auto& worker : workers_) worker->view->forget_routes();
  }
  release_contested_ports();
  if (ticks_ % kPortPatience == 0) hold_ports();
  if (policies_dirty_ && now - policies_changed_at_ >= std::chrono::seconds{1}) apply_policies();
  fit_tcp(now);
  count_refused();
  if (!gate_.aside([this] { return attachment_->in_place(); })) put_rules_back();
  keep_wire();
}

// `nft flush ruleset`, with which reloading a firewall begins, spares nobody's tables.
void Daemon::put_rules_back() {
  log_.error(
      "the nft tables of this testudod were removed (by `nft flush ruleset`?): protected flows may have been in clear");
  if (attachment_->adopted())
    log_.error("what the killed testudod protected is not known any more: set policies (setkey -f FILE)");
  const host::FilterPlan plan = filter_plan(plan_sources());
  if (const auto done = gate_.aside([&] { return attachment_->put_back(plan); }); !done) {
    return log_.error("the tables cannot be put back (tried again each second): " + done.error().to_string());
  }
  log_.info("the tables are there again");
  followed_ = filter_epochs(spd_);
  policies_dirty_ = plan_is_stale_ = false;
  hold_outbound(false);
}

// SAs and routes decide about the room for TCP, and they change without a word to the policies.
void Daemon::fit_tcp(Time now) {
  if (policies_dirty_ || attachment_->adopted() || options_.tcp_mss == Options::Mss::Off) return;
  const bool settled = now - policies_changed_at_ >= std::chrono::seconds{1};
  const std::uint64_t patience = kRouteMemory * (1 + spd_.size(spd::Direction::Out) / host::kMaxOutboundRules);
  const bool due = options_.tcp_mss == Options::Mss::Auto && ticks_ % patience == 0;
  if (!due && !(tcp_is_behind_ && settled)) return;
  tcp_is_behind_ = false;
  const host::FilterPlan plan = filter_plan(plan_sources());
  if (!gate_.aside([&] { return attachment_->fit_tcp(plan); })) policies_dirty_ = plan_is_stale_ = true;
}

}  // namespace testudo::app
