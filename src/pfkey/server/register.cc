// SADB_REGISTER, RFC 2367 section 3.1.7, with the lists of what can be asked for, and SADB_X_PROMISC.
#include <algorithm>
#include <array>
#include <vector>

#include "crypto/algorithms.h"
#include "pfkey/server/context.h"

namespace testudo::pfkey::server {
namespace {

using wire::pfkey::Algorithm;
using wire::pfkey::Ext;
using wire::pfkey::Message;
using wire::pfkey::SaType;

constexpr std::array kReply{Ext::SupportedAuth, Ext::SupportedEncrypt};
constexpr std::size_t kHeader = 16;

template <typename Row>
Algorithm advertise(const Row& row, std::uint8_t ivlen) {
  return {row.id, ivlen, static_cast<std::uint16_t>(row.key.min * 8), static_cast<std::uint16_t>(row.key.max * 8)};
}

std::vector<Algorithm> supported_auth() {
  std::vector<Algorithm> list;
  for (const auto& row : crypto::macs()) list.push_back(advertise(row, 0));
  return list;
}

std::vector<Algorithm> supported_encrypt() {
  std::vector<Algorithm> list;
  for (const auto& row : crypto::ciphers()) list.push_back(advertise(row, row.advertised_ivlen));
  return list;
}

}  // namespace

Outcome register_client(Context& context, const Request& request) {
  const SaType satype = request.message.satype;
  Message reply = wire::pfkey::clone(request.message);
  reply.supported_auth = supported_auth();
  reply.supported_encrypt = supported_encrypt();
  const ByteVector bytes = wire::pfkey::compose(reply, kReply);
  if (satype == SaType::Unspec) {
    context.sessions.to_one(request.client, bytes);
    return Done{};
  }
  if (!context.sessions.register_for(request.client, satype)) return Failure{Errno::Exists};
  context.sessions.to_registered(satype, bytes, request.client);
  if (context.parts.key_daemon_came) context.parts.key_daemon_came();
  return Done{};
}

Outcome promiscuous(Context& context, const Request& request) {
  const SaType satype = request.message.satype;
  if (satype != SaType::Unspec && satype != SaType::PromiscOn) return Failure{Errno::Invalid};
  if (request.bytes.size() == kHeader) {
    context.sessions.set_promiscuous(request.client, satype == SaType::PromiscOn);
    context.sessions.to_all(request.client, wire::pfkey::compose(request.message, {}));
    return Done{};
  }
  // RFC 2367 section 3.1.11: a message behind the header is passed on to everybody.
  const Bytes payload = request.bytes.subspan(kHeader);
  if (wire::pfkey::message_length(payload) != payload.size()) return Failure{Errno::Invalid};
  context.sessions.to_all(request.client, ByteVector(payload.begin(), payload.end()));
  return Done{};
}

}  // namespace testudo::pfkey::server
