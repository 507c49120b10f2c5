#include "app/racoon/signer.h"

#include <sys/socket.h>

#include <csignal>

#include "app/racoon/certificates.h"

namespace testudo::app {
namespace {

using namespace wire::racoon;

/// Empty when the block has no such key.
ByteVector signature_of(const ike::Remote& remote, const AskSignature& question) {
  if (remote.credentials && fingerprint(*remote.credentials) == question.key) {
    return remote.credentials->sign(question.hash);
  }
  if (!remote.plain_own) return {};
  for (const ike::PlainKeys::Own& own : remote.plain_own->own) {
    if (fingerprint(own.key.public_key()) == question.key) return own.key.sign(question.hash);
  }
  return {};
}

}  // namespace

Answer signed_answer(const config::RacoonConf& conf, const AskSignature& question) {
  for (const ike::Remote& remote : conf.policy.remotes) {
    ByteVector signature = signature_of(remote, question);
    if (!signature.empty()) return {true, std::move(signature)};
  }
  return {false};
}

Signer::Signer(io::SeqPacket socket, Conf conf, std::function<void()> rebellion)
    : socket_(std::move(socket)), rebellion_(std::move(rebellion)), conf_(std::move(conf)), thread_([this] {
        sigset_t all{};
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
        run();
      }) {}

Signer::~Signer() {
  // It waits there.
  ::shutdown(socket_.fd(), SHUT_RDWR);
  thread_.join();
}

void Signer::use(Conf conf) {
  const std::lock_guard lock{mutex_};
  conf_ = std::move(conf);
}

Signer::Conf Signer::conf() const {
  const std::lock_guard lock{mutex_};
  return conf_;
}

void Signer::run() {
  while (auto message = socket_.wait_and_receive()) {
    const auto question = parse_question(*message);
    const auto* const wanted = question ? std::get_if<AskSignature>(&*question) : nullptr;
    if (wanted == nullptr) return rebellion_();
    const ByteVector answer = compose(signed_answer(*conf(), *wanted));
    // Who asks and does not read is not waited for.
    if (socket_.send_with_descriptor(answer, -1) == io::SeqPacket::Sent::WouldBlock) return rebellion_();
  }
}

}  // namespace testudo::app
