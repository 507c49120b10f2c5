#include "wire/pfkey/message.h"

#include <algorithm>

#include "wire/pfkey/extensions.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace testudo::wire::pfkey {
namespace {

constexpr std::size_t kHeader = 16, kUnit = 8;
constexpr std::size_t kMaxUnits = 0xffff;

struct Header {
  Message message;
  std::size_t length = 0;
};

// sadb_msg: version u8 | type u8 | errno u8 | satype u8 | len u16 | reserved u16 | seq u32 | pid u32.
Result<Header, Malformed> parse_header(Reader& in) {
  Header h;
  TRY(h.message.version, in.u8());
  TRY(const auto type, in.u8());
  TRY(h.message.error, in.u8());
  TRY(const auto satype, in.u8());
  TRY(const auto units, in.host16());
  TRY(h.message.reserved, in.host16());
  TRY(h.message.sequence, in.host32());
  TRY(h.message.pid, in.host32());
  h.message.type = static_cast<Type>(type);
  h.message.satype = static_cast<SaType>(satype);
  h.length = units * kUnit;
  return h;
}

struct RawExtension {
  Ext type = Ext::Reserved;
  Bytes body;  ///< behind length and type
};

// sadb_ext: len u16 in units of 8 bytes | type u16.
Result<RawExtension, Malformed> parse_raw(Reader& in) {
  TRY(const auto units, in.host16());
  TRY(const auto type, in.host16());
  if (units == 0) return Failure{Malformed::BadLength};
  TRY(const auto body, in.take(units * kUnit - 4));
  return RawExtension{static_cast<Ext>(type), body};
}

Status<ParseError> parse_extension(Reader& in, Message& into) {
  const auto raw = parse_raw(in);
  if (!raw) return Failure{ParseError::BadExtensionLength};
  const ExtensionRow* row = extension_row(raw->type);
  if (row == nullptr) return Failure{ParseError::UnknownExtension};
  if (std::ranges::find(into.order, raw->type) != into.order.end()) return Failure{ParseError::DuplicateExtension};
  into.order.push_back(raw->type);
  Reader body{raw->body};
  TRY_DONE(row->parse(body, into));
  if (!body.empty()) return Failure{ParseError::BadExtensionLength};
  return Done{};
}

/// Length and type, then what `body` writes, padded; false when a 16-bit length cannot say it.
template <typename Body>
bool compose_extension(Ext type, Writer& out, Body body) {
  Writer extension;
  extension.host16(0).host16(static_cast<std::uint16_t>(type));
  if (!body(extension)) return true;
  extension.align(kUnit);
  const std::size_t units = extension.size() / kUnit;
  if (units > kMaxUnits) return false;
  extension.patch_host16(0, static_cast<std::uint16_t>(units));
  out.raw(extension.bytes());
  return true;
}

/// The order asked for, then whatever it does not name, each once.
std::vector<Ext> complete_order(const Message& message) {
  std::vector<Ext> order;
  const auto append = [&order](Ext type) {
    if (std::ranges::find(order, type) == order.end()) order.push_back(type);
  };
  for (const Ext type : message.order) append(type);
  for (const ExtensionRow& row : extension_rows()) append(row.type);
  return order;
}

KeyExt clone_key(const KeyExt& key) {
  return {key.bits, key.key.clone()};
}

}  // namespace

Result<Message, ParseError> parse(Bytes bytes) {
  Reader in{bytes};
  auto header = parse_header(in);
  if (!header) return Failure{ParseError::TooShort};
  if (header->length != bytes.size()) return Failure{ParseError::BadMessageLength};
  Message message = std::move(header->message);
  // What follows the header of SADB_X_PROMISC is a message, not extensions.
  if (message.type == Type::Promisc) return message;
  while (!in.empty()) TRY_DONE(parse_extension(in, message));
  return message;
}

ByteVector compose(const Message& message) {
  return compose(message, complete_order(message));
}

