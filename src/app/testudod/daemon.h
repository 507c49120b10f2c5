#pragma once
// The parts of testudod put together: databases, engine, PF_KEY server, the attachment to the host, and the event loops
// that drive them.  Wiring only: whoever looks for what happens to a packet reads engine/.
//
// The workers' threads carry packets, each in a loop whose callbacks are visits of the gate (base/gate.h); the keeper's
// closes the gate for each of its own, and opens it for what takes long and touches nothing that packets look at:
// transactions of nft, questions to the kernel.  What there is once goes by the first worker: ICMP errors, devices of
// sockets and tunnels, what is sent to ports of sockets with UDP_ENCAP, IP in IP.
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "app/testudod/control_service.h"
#include "app/testudod/log.h"
#include "app/testudod/options.h"
#include "app/testudod/pfkey_service.h"
#include "app/testudod/plan.h"
#include "app/testudod/send_turns.h"
#include "app/testudod/socket_service.h"
#include "app/testudod/wire_lanes.h"
#include "app/testudod/worker.h"
#include "base/gate.h"
#include "engine/shared.h"
#include "host/attachment.h"
#include "host/refusal_log.h"
#include "io/port_hold.h"
#include "io/random.h"
#include "io/service_manager.h"
#include "spd/reader.h"

namespace testudo::app {

class Daemon {
 public:
  Daemon(Options options, Log& log);

  /// Attaches and opens all sockets; an error is a sentence, and nothing is left behind.
  Status<std::string> start();
  /// Instead of run(): takes away what start() put on the host.
  void give_up();
  /// Until SIGTERM or SIGINT; then takes everything away from the host, or leaves it as a crash would (keep_rules).
  void run();
  /// Instead of run(): takes everything away, also what a daemon before this one left.
  void stop();

 private:
  Status<std::string> start_parts();
  void keep_the_gate();
  void make_workers();
  Worker& first() { return *workers_.front(); }
  engine::Engine& engine() { return *first().engine; }
  engine::Engine::Parts engine_parts(Worker& worker);
  void publish();
  bool tell(io::EventLoop::Callback what);
  void heed_packets();
  PacketPath::Listeners packet_listeners(Worker& worker);
  Status<std::string> attach();
  Status<std::string> attach_to_nothing();
  std::string wire_file() const;
  Status<std::string> take_wire();
  Status<std::string> open_wire(Worker& worker);
  void heed_host();
  void keep_wire();
  void release_wire();
  Status<std::string> open_view(Worker& worker);
  Status<std::string> open_path(Worker& worker);
  Status<std::string> open_receivers();
  Status<std::string> open_receivers(net::Family family);
  Status<std::string> open_raw(net::Family family);
  io::Portion portion_of(const Worker& worker) const;
  Status<std::string> open_encapsulation_ports();
  void receive_encapsulated(net::Family family, std::uint16_t port, std::vector<io::Receiver> group);
  void hold_ports();
  void heed_ike(std::uint16_t port);
  void release_contested_ports();
  Status<std::string> listen();
  void receive_from_sockets(unsigned slot, const io::Tun& device);
  bool put_in_force(std::span<const unsigned> slots);
  void apply_socket_rules();
  Status<io::SystemError> apply_rules_of_sockets();
  bool follow_socket_ports(std::uint16_t port);
  void warn_of_too_many_ports(std::uint16_t port);
  bool steer_sockets();
  void open_socket_port(std::uint16_t port);
  Status<std::string> serve_sockets();
  static void receive_from(Worker& worker, io::Receiver receiver, PacketPath::Role role = PacketPath::Role::Delivered);
  void set_variables();
  void reload();
  bool policies_may_have_changed();
  void apply_policies();
  void put_rules_back();
  PlanSources plan_sources();
  std::uint16_t mss_of(const spd::Policy& policy);
  void tick();
  void tick_host(Time now);
  void fit_tcp(Time now);
  void watch_refusals();
  void count_refused();
  void watch_packets();
  void log_drop(const engine::TraceStep& step);
  void log_request(Bytes message);
  std::string host_facts();
  void hold_outbound(bool hold);
  Status<std::string> make_tunnels();
  std::string answer_about_tunnels(const std::vector<std::string>& words);
  Status<std::string> change_tunnels(const std::vector<std::string>& words);

  Options options_;
  Log& log_;
  io::ServiceManager manager_ = io::ServiceManager::from_environment();
  io::KernelRandom random_;
  engine::Settings settings_;
  sad::Database sad_;
  spd::Database spd_;
  pfkey::server::Server server_;
  Gate gate_;
  io::EventLoop loop_;
  std::mutex telling_, tracing_;               ///< of several visitors one at a time
  std::vector<io::EventLoop::Callback> told_;  ///< by visitors, for the keeper

  std::unique_ptr<host::Attachment> attachment_;  ///< none with `attach = none`: no packets, and nobody to filter them
  std::optional<host::NetlinkMonitor> monitor_;
  std::optional<host::RefusalLog> refusals_;
  std::unique_ptr<SocketTable> sockets_;  ///< none with `attach = none`, as attachment_
  engine::Shared shared_;
  SendTurns turns_;
  std::vector<std::unique_ptr<Worker>> workers_;  ///< at least one
  std::unique_ptr<Tunnels> tunnels_;
  std::unique_ptr<WireLanes> lanes_;  ///< with `attach = wire`
  ErrorLimits error_limits_;
  std::unique_ptr<PfkeyService> pfkey_;
  std::unique_ptr<ControlService> control_;
  std::map<unsigned, std::unique_ptr<io::HostPort>> socket_ports_;  ///< by slot
  struct SocketReceiver {
    host::Steer steer;
    std::unique_ptr<io::Receiver> receiver;
    io::EventLoop::Watch watch;  // last: gone before the socket closes
  };
  std::vector<SocketReceiver> socket_receivers_;  ///< of ports of sockets with UDP_ENCAP
  host::SteeredSockets steered_sockets_;          ///< what the rules say of them
  Time warned_of_ports_{};
  std::optional<host::SocketMonitor> socket_monitor_;
  std::unique_ptr<SocketService> socket_service_;
  std::vector<io::EventLoop::Watch> watches_;
  struct Held {
    io::PortHold hold;
    bool heard = false;          // something came since the last tick
    io::EventLoop::Watch watch;  // last: gone before the socket closes
  };
  std::map<std::uint16_t, Held> held_ports_;
  std::uint64_t ike_unclaimed_ = 0;
  io::EventLoop::Timer ticker_;

  engine::Engine::Tracing wanted_ = engine::Engine::Tracing::Off;  // by readers of `testudo trace` and tap
  bool policies_dirty_ = false;
  bool policies_heard_ = false;  ///< from a client, if only that there are none
  bool plan_is_stale_ = true;    ///< more than the policies changed
  FilterEpochs followed_{};      ///< what the host's rules stand for
  bool tcp_is_behind_ = false;   ///< it is told what fitted before the last policies came
  Time policies_changed_at_{};
  ByteVector last_refused_;  ///< its first bytes
  std::uint64_t refused_counted_ = 0;
  std::uint64_t ticks_ = 0;
  WallReference started_;
};

}  // namespace testudo::app
