#pragma once
// racoon at work: sockets, key table and timer around one ike::Machine.
#include <memory>
#include <optional>

#include "app/racoon/admin_service.h"
#include "app/racoon/files.h"
#include "app/racoon/hooks.h"
#include "app/racoon/key_table.h"
#include "app/racoon/log.h"
#include "app/racoon/operator.h"
#include "app/racoon/options.h"
#include "app/racoon/sockets.h"
#include "ike/machine.h"
#include "io/event_loop.h"
#include "io/random.h"

namespace testudo::app {

class Daemon {
 public:
  Daemon(const Options& options, Log& log, std::shared_ptr<const config::RacoonConf> conf);
  Status<std::string> start();
  /// Until a signal.  When testudod goes it waits for the next one.
  void run() { loop_.run(); }

 private:
  void happen(const ike::Event& event);
  void act(ike::Action action);
  void send(const ike::Send& message);
  void use(std::shared_ptr<const config::RacoonConf> conf);
  std::vector<std::string> reload();
  Status<std::string> open_admin_socket();
  Operator::Hands hands();
  void refresh_sockets();
  void end();
  Result<KeyTable, std::string> open_table();
  void watch_table();
  void reconnect();

  const Options& options_;
  Log& log_;
  std::shared_ptr<const config::RacoonConf> conf_;
  io::EventLoop loop_;
  io::KernelRandom random_;
  PskFile keys_;
  Sockets sockets_;
  std::optional<KeyTable> table_;
  std::optional<ike::Machine> machine_;
  Hooks hooks_;
  Operator operator_;
  std::optional<AdminService> admin_;
  io::EventLoop::Watch watch_;
  io::EventLoop::Timer tick_, addresses_, reconnect_;
};

/// The file, and all complaints about it, which are in the log then; nothing when there is an error.
struct LoadedFile {
  std::shared_ptr<const config::RacoonConf> conf;
  std::vector<std::string> errors;
};
LoadedFile load(const Options& options, Log& log);

}  // namespace testudo::app
