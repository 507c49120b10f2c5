#include "wire/racoon_question.h"

#include <algorithm>

#include "base/overload.h"
#include "wire/writer.h"

namespace testudo::wire::racoon {
namespace {

/// The first byte of a question: its place in the variant.
template <std::size_t place>
using At = std::variant_alternative_t<place, Question>;

void put_text(Writer& out, Bytes text) {
  const Bytes kept = text.first(std::min<std::size_t>(text.size(), 0xffff));
  out.u16(static_cast<std::uint16_t>(kept.size())).raw(kept);
}

void put_endpoint(Writer& out, const net::Endpoint& at) {
  out.u8(static_cast<std::uint8_t>(at.address.family())).raw(at.address.bytes());
  out.u32(at.address.scope()).u16(at.port);
}

Result<Bytes, Malformed> take_bytes(Reader& in, std::size_t most) {
  TRY(const auto length, in.u16());
  if (length > most) return Failure{Malformed::BadLength};
  return in.take(length);
}

Result<std::string, Malformed> take_text(Reader& in, std::size_t most) {
  TRY(const Bytes bytes, take_bytes(in, most));
  // A name ends at its zero byte for whoever hands it to the system.
  if (std::ranges::find(bytes, std::uint8_t{0}) != bytes.end()) return Failure{Malformed::BadValue};
  return std::string{bytes.begin(), bytes.end()};
}

Result<bool, Malformed> take_bool(Reader& in) {
  TRY(const auto value, in.u8());
  if (value > 1) return Failure{Malformed::BadValue};
  return value == 1;
}

Result<net::Endpoint, Malformed> take_endpoint(Reader& in) {
  TRY(const auto family, in.u8());
  const bool is_v4 = family == static_cast<std::uint8_t>(net::Family::V4);
  if (!is_v4 && family != static_cast<std::uint8_t>(net::Family::V6)) return Failure{Malformed::BadValue};
  TRY(const Bytes bytes, in.take(is_v4 ? 4 : 16));
  TRY(const auto scope, in.u32());
  TRY(const auto port, in.u16());
  if (is_v4 && scope != 0) return Failure{Malformed::BadValue};
  return net::Endpoint{is_v4 ? net::Address::v4(bytes.first<4>()) : net::Address::v6(bytes.first<16>(), scope), port};
}

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
      take_forbidden};
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
  put_text(out, as_bytes(question.user));
  put_text(out, question.password.expose());
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
  out.u32(news.login).u8(news.right ? 1 : 0);
  put_text(out, as_bytes(news.why));
  return out.take();
}

Result<LoginNews, Malformed> parse_login_news(Bytes message) {
  Reader in{message};
  LoginNews news;
  TRY(news.login, in.u32());
  TRY(news.right, take_bool(in));
  TRY(news.why, take_text(in, kLongestName));
  return whole(std::move(news), in);
}

}  // namespace testudo::wire::racoon
