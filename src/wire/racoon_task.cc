#include "wire/racoon_task.h"

#include "wire/racoon_fields.h"

namespace testudo::wire::racoon {
namespace {

constexpr std::size_t kLongestWord = 1024, kLongestSecret = 2048;

Result<ByteVector, Malformed> take_token(Reader& in) {
  TRY(const Bytes bytes, take_bytes(in, kLongestToken));
  return ByteVector{bytes.begin(), bytes.end()};
}

/// Of a number that names one of so many.
template <typename Enum>
Result<Enum, Malformed> take_enum(Reader& in, Enum last) {
  TRY(const auto value, in.u8());
  if (value > static_cast<std::uint8_t>(last)) return Failure{Malformed::BadValue};
  return Enum{value};
}

Status<Malformed> take_servers(Reader& in, Task& task) {
  TRY(const auto count, in.u8());
  if (count > kMostServers) return Failure{Malformed::BadLength};
  for (std::uint8_t i = 0; i < count; ++i) {
    RadiusServer server;
    TRY(server.host, take_text(in, kLongestWord));
    TRY(server.port, in.u16());
    TRY(const Bytes secret, take_bytes(in, kLongestSecret));
    server.secret = Secret{secret};
    task.servers.push_back(std::move(server));
  }
  TRY(task.timeout, in.u16());
  TRY(task.tries, in.u8());
  TRY(task.proof_required, take_bool(in));
  return Done{};
}

Status<Malformed> take_directory(Reader& in, Directory& directory) {
  for (std::string* text :
       {&directory.url, &directory.base, &directory.bind_dn, &directory.attr_user, &directory.attr_address,
        &directory.attr_mask, &directory.attr_group, &directory.attr_member}) {
    TRY(*text, take_text(in, kLongestWord));
  }
  TRY(const Bytes password, take_bytes(in, kLongestSecret));
  directory.bind_password = Secret{password};
  TRY(directory.version, in.u8());
  TRY(directory.timeout, in.u16());
  TRY(directory.subtree, take_bool(in));
  TRY(directory.start_tls, take_bool(in));
  TRY(directory.has_groups, take_bool(in));
  return Done{};
}

void put_directory(Writer& out, const Directory& directory) {
  for (const std::string* text :
       {&directory.url, &directory.base, &directory.bind_dn, &directory.attr_user, &directory.attr_address,
        &directory.attr_mask, &directory.attr_group, &directory.attr_member}) {
    put_text(out, as_bytes(*text));
  }
  put_text(out, directory.bind_password.expose());
  out.u8(directory.version).u16(directory.timeout).u8(directory.subtree ? 1 : 0);
  out.u8(directory.start_tls ? 1 : 0).u8(directory.has_groups ? 1 : 0);
}

Status<Malformed> take_session(Reader& in, Task& task) {
  TRY(task.session, in.u64());
  TRY(task.slot, in.u32());
  TRY(task.seconds, in.u32());
  TRY(task.address, take_optional(in));
  TRY(task.token, take_token(in));
  return Done{};
}

}  // namespace

ByteVector compose(const Task& task) {
  Writer out;
  out.u8(static_cast<std::uint8_t>(task.job)).u8(static_cast<std::uint8_t>(task.source));
  put_text(out, as_bytes(task.user));
  put_text(out, task.password.expose());
  put_address(out, task.remote);
  out.u16(static_cast<std::uint16_t>(task.groups.size()));
  for (const std::string& group : task.groups) put_text(out, as_bytes(group));
  out.u8(static_cast<std::uint8_t>(task.servers.size()));
  for (const RadiusServer& server : task.servers) {
    put_text(out, as_bytes(server.host));
    out.u16(server.port);
    put_text(out, server.secret.expose());
  }
  out.u16(task.timeout).u8(task.tries).u8(task.proof_required ? 1 : 0);
  if (task.source == Source::Ldap) put_directory(out, task.directory);
  out.u64(task.session).u32(task.slot).u32(task.seconds);
  put_optional(out, task.address);
  put_text(out, task.token);
  return out.take();
}

Result<Task, Malformed> parse_task(Bytes message) {
  if (message.size() > kLongestTask) return Failure{Malformed::BadLength};
  Reader in{message};
  Task task;
  TRY(task.job, take_enum(in, Job::CloseSession));
  TRY(task.source, take_enum(in, Source::Ldap));
  TRY(task.user, take_text(in, kLongestWord));
  TRY(const Bytes password, take_bytes(in, kLongestSecret));
  task.password = Secret{password};
  TRY(task.remote, take_address(in));
  TRY(const auto groups, in.u16());
  if (groups > kMostGroups) return Failure{Malformed::BadLength};
  for (std::uint16_t i = 0; i < groups; ++i) {
    TRY(auto group, take_text(in, kLongestWord));
    task.groups.push_back(std::move(group));
  }
  TRY_DONE(take_servers(in, task));
  if (task.source == Source::Ldap) TRY_DONE(take_directory(in, task.directory));
  TRY_DONE(take_session(in, task));
  if (!in.empty()) return Failure{Malformed::BadLength};
  return task;
}

ByteVector compose(const Outcome& outcome) {
  Writer out;
  out.u8(outcome.right ? 1 : 0);
  put_text(out, as_bytes(outcome.why));
  put_optional(out, outcome.address);
  put_optional(out, outcome.netmask);
  put_text(out, outcome.token);
  return out.take();
}

Result<Outcome, Malformed> parse_outcome(Bytes message) {
  if (message.size() > kLongestOutcome) return Failure{Malformed::BadLength};
  Reader in{message};
  Outcome outcome;
  TRY(outcome.right, take_bool(in));
  TRY(outcome.why, take_text(in, kLongestWord));
  TRY(outcome.address, take_optional(in));
  TRY(outcome.netmask, take_optional(in));
  TRY(outcome.token, take_token(in));
  if (!in.empty()) return Failure{Malformed::BadLength};
  return outcome;
}

}  // namespace testudo::wire::racoon
