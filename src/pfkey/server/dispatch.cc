// The order in which a message is judged is netipsec's key_parse: length, version, type, extensions, type of SA,
// addresses, and then the function of its type.
#include <array>

#include "pfkey/server/context.h"

namespace testudo::pfkey::server {
namespace {

using wire::pfkey::Message;
using wire::pfkey::ParseError;
using wire::pfkey::SaType;
using wire::pfkey::Type;

using Handler = Outcome (*)(Context&, const Request&);

/// NetBSD stops at a cluster of 2 KiB.  Ours leaves room for policies and identities of any sense, while every reply
/// made from a request, and its promiscuous copy, still fits the length of a message.
constexpr std::size_t kMaxRequest = 65536;
constexpr std::size_t kErrnoOffset = 2;

Outcome not_offered(Context&, const Request&) {
  return Failure{Errno::NotSupported};
}

/// By number.  An empty place is a message that only the system sends, or none at all.
constexpr std::array<Handler, wire::pfkey::kTypeMax + 1> kHandlers{
    nullptr,  get_spi,   update,        add,     remove,           get,         acquire,     register_client, nullptr,
    flush,    dump,      promiscuous,   nullptr, spd_update,       spd_add,     spd_delete,  spd_get,         nullptr,
    spd_dump, spd_flush, spd_set_index, nullptr, spd_delete_by_id, new_mapping, not_offered,
};

bool speaks_of_policies(Type type) {
  return type >= Type::SpdUpdate && type <= Type::SpdDelete2;
}

bool needs_sa_type(Type type) {
  switch (type) {
    case Type::GetSpi:
    case Type::Update:
    case Type::Add:
    case Type::Delete:
    case Type::Get:
    case Type::Acquire:
    case Type::Expire:
      return true;
    default:
      return false;
  }
}

Outcome allow(bool fine) {
  if (!fine) return Failure{Errno::Invalid};
  return Done{};
}

Outcome check_sa_type(Type type, SaType satype) {
  switch (satype) {
    case SaType::Unspec:
      return allow(!needs_sa_type(type));
    case SaType::Ah:
    case SaType::Esp:
    case SaType::Ipcomp:
    case SaType::TcpSignature:
      return allow(!speaks_of_policies(type));
    case SaType::PromiscOn:
      return allow(type == Type::Promisc);
    case SaType::Rsvp:
    case SaType::Ospfv2:
    case SaType::Ripv2:
    case SaType::Mip:
      return Failure{Errno::NotSupported};
  }
  return Failure{Errno::Invalid};
}

Outcome check_addresses(const Message& m) {
  if (!m.source || !m.destination) return Done{};
  const bool same_protocol = m.source->protocol == m.destination->protocol;
  const bool same_family = m.source->endpoint.address.family() == m.destination->endpoint.address.family();
  return allow(same_protocol && same_family);
}

/// The failures for which a kernel lets write() fail: the sender gets a header alone.
bool fails_the_write(ParseError error) {
  switch (error) {
    case ParseError::TooShort:
    case ParseError::BadMessageLength:
    case ParseError::BadExtensionLength:
    case ParseError::DuplicateExtension:
    case ParseError::UnknownExtension:
      return true;
    case ParseError::BadAddress:
    case ParseError::UnknownFamily:
    case ParseError::BadPolicy:
      return false;
  }
  return true;
}

void count(Counters& counters, ParseError error) {
  switch (error) {
    case ParseError::TooShort:
      ++counters.too_short;
      break;
    case ParseError::BadMessageLength:
    case ParseError::BadExtensionLength:
      ++counters.invalid_length;
      break;
    case ParseError::DuplicateExtension:
      ++counters.duplicate_extension;
      break;
    case ParseError::UnknownExtension:
      ++counters.invalid_extension_type;
      break;
    case ParseError::BadAddress:
    case ParseError::UnknownFamily:
      ++counters.invalid_address;
      break;
    case ParseError::BadPolicy:
      break;
  }
}

void answer_bare(Context& context, ClientId client, Bytes request, Errno error) {
  const auto header = wire::pfkey::peek(request);
  Message reply;
  if (header) {
    reply.type = header->type;
    reply.satype = header->satype;
    reply.sequence = header->sequence;
    reply.pid = header->pid;
  }
  reply.error = static_cast<std::uint8_t>(error);
  context.sessions.to_one(client, wire::pfkey::compose(reply));
}

void answer_with_echo(Context& context, ClientId client, Bytes request, Errno error) {
  ByteVector echo(request.begin(), request.end());
  echo[kErrnoOffset] = static_cast<std::uint8_t>(error);
  context.sessions.to_one(client, std::move(echo));
}

Outcome handle(Context& context, Request& request) {
  Message& message = request.message;
  const auto type = static_cast<std::size_t>(message.type);
  if (Outcome fine = check_sa_type(message.type, message.satype); !fine) {
    ++context.counters.invalid_satype;
    return fine;
  }
  if (Outcome fine = check_addresses(message); !fine) {
    ++context.counters.invalid_address;
    return fine;
  }
  message.error = 0;
  message.reserved = 0;
  const Handler handler = kHandlers.at(type);
  return handler == nullptr ? Outcome{Failure{Errno::Invalid}} : handler(context, request);
}

/// Version and type, which come before the extensions are looked at.
Outcome check_header(Context& context, const Message& header) {
  if (header.version != wire::pfkey::kVersion) {
    ++context.counters.invalid_version;
    return Failure{Errno::Invalid};
  }
  if (static_cast<std::uint8_t>(header.type) > wire::pfkey::kTypeMax) {
    ++context.counters.invalid_type;
    return Failure{Errno::Invalid};
  }
  return Done{};
}

void parse_and_handle(Context& context, ClientId client, Bytes bytes, Time now) {
  auto parsed = wire::pfkey::parse(bytes);
  if (!parsed) {
    count(context.counters, parsed.error());
    if (fails_the_write(parsed.error())) return answer_bare(context, client, bytes, Errno::Invalid);
    const bool family = parsed.error() == ParseError::UnknownFamily;
    return answer_with_echo(context, client, bytes, family ? Errno::FamilyNotSupported : Errno::Invalid);
  }
  Request request{client, bytes, *std::move(parsed), now};
  const Outcome outcome = handle(context, request);
  if (!outcome) answer_with_echo(context, client, bytes, outcome.error());
}

}  // namespace

void dispatch(Context& context, ClientId client, Bytes bytes, Time now) {
  ++context.counters.from_user.total;
  context.counters.from_user.bytes += bytes.size();
  const auto header = wire::pfkey::peek(bytes);
  if (!header) {
    ++context.counters.too_short;
    return answer_bare(context, client, bytes, Errno::Invalid);
  }
  ++context.counters.from_user.by_type[static_cast<std::uint8_t>(header->type)];
  if (!context.sessions.privileged(client)) return answer_bare(context, client, bytes, Errno::NotPermitted);
  if (wire::pfkey::message_length(bytes) != bytes.size()) {
    ++context.counters.invalid_length;
    return answer_bare(context, client, bytes, Errno::Invalid);
  }
  if (bytes.size() > kMaxRequest) {
    ++context.counters.no_memory;
    return answer_bare(context, client, bytes, Errno::NoBuffers);
  }
  if (const Outcome fine = check_header(context, *header); !fine)
    return answer_with_echo(context, client, bytes, fine.error());
  parse_and_handle(context, client, bytes, now);
}

}  // namespace testudo::pfkey::server
