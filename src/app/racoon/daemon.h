#pragma once
// racoon at work: sockets, key table and timer around one ike::Machine.
#include <memory>
#include <optional>

#include "app/racoon/files.h"
#include "app/racoon/key_table.h"
#include "app/racoon/log.h"
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
  void reload();
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
  io::EventLoop::Watch watch_;
  io::EventLoop::Timer tick_, addresses_, reconnect_;
};

/// The file and all complaints about it into the log; nothing when there is an error.
std::shared_ptr<const config::RacoonConf> load(const Options& options, Log& log);

}  // namespace testudo::app
