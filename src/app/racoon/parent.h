#pragma once
// racoon's privileged process: root, but no network.  It reads the configuration and the keys, opens sockets, signs,
// runs scripts and has passwords judged, for the process that speaks to peers (docs/adr/0021), and believes that one
// nothing: questions are of a closed set and each is judged (question_rules.h).  When either ends, both do.  One
// thread, and another one that signs (signer.h).
#include <sys/types.h>

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "app/racoon/background.h"
#include "app/racoon/files.h"
#include "app/racoon/hooks.h"
#include "app/racoon/load.h"
#include "app/racoon/logins.h"
#include "app/racoon/pid_file.h"
#include "app/racoon/signer.h"
#include "ike/budget.h"
#include "io/event_loop.h"
#include "io/unix_socket.h"
#include "wire/racoon_question.h"

namespace testudo::app {

/// The other process, and the sockets to it: questions come in by the first, those for signatures by the second,
/// judged logins go out by the third.
struct Child {
  pid_t pid = -1;
  io::SeqPacket questions, signatures, news;
};

/// A configuration, with what the child needs to come to the same.
struct Supply {
  std::shared_ptr<const config::RacoonConf> conf;
  wire::racoon::Account account;
  ByteVector record;
};
struct LoadedSupply {
  std::optional<Supply> supply;
  std::vector<std::string> errors;  ///< which the log has
};
LoadedSupply load_supply(const Options& options, Log& log);

class Parent {
 public:
  Parent(const Options& options, Log& log, Background& background, Supply supply, Child child);
  Parent(const Parent&) = delete;
  Parent& operator=(const Parent&) = delete;
  /// Ends the child, whatever it does, and takes the socket of racoonctl away.
  ~Parent();

  /// Until the child has ended: the exit status of the whole.
  int run();

 private:
  /// What goes back, and a descriptor beside it.
  struct Reply {
    wire::racoon::Answer answer;
    io::Fd descriptor{};
  };
  static Reply refuse(const std::string& sentence = "");
  void use(Supply supply);
  void write_pid();
  void readable();
  void fail(const std::string& sentence);
  void child_ended();

  Reply answer(const wire::racoon::AskConfiguration& question);
  Reply answer(const wire::racoon::AskTable& question) const;
  Reply answer(const wire::racoon::AskAdminSocket& question);
  Reply answer(const wire::racoon::AskSocket& question) const;
  Reply answer(const wire::racoon::AskKey& question);
  static Reply answer(const wire::racoon::AskSignature& question);
  Reply answer(const wire::racoon::AskHook& question);
  Reply answer(const wire::racoon::AskLogin& question);
  Reply answer(const wire::racoon::AskAccounting& question);
  Reply answer(const wire::racoon::SayReady& question);
  Reply answer(const wire::racoon::SayForbidden& question);

  const Options& options_;
  Log& log_;
  Background& background_;
  Supply supply_;
  Child child_;
  bool supplied_ = false, ready_ = false, ended_ = false, failed_ = false;
  int status_;
  io::EventLoop loop_;
  PskFile keys_;
  ike::Budget key_budget_;
  std::set<std::string> scripts_;  ///< of all configurations of this run: SAs go by the one that they began with
  Hooks hooks_;
  Logins logins_;
  std::optional<io::SeqPacketListener> admin_;
  PidFile pid_file_;
  std::optional<Signer> signer_;  ///< from SayReady on: before that nobody is spoken to
  io::EventLoop::Watch watch_;
  io::EventLoop::Timer tick_;
};

}  // namespace testudo::app
