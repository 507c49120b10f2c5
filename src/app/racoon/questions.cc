#include "app/racoon/questions.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "app/racoon/question_rules.h"
#include "io/clock.h"

namespace testudo::app {
namespace {

using namespace wire::racoon;

/// A reload reads files, and a disk may have to wake up first.
constexpr Duration kPatience = std::chrono::seconds{60};

/// What a script gets is for people: the other side refuses all that is not.
std::string printable_part(std::string text, std::size_t most) {
  if (text.size() > most) text.resize(most);
  return printable(std::move(text));
}

}  // namespace

Questions::Given Questions::ask(const Question& question) const {
  auto given = try_ask(question);
  if (given) return *std::move(given);
  log_.write(Log::Level::Error, "racoon's privileged process does not answer; this one ends");
  ::_exit(EXIT_FAILURE);
}

std::optional<Questions::Given> Questions::try_ask(const Question& question) const {
  return try_ask(socket_, question);
}

std::optional<Questions::Given> Questions::try_ask(const io::SeqPacket& socket, const Question& question) {
  ByteVector message = compose(question);
  const WipeAtEnd wiped{message};
  if (!parse_question(message)) return Given{};
  if (socket.send(message) != io::SeqPacket::Sent::Whole) return std::nullopt;
  return receive(socket);
}

std::optional<Questions::Given> Questions::receive(const io::SeqPacket& socket) {
  const Time until = io::now() + kPatience;
  for (Time now = io::now(); now < until; now = io::now()) {
    pollfd wait{socket.fd(), POLLIN, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now);
    if (::poll(&wait, 1, static_cast<int>(left.count())) < 0 && errno != EINTR) return std::nullopt;
    auto got = socket.receive_with_descriptor(kLongest);
    if (!got) return std::nullopt;
    if (got->message.empty()) continue;
    const WipeAtEnd wiped{got->message};
    auto answer = parse_answer(got->message);
    if (!answer) return std::nullopt;
    return Given{answer->granted, std::move(answer->value), std::move(got->descriptor)};
  }
  return std::nullopt;
}

std::optional<Secret> Questions::pre_shared_key(const std::string& name) const {
  Given given = ask(AskKey{name});
  const WipeAtEnd wiped{given.value};
  if (!given.granted) return std::nullopt;
  return Secret{given.value};
}

ByteVector Questions::sign(const std::array<std::uint8_t, 32>& key, Bytes hash) const {
  const std::lock_guard lock{signing_};
  auto given = try_ask(signatures_, AskSignature{key, {hash.begin(), hash.end()}});
  return given && given->granted ? std::move(given->value) : ByteVector{};
}

Result<crypto::ike::Credentials, std::string> AskedKeys::certified(const std::string& certificates,
                                                                   const std::string&) {
  // The certificate is known when the first part is made; the signer names it.
  auto print = std::make_shared<std::array<std::uint8_t, 32>>();
  auto made = crypto::ike::Credentials::load(
      certificates, [&questions = questions_, print](Bytes hash) { return questions.sign(*print, hash); });
  if (made) *print = fingerprint(*made);
  return made;
}

Result<ike::PlainKeys, std::string> AskedKeys::plain(const std::string& file, config::KeyUse use, ConfFiles& files) {
  TRY(const auto text, files.read(file));
  TRY(auto keys, config::parse_plain_rsa(text, file, config::KeyUse::Peers));
  if (use == config::KeyUse::Peers) return keys;
  ike::PlainKeys own;
  for (const ike::PlainKeys::Peer& each : keys.peers) {
    auto signer = [&questions = questions_, print = fingerprint(each.key)](Bytes hash) {
      return questions.sign(print, hash);
    };
    own.own.push_back({each.scope, crypto::ike::RsaPrivateKey::elsewhere(each.key, std::move(signer))});
  }
  return own;
}

void Questions::run(const ike::Hook& hook) const {
  static constexpr std::size_t kLongestPeer = 1024, kLongestValue = 4096;
  AskHook question{static_cast<std::uint8_t>(hook.event),
                   hook.script,
                   hook.local,
                   hook.remote,
                   hook.initiator_cookie,
                   hook.responder_cookie,
                   printable_part(hook.peer, kLongestPeer),
                   {}};
  for (const auto& [name, value] : hook.variables) {
    question.variables.emplace_back(name, printable_part(value, kLongestValue));
  }
  Given given = ask(std::move(question));
  if (!given.granted) log_.write_some(Log::Level::Error, "script " + hook.script + " is left out: " + given.sentence());
}

bool Questions::judge(const ike::CheckLogin& login) const {
  return ask(AskLogin{login.login.value, login.remote, login.user, login.password.clone()}).granted;
}

void Questions::account(const ike::Account& account) const {
  using What = ike::Account::What;
  ask(AskAccounting{account.what == What::Begins ? Job::OpenSession : Job::CloseSession, account.session, account.slot,
                    static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(account.lasted).count()),
                    account.user, account.remote, account.address, account.token});
}

}  // namespace testudo::app
