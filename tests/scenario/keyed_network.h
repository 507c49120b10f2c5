#pragma once
// Two hosts with all that keys them in one process: engine and databases, testudod's PF_KEY, racoon's key table and its
// IKE machine.  Only the sockets between racoon and the network are left out: IKE has a link of its own.
//
//        racoon a  · · · · · · · · · · · IKE · · · · · · · · · · · ·  racoon b
//           │ PF_KEY, a Unix socket                                     │
//      testudod a 20.0.0.1 ═══════════ ESP, watched ═══════════ testudod b 20.0.0.2
//
// Time jumps in steps that the test gives.  One thread.
#include <unistd.h>

#include <cstdlib>
#include <deque>

#include "app/racoon/key_table.h"
#include "io/unix_socket.h"
#include "pfkey/server/server.h"
#include "support/station.h"
#include "unit/ike/pair.h"

namespace testudo::test {

/// What makes a Station a host that keys itself.
class KeyDaemon {
 public:
  KeyDaemon(Station& station, const std::string& own, const std::string& peer, const ike::Policy& policy)
      : station_(station),
        random_(std::hash<std::string>{}(own)),
        server_({station.sad, station.spd, station.settings.key, random_, [] { return WallReference{}; },
                 [this](std::uint32_t sequence) { station_.engine.acquire_answered(sequence); }, [] {}}) {
    protect(own, peer);
    std::string name = testing::TempDir() + "tdo-keyed-XXXXXX";
    const std::string directory = ::mkdtemp(name.data());
    const auto listener = io::SeqPacketListener::listen(directory + "/pfkey.sock", 0600);
    auto opened = app::KeyTable::open(directory, [](const std::string& text) { ADD_FAILURE() << text; });
    table_.emplace(*std::move(opened));
    socket_.emplace(*listener->accept());
    ::rmdir(directory.c_str());
    client_ = server_.connect(true);
    keys_.of[peer] = "the same for both";
    machine_.emplace(std::make_shared<ike::Policy>(policy), keys_, *table_);
    settle({});  // it has registered, and knows the policies
  }

  std::vector<ike::Send> sent;  ///< since the last clear()
  std::vector<ike::Told> told;
  std::vector<ike::Refusal> refusals;

  unsigned count(ike::Fact fact) const {
    return static_cast<unsigned>(std::ranges::count(told, fact, &ike::Told::fact));
  }
  const ike::Machine& machine() const { return *machine_; }

  void event(const ike::Event& what, Time now) {
    for (const ike::Action& action : machine_->on(what, now, random_)) act(action);
    settle(now);
  }
  void tick(Time now) {
    for (const sad::Expiry& expiry : station_.sad.tick(now)) server_.expired(expiry, now);
    station_.engine.tick(now, station_);
    const auto deadline = machine_->next_deadline();
    if (deadline && *deadline <= now) event(ike::Tick{}, now);
    settle(now);
  }
  /// Until neither side of the socket has anything to say.
  void settle(Time now) {
    do {
      for (const engine::Acquire& wanted : std::exchange(station_.acquires, {})) {
        server_.acquire({wanted.wanted, wanted.policy, wanted.direction, wanted.sequence}, now);
      }
      for (auto heard = socket_->receive(); heard && !heard->empty(); heard = socket_->receive()) {
        server_.receive(client_, *heard, now);
      }
      server_.settle(true);
    } while (answer(now));
  }

 private:
  void protect(const std::string& own, const std::string& peer) {
    const auto esp = std::vector{request(spd::RequestProtocol::Esp)};
    station_.host.addresses = {ip(own)};
    station_.install(policy(spd::Direction::Out, own + "/32", peer + "/32", esp));
    station_.install(policy(spd::Direction::In, peer + "/32", own + "/32", esp));
  }

  bool answer(Time now) {
    bool any = false;
    while (const auto message = server_.next_output(client_, now)) {
      any = socket_->send(*message) == io::SeqPacket::Sent::Whole;
      if (!any) ADD_FAILURE() << "the socket of PF_KEY is full";
      // Racoon reads as often as it can; what it does may make more.
      std::vector<ike::Event> events;
      EXPECT_TRUE(table_->read([&](const ike::Event& event) { events.push_back(event); }));
      for (const ike::Event& each : events) {
        for (const ike::Action& action : machine_->on(each, now, random_)) act(action);
      }
    }
    return any;
  }

  void act(const ike::Action& action) {
    if (const auto* send = std::get_if<ike::Send>(&action)) sent.push_back(*send);
    if (const auto* spi = std::get_if<ike::AllocateSpi>(&action)) table_->allocate(*spi);
    if (const auto* install = std::get_if<ike::Install>(&action)) table_->install(install->sa);
    if (const auto* remove = std::get_if<ike::Remove>(&action)) table_->remove(*remove);
    if (const auto* abandon = std::get_if<ike::Abandon>(&action)) table_->abandon(*abandon);
    if (const auto* fact = std::get_if<ike::Told>(&action)) told.push_back(*fact);
    if (const auto* refusal = std::get_if<ike::Refusal>(&action)) refusals.push_back(*refusal);
  }

