#include "wire/racoon_question.h"

#include <algorithm>

#include "base/overload.h"
#include "wire/racoon_fields.h"

namespace testudo::wire::racoon {
namespace {

/// The first byte of a question: its place in the variant.
template <std::size_t place>
using At = std::variant_alternative_t<place, Question>;

Result<Question, Malformed> take_socket(Reader& in) {
  TRY(const auto at, take_endpoint(in));
  TRY(const bool natt, take_bool(in));
  return Question{AskSocket{at, natt}};
}

Result<Question, Malformed> take_key(Reader& in) {
  TRY(auto name, take_text(in, kLongestName));
  return Question{AskKey{std::move(name)}};
}

Result<Question, Malformed> take_signature(Reader& in) {
  AskSignature question;
  TRY(const Bytes key, in.take(question.key.size()));
  std::ranges::copy(key, question.key.begin());
  TRY(const Bytes hash, take_bytes(in, kLongestHash));
  if (hash.empty()) return Failure{Malformed::BadLength};
  question.hash.assign(hash.begin(), hash.end());
  return Question{std::move(question)};
}

Result<Question, Malformed> take_hook(Reader& in) {
  static constexpr std::size_t kLongestPath = 4096;
  AskHook question;
  TRY(question.event, in.u8());
  TRY(question.script, take_text(in, kLongestPath));
  TRY(question.local, take_endpoint(in));
  TRY(question.remote, take_endpoint(in));
  TRY(question.initiator_cookie, in.u64());
  TRY(question.responder_cookie, in.u64());
  TRY(question.peer, take_text(in, kLongest));
  TRY(const auto count, in.u8());
  if (count > kMostVariables) return Failure{Malformed::BadLength};
  for (std::uint8_t i = 0; i < count; ++i) {
    TRY(auto name, take_text(in, kLongestName));
    TRY(auto value, take_text(in, kLongest));
    question.variables.emplace_back(std::move(name), std::move(value));
  }
  return Question{std::move(question)};
}

/// Together they must go into the pipe of the process that judges.
Result<Question, Malformed> take_login(Reader& in) {
  static constexpr std::size_t kLongestPassword = 2048;
  AskLogin question;
  TRY(question.login, in.u32());
  TRY(question.remote, take_address(in));
  TRY(question.user, take_text(in, kLongestName));
  TRY(const Bytes password, take_bytes(in, kLongestPassword));
  if (std::ranges::find(password, std::uint8_t{0}) != password.end()) return Failure{Malformed::BadValue};
  question.password = Secret{password};
  return Question{std::move(question)};
}

Result<Question, Malformed> take_forbidden(Reader& in) {
  TRY(const auto call, in.u32());
  return Question{SayForbidden{call}};
}

Result<Question, Malformed> take_accounting(Reader& in) {
  AskAccounting question;
  TRY(const bool closes, take_bool(in));
  question.job = closes ? Job::CloseSession : Job::OpenSession;
  TRY(question.session, in.u64());
  TRY(question.slot, in.u32());
  TRY(question.seconds, in.u32());
  TRY(question.user, take_text(in, kLongestName));
  TRY(question.remote, take_address(in));
  TRY(question.address, take_optional(in));
  TRY(const Bytes token, take_bytes(in, kLongestToken));
  question.token.assign(token.begin(), token.end());
  return Question{std::move(question)};
}

Result<Question, Malformed> take_question(std::uint8_t kind, Reader& in) {
  using Take = Result<Question, Malformed> (*)(Reader&);
  static constexpr std::array<Take, std::variant_size_v<Question>> kTake{
      [](Reader&) -> Result<Question, Malformed> { return Question{At<0>{}}; },
      [](Reader&) -> Result<Question, Malformed> { return Question{At<1>{}}; },
      [](Reader&) -> Result<Question, Malformed> { return Question{At<2>{}}; },
      take_socket,
      take_key,
      take_signature,
      take_hook,
      take_login,
      [](Reader&) -> Result<Question, Malformed> { return Question{At<8>{}}; },
      take_forbidden,
      take_accounting};
  if (kind >= kTake.size()) return Failure{Malformed::BadValue};
  return kTake[kind](in);
}

void put_hook(Writer& out, const AskHook& question) {
  out.u8(question.event);
  put_text(out, as_bytes(question.script));
  put_endpoint(out, question.local);
  put_endpoint(out, question.remote);
  out.u64(question.initiator_cookie).u64(question.responder_cookie);
  put_text(out, as_bytes(question.peer));
  out.u8(static_cast<std::uint8_t>(question.variables.size()));
  for (const auto& [name, value] : question.variables) {
    put_text(out, as_bytes(name));
    put_text(out, as_bytes(value));
  }
}

void put_login(Writer& out, const AskLogin& question) {
  out.u32(question.login);
  put_address(out, question.remote);
  put_text(out, as_bytes(question.user));
  put_text(out, question.password.expose());
}

void put_accounting(Writer& out, const AskAccounting& question) {
  out.u8(question.job == Job::CloseSession ? 1 : 0).u64(question.session).u32(question.slot).u32(question.seconds);
  put_text(out, as_bytes(question.user));
  put_address(out, question.remote);
  put_optional(out, question.address);
  put_text(out, question.token);
}

template <typename T>
Result<T, Malformed> whole(T value, const Reader& in) {
  if (!in.empty()) return Failure{Malformed::BadLength};
  return value;
}

}  // namespace

ByteVector compose(const Question& question) {
  Writer out;
  out.u8(static_cast<std::uint8_t>(question.index()));
  std::visit(overload{
                 [&](const AskSocket& q) {
                   put_endpoint(out, q.at);
                   out.u8(q.natt ? 1 : 0);
                 },
                 [&](const AskKey& q) { put_text(out, as_bytes(q.name)); },
                 [&](const AskSignature& q) {
                   out.raw(q.key);
                   put_text(out, q.hash);
                 },
                 [&](const AskHook& q) { put_hook(out, q); },
                 [&](const AskLogin& q) { put_login(out, q); },
                 [&](const SayForbidden& q) { out.u32(q.call); },
                 [&](const AskAccounting& q) { put_accounting(out, q); },
                 [](const auto&) {},
             },
             question);
  return out.take();
}

Result<Question, Malformed> parse_question(Bytes message) {
  if (message.size() > kLongest) return Failure{Malformed::BadLength};
  Reader in{message};
  TRY(const auto kind, in.u8());
  TRY(auto question, take_question(kind, in));
  if (!in.empty()) return Failure{Malformed::BadLength};
  return question;
}

ByteVector compose(const Answer& answer) {
  Writer out;
  out.u8(answer.granted ? 1 : 0).raw(answer.value);
  return out.take();
}

Result<Answer, Malformed> parse_answer(Bytes message) {
  if (message.size() > kLongest) return Failure{Malformed::BadLength};
  Reader in{message};
  TRY(const bool granted, take_bool(in));
  return Answer{granted, {in.rest().begin(), in.rest().end()}};
}

ByteVector compose(const Account& account) {
  Writer out;
  out.u32(account.user).u32(account.group).u8(account.required ? 1 : 0);
  put_text(out, as_bytes(account.chroot));
  return out.take();
}

Result<Account, Malformed> parse_account(Bytes value) {
  Reader in{value};
  Account account;
  TRY(account.user, in.u32());
  TRY(account.group, in.u32());
  TRY(account.required, take_bool(in));
  TRY(account.chroot, take_text(in, 4096));
  return whole(std::move(account), in);
}

ByteVector compose(const LoginNews& news) {
  Writer out;
  out.u32(news.login).raw(compose(news.outcome));
  return out.take();
}

Result<LoginNews, Malformed> parse_login_news(Bytes message) {
  Reader in{message};
  LoginNews news;
  TRY(news.login, in.u32());
  TRY(news.outcome, parse_outcome(in.rest()));
  return news;
}

}  // namespace testudo::wire::racoon
