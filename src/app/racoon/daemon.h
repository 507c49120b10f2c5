#pragma once
// racoon's unprivileged process at work: sockets, key table and timer around one ike::Machine.  What it may not do
// itself it asks for (questions.h).
#include <memory>
#include <optional>

#include "app/racoon/admin_service.h"
#include "app/racoon/held_messages.h"
#include "app/racoon/key_table.h"
#include "app/racoon/load.h"
#include "app/racoon/log.h"
#include "app/racoon/operator.h"
#include "app/racoon/options.h"
#include "app/racoon/questions.h"
#include "app/racoon/sockets.h"
#include "app/racoon/workers.h"
#include "ike/machine.h"
#include "io/event_loop.h"
#include "io/random.h"

namespace testudo::app {

class Daemon {
 public:
  /// Who does for it what it may not, or what takes too long.
  struct Helpers {
    const Questions& questions;
    Workers& workers;
  };
  /// `news`: of logins.
  Daemon(const Options& options, Log& log, Helpers helpers, io::SeqPacket news,
         std::shared_ptr<const config::RacoonConf> conf);
  Status<std::string> start();
  /// Until a signal, or the other process ends.  When testudod goes it waits for the next one.
  void run() { loop_.run(); }

 private:
  void happen(const ike::Event& event);
  void act(ike::Action action);
  void send_held();
  void check(const ike::CheckLogin& login);
  void read_news();
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
  const Questions& questions_;
  Workers& workers_;
  io::SeqPacket news_;
  Sockets sockets_;
  std::optional<KeyTable> table_;
  std::optional<ike::Machine> machine_;
  HeldMessages held_;
  Operator operator_;
  std::optional<AdminService> admin_;
  bool ending_ = false;
  io::EventLoop::Watch watch_, news_watch_, work_watch_;
  io::EventLoop::Timer tick_, addresses_, reconnect_;
};

/// The configuration that the other process gives, read without a file; nothing when it has errors.
LoadedFile load_given(const Options& options, const Questions& questions, const io::Fd& record);

}  // namespace testudo::app
