#pragma once
// What racoon's unprivileged process asks the privileged one (docs/adr/0021), and what it hears: one message of a
// SOCK_SEQPACKET socket each, of a closed set, none longer than kLongest.  Both sides read with the same cursor: the
// asker may have been rewritten by who broke it, so everything here that the privileged side reads is foreign bytes.
// What may be asked is judged by the privileged side, not here.  Pure.
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/secret.h"
#include "net/flow.h"
#include "wire/racoon_task.h"
#include "wire/reader.h"

namespace testudo::wire::racoon {

inline constexpr std::size_t kLongest = 16384, kLongestName = 256, kLongestHash = 64, kMostVariables = 32;

/// Configuration as the privileged side parsed it: the answer has a descriptor to read it from.
struct AskConfiguration {};
/// A connection to testudod's PF_KEY socket.
struct AskTable {};
/// The listening socket of `adminsock`.
struct AskAdminSocket {};
/// A UDP socket of IKE at this address.
struct AskSocket {
  net::Endpoint at;
  bool natt = false;
};
/// The pre-shared key under this name.
struct AskKey {
  std::string name;
};
/// A signature of this hash by the private key whose certificate, or public key, has this SHA-256.
struct AskSignature {
  std::array<std::uint8_t, 32> key{};
  ByteVector hash;
};
/// Run a script of the configuration.
struct AskHook {
  std::uint8_t event = 0;
  std::string script;
  net::Endpoint local, remote;
  std::uint64_t initiator_cookie = 0, responder_cookie = 0;
  std::string peer;
  std::vector<std::pair<std::string, std::string>> variables{};
};
/// Judge a password; the judgement comes later, as LoginNews.
struct AskLogin {
  std::uint32_t login = 0;
  net::Address remote;  ///< the client's host
  std::string user;
  Secret password;
};
/// Everything is open and in use.
struct SayReady {};
/// The filter of system calls met one that it does not know; the asker ends itself.
struct SayForbidden {
  std::uint32_t call = 0;
};

/// Keep account of a session that begins or ends, as `accounting` says.
struct AskAccounting {
  Job job = Job::OpenSession;
  std::uint64_t session = 0;
  std::uint32_t slot = 0, seconds = 0;
  std::string user;
  net::Address remote;
  std::optional<net::Address> address;  ///< that the client was given
  ByteVector token;                     ///< of the judgement
};

using Question = std::variant<AskConfiguration, AskTable, AskAdminSocket, AskSocket, AskKey, AskSignature, AskHook,
                              AskLogin, SayReady, SayForbidden, AskAccounting>;

ByteVector compose(const Question& question);
Result<Question, Malformed> parse_question(Bytes message);

/// Whether it is granted, and what: key, signature, account; or a sentence why not.
struct Answer {
  bool granted = false;
  ByteVector value{};  ///< whoever expects a key here wipes it
};
ByteVector compose(const Answer& answer);
Result<Answer, Malformed> parse_answer(Bytes message);

/// What a process becomes that must not be root.
struct Account {
  std::uint32_t user = 0, group = 0;
  bool required = false;  ///< the configuration names it: where it cannot be had, nothing starts
  std::string chroot;     ///< "": none
};
ByteVector compose(const Account& account);
Result<Account, Malformed> parse_account(Bytes value);

struct LoginNews {
  std::uint32_t login = 0;
  Outcome outcome;
};
ByteVector compose(const LoginNews& news);
Result<LoginNews, Malformed> parse_login_news(Bytes message);

}  // namespace testudo::wire::racoon