  Station& station_;
  SeededRandom random_;
  pfkey::server::Server server_;
  pfkey::server::ClientId client_ = 0;
  ike::test::Keys keys_;
  std::optional<app::KeyTable> table_;
  std::optional<io::SeqPacket> socket_;
  std::optional<ike::Machine> machine_;
};

class KeyedNetwork {
 public:
  static constexpr Duration kDelay = std::chrono::milliseconds{20};  ///< of either link

  explicit KeyedNetwork(const ike::Policy& policy, std::uint64_t seed = 1)
      : pair({.delay = kDelay}, seed),
        a(pair.a, "20.0.0.1", "20.0.0.2", policy),
        b(pair.b, "20.0.0.2", "20.0.0.1", policy),
        ike_faults_(seed + 30) {
    pair.now = Time{std::chrono::seconds{1000}};
    for (Link* link : {&pair.a_to_b, &pair.b_to_a}) link->oracle().forbid_text("attack at dawn");
  }

  EnginePair pair;
  KeyDaemon a, b;
  std::uint32_t ike_loses = 0;  ///< percent

  enum class Traffic : std::uint8_t { None, Both };  ///< a datagram each way in each step

  /// The first packet finds no SA; then there are two.
  void protect() {
    speak(pair.a, "20.0.0.1", "20.0.0.2");
    run(std::chrono::seconds{1});
    sent = counted_ = 0;
    for (Station* station : {&pair.a, &pair.b}) station->engine.reset_statistics();
  }
  void speak() {
    speak(pair.a, "20.0.0.1", "20.0.0.2");
    speak(pair.b, "20.0.0.2", "20.0.0.1");
  }
  /// One host wants SAs, whatever there are.
  void want(bool a_does) {
    const net::Address here = ip(a_does ? "20.0.0.1" : "20.0.0.2"), there = ip(a_does ? "20.0.0.2" : "20.0.0.1");
    const net::Selector outbound{net::Prefix::host(here), net::Prefix::host(there)};
    (a_does ? a : b).event(ike::Wanted{{0, here, there, outbound, {ike::ChildItem{}}}}, pair.now);
  }

  /// Lets this much time pass, in steps of a second, and of five milliseconds while IKE speaks.
  void run(Duration time, Traffic traffic = Traffic::None) {
    const Time end = pair.now + time;
    do {
      if (traffic == Traffic::Both) speak();
      step();
      const Duration next = mail_.empty() ? Duration{std::chrono::seconds{1}} : std::chrono::milliseconds{5};
      pair.now += std::min(next, std::max(end - pair.now, Duration{1}));
    } while (pair.now < end);
  }
  /// All that was under way arrives.
  void rest() {
    for (int i = 0; i < 100; ++i) step(), pair.now += std::chrono::milliseconds{5};
  }

  std::size_t sent = 0;  ///< numbered datagrams, of both hosts together
  std::size_t arrived() const { return pair.a.delivered.size() + pair.b.delivered.size() + counted_; }

 private:
  struct Mail {
    Time due;
    bool to_a;
    ike::Send message;
  };

  void step() {
    for (KeyDaemon* daemon : {&a, &b}) daemon->tick(pair.now);
    cross(pair.a, pair.a_to_b, pair.b);
    cross(pair.b, pair.b_to_a, pair.a);
    deliver();
    post(a, false);
    post(b, true);
    for (Station* station : {&pair.a, &pair.b}) counted_ += std::exchange(station->delivered, {}).size();
  }

  void speak(Station& station, const char* from, const char* to) {
    const std::string text = "attack at dawn " + std::to_string(++sent);
    station.send({udp({ip(from), 1025}, {ip(to), 7}, as_bytes(text))}, pair.now);
  }
  void cross(Station& from, Link& link, Station& to) {
    for (const ByteVector& packet : std::exchange(from.wire, {})) link.send(packet, pair.now);
    from.in_clear.clear();
    to.receive(link.arrived(pair.now), pair.now);
  }
  void post(KeyDaemon& from, bool to_a) {
    for (ike::Send& message : std::exchange(from.sent, {})) {
      if (!ike_faults_.chance(ike_loses)) mail_.push_back({pair.now + kDelay, to_a, std::move(message)});
    }
  }
  void deliver() {
    while (!mail_.empty() && mail_.front().due <= pair.now) {
      const Mail mail = std::move(mail_.front());
      mail_.pop_front();
      const ike::Send& m = mail.message;
      (mail.to_a ? a : b).event(ike::Received{m.remote, m.local, m.bytes, m.floated}, pair.now);
    }
  }

  std::deque<Mail> mail_;
  SeededRandom ike_faults_;
  std::size_t counted_ = 0;
};

}  // namespace testudo::test