ByteVector compose(const Message& message, std::span<const Ext> only) {
  Writer out;
  out.u8(message.version).u8(static_cast<std::uint8_t>(message.type)).u8(message.error);
  out.u8(static_cast<std::uint8_t>(message.satype)).host16(0).host16(message.reserved);
  out.host32(message.sequence).host32(message.pid);
  for (const Ext type : only) {
    const ExtensionRow* row = extension_row(type);
    if (row == nullptr) continue;
    if (!compose_extension(type, out, [&](Writer& body) { return row->compose(message, body); })) return {};
  }
  const std::size_t units = out.size() / kUnit;
  if (units > kMaxUnits) return {};
  out.patch_host16(4, static_cast<std::uint16_t>(units));
  return out.take();
}

ByteVector wrap_promiscuous(Bytes message) {
  Writer out;
  const std::size_t units = (kHeader + message.size()) / kUnit;
  if (units > kMaxUnits) return {};
  out.u8(kVersion).u8(static_cast<std::uint8_t>(Type::Promisc)).zeros(2);
  out.host16(static_cast<std::uint16_t>(units)).zeros(10).raw(message);
  return out.take();
}

std::optional<Message> peek(Bytes bytes) {
  Reader in{bytes};
  auto header = parse_header(in);
  if (!header) return std::nullopt;
  return std::move(header->message);
}

std::optional<std::size_t> message_length(Bytes bytes) {
  Reader in{bytes};
  const auto header = parse_header(in);
  if (!header || header->length < kHeader) return std::nullopt;
  return header->length;
}

ByteVector compose_policy(const PolicyExt& policy) {
  Writer out;
  const bool fits = compose_extension(Ext::Policy, out, [&policy](Writer& body) {
    compose_policy_body(policy, body);
    return true;
  });
  return fits ? out.take() : ByteVector{};
}

Result<PolicyExt, ParseError> parse_policy(Bytes bytes) {
  Reader in{bytes};
  const auto raw = parse_raw(in);
  if (!raw || !in.empty()) return Failure{ParseError::BadExtensionLength};
  if (raw->type != Ext::Policy) return Failure{ParseError::UnknownExtension};
  return parse_socket_policy(bytes);
}

Result<PolicyExt, ParseError> parse_socket_policy(Bytes bytes) {
  Reader in{bytes};
  const auto raw = parse_raw(in);
  if (!raw || !in.empty()) return Failure{ParseError::BadExtensionLength};
  Reader body{raw->body};
  return parse_policy_body(body);
}

Message clone(const Message& message) {
  Message copy;
  copy.version = message.version;
  copy.type = message.type;
  copy.error = message.error;
  copy.satype = message.satype;
  copy.reserved = message.reserved;
  copy.sequence = message.sequence;
  copy.pid = message.pid;
  copy.sa = message.sa;
  copy.current = message.current;
  copy.hard = message.hard;
  copy.soft = message.soft;
  copy.source = message.source;
  copy.destination = message.destination;
  copy.proxy = message.proxy;
  if (message.auth_key) copy.auth_key = clone_key(*message.auth_key);
  if (message.encrypt_key) copy.encrypt_key = clone_key(*message.encrypt_key);
  copy.source_identity = message.source_identity;
  copy.destination_identity = message.destination_identity;
  copy.proposal = message.proposal;
  copy.supported_auth = message.supported_auth;
  copy.supported_encrypt = message.supported_encrypt;
  copy.spi_range = message.spi_range;
  copy.policy = message.policy;
  copy.sa2 = message.sa2;
  copy.nat_t_type = message.nat_t_type;
  copy.nat_t_sport = message.nat_t_sport;
  copy.nat_t_dport = message.nat_t_dport;
  copy.nat_t_oa = message.nat_t_oa;
  copy.nat_t_oar = message.nat_t_oar;
  copy.nat_t_frag = message.nat_t_frag;
  copy.replay_window = message.replay_window;
  copy.order = message.order;
  return copy;
}

}  // namespace testudo::wire::pfkey
