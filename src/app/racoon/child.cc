#include "app/racoon/child.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "app/racoon/daemon.h"
#include "app/racoon/last_signal.h"
#include "crypto/ike/prf.h"
#include "io/confinement.h"

namespace testudo::app {
namespace {

using Level = Log::Level;

/// What libraries read when they are used first, for then there are no files any more.
void wake_libraries() {
  ::tzset();
  namespace crypto = testudo::crypto::ike;
  static_cast<void>(crypto::digest(crypto::HashKind::Sha256, {}));
  ByteVector block(16), iv(16), key(16);
  static_cast<void>(crypto::cbc_encrypt(testudo::crypto::CipherKind::AesCbc, key, iv, block));
}

Status<io::SystemError> give_up(const wire::racoon::Account& account, Log& log) {
  const auto became = io::become({account.user, account.group, account.chroot});
  if (became) return Done{};
  if (account.required) return Failure{became.error()};
  // As in a user namespace that has no other users.
  log.write(Level::Warning,
            "the process that speaks to peers stays user 0, without capabilities: " + became.error().to_string());
  return io::become({});
}

Status<std::string> confine(Log& log, pid_t parent, int report) {
  if (const auto done = io::end_with_parent(parent); !done) return Failure{done.error().to_string()};
  const auto filtered = io::allow_few_calls(report);
  if (!filtered) log.write(Level::Warning, "no filter of system calls: " + filtered.error().to_string());
  return Done{};
}

Status<std::string> work(const Options& options, Log& log, Background& background, const Questions& questions,
                         ChildEnds& ends) {
  wake_libraries();
  const auto first = questions.try_ask(wire::racoon::AskConfiguration{});
  // The other process has said why there is none.
  if (!first || !first->granted) ::_exit(EXIT_FAILURE);
  const auto account = wire::racoon::parse_account(first->value);
  if (!account) return Failure{std::string{"privsep: no account"}};
  if (const auto done = give_up(*account, log); !done) return Failure{"privsep: " + done.error().to_string()};
  // Threads have the rights that their process has when they begin.
  Workers workers{Workers::usual_number()};
  TRY_DONE(confine(log, ends.parent, questions.descriptor()));
  LoadedFile loaded = load_given(options, questions, first->descriptor);
  if (!loaded.conf) return Failure{loaded.errors.front()};
  Daemon daemon{options, log, {questions, workers}, std::move(ends.news), std::move(loaded.conf)};
  TRY_DONE(daemon.start());
  questions.ask(wire::racoon::SayReady{});
  background.up();
  daemon.run();
  heed_no_more_signals();
  return Done{};
}

}  // namespace

void be_child(const Options& options, Log& log, Background& background, ChildEnds ends) {
  // It closes with the process and not before: the other one takes a closed socket for a rebellion.
  const Questions questions{std::move(ends.questions), std::move(ends.signatures), log};
  const auto done = work(options, log, background, questions, ends);
  if (!done) {
    log.write(Level::Error, done.error());
    if (!options.foreground) std::fprintf(stderr, "racoon: %s\n", done.error().c_str());
  }
  std::fflush(nullptr);
  ::_exit(done ? EXIT_SUCCESS : EXIT_FAILURE);
}

}  // namespace testudo::app
