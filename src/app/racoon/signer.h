#pragma once
// The thread of racoon's privileged process that signs: an RSA signature takes milliseconds, and who waits for a
// pre-shared key or a socket must not wait for it.  It has a socket of its own on which the child asks; what it is
// asked it judges as the other thread does: it signs with keys of the configuration in use, and knows no other
// question.
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "config/racoon/conf.h"
#include "io/unix_socket.h"
#include "wire/racoon_question.h"

namespace testudo::app {

class Signer {
 public:
  using Conf = std::shared_ptr<const config::RacoonConf>;
  /// `rebellion`: called in the signer's thread, which ends then, when something came that is no question for it.
  Signer(io::SeqPacket socket, Conf conf, std::function<void()> rebellion);
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;
  ~Signer();

  /// From the next question on.
  void use(Conf conf);

 private:
  void run();
  Conf conf() const;

  io::SeqPacket socket_;
  std::function<void()> rebellion_;
  mutable std::mutex mutex_;
  Conf conf_;
  std::thread thread_;
};

/// The answer to one question; pure.
wire::racoon::Answer signed_answer(const config::RacoonConf& conf, const wire::racoon::AskSignature& question);

}  // namespace testudo::app
