// SADB_X_SPD* messages, each by the function that ipsec-tools has for it.
#include <libpfkey.h>

#include "request.h"

namespace {

using namespace testudo;
using libipsec::refuse;
using libipsec::request;
using pfkey::IpsecError;
using wire::pfkey::Message;
using wire::pfkey::Type;

/// Who a policy is about: addresses with their prefix lengths, and an upper-layer protocol.
struct Selector {
  const sockaddr* source;
  unsigned source_prefix;
  const sockaddr* destination;
  unsigned destination_prefix;
  unsigned protocol;
};
struct Lifetimes {
  std::uint64_t life, idle;  ///< seconds; 0 for ever
};

IpsecError set_selector(Message& message, const Selector& selector) {
  const IpsecError error = libipsec::set_ends(message, selector.source, selector.destination);
  if (error != IpsecError::None) return error;
  const unsigned width = message.source->endpoint.address.width();
  if (selector.source_prefix > width || selector.destination_prefix > width) return IpsecError::InvalidPrefixLength;
  if (selector.protocol > UINT8_MAX) return IpsecError::InvalidProtocol;
  message.source->prefix_length = static_cast<std::uint8_t>(selector.source_prefix);
  message.destination->prefix_length = static_cast<std::uint8_t>(selector.destination_prefix);
  message.source->protocol = message.destination->protocol = static_cast<std::uint8_t>(selector.protocol);
  return IpsecError::None;
}

IpsecError set_policy(Message& message, caddr_t policy, int length) {
  if (policy == nullptr || length <= 0 || ipsec_get_policylen(policy) != length) return IpsecError::InvalidPolicy;
  const void* bytes = policy;
  auto read = wire::pfkey::parse_policy({static_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(length)});
  if (!read) return IpsecError::InvalidPolicy;
  message.policy = *std::move(read);
  return IpsecError::None;
}

int send_policy(int so, Type type, const Selector& selector, Lifetimes lifetimes, caddr_t policy, int length,
                std::uint32_t sequence) {
  Message message = request(type, 0, sequence);
  for (const IpsecError error : {set_selector(message, selector), set_policy(message, policy, length)}) {
    if (error != IpsecError::None) return refuse(error);
  }
  if (lifetimes.life != 0 || lifetimes.idle != 0) {
    message.hard = {.addtime = lifetimes.life, .usetime = lifetimes.idle};
  }
  return libipsec::submit(so, message);
}

int send_number(int so, Type type, std::uint32_t number) {
  Message message = request(type);
  message.policy.emplace().id = PolicyId{number};
  return libipsec::submit(so, message);
}

}  // namespace

int pfkey_send_spdadd2(int so, sockaddr* src, u_int prefs, sockaddr* dst, u_int prefd, u_int proto, u_int64_t ltime,
                       u_int64_t vtime, caddr_t policy, int policylen, u_int32_t seq) {
  return send_policy(so, Type::SpdAdd, {src, prefs, dst, prefd, proto}, {ltime, vtime}, policy, policylen, seq);
}

int pfkey_send_spdadd(int so, sockaddr* src, u_int prefs, sockaddr* dst, u_int prefd, u_int proto, caddr_t policy,
                      int policylen, u_int32_t seq) {
  return pfkey_send_spdadd2(so, src, prefs, dst, prefd, proto, 0, 0, policy, policylen, seq);
}

int pfkey_send_spdupdate2(int so, sockaddr* src, u_int prefs, sockaddr* dst, u_int prefd, u_int proto, u_int64_t ltime,
                          u_int64_t vtime, caddr_t policy, int policylen, u_int32_t seq) {
  return send_policy(so, Type::SpdUpdate, {src, prefs, dst, prefd, proto}, {ltime, vtime}, policy, policylen, seq);
}

int pfkey_send_spdupdate(int so, sockaddr* src, u_int prefs, sockaddr* dst, u_int prefd, u_int proto, caddr_t policy,
                         int policylen, u_int32_t seq) {
  return pfkey_send_spdupdate2(so, src, prefs, dst, prefd, proto, 0, 0, policy, policylen, seq);
}

int pfkey_send_spddelete(int so, sockaddr* src, u_int prefs, sockaddr* dst, u_int prefd, u_int proto, caddr_t policy,
                         int policylen, u_int32_t seq) {
  return send_policy(so, Type::SpdDelete, {src, prefs, dst, prefd, proto}, {0, 0}, policy, policylen, seq);
}

int pfkey_send_spdsetidx(int so, sockaddr* src, u_int prefs, sockaddr* dst, u_int prefd, u_int proto, caddr_t policy,
                         int policylen, u_int32_t seq) {
  return send_policy(so, Type::SpdSetIdx, {src, prefs, dst, prefd, proto}, {0, 0}, policy, policylen, seq);
}

int pfkey_send_migrate(int so, sockaddr* src, u_int prefs, sockaddr* dst, u_int prefd, u_int proto, caddr_t policy,
                       int policylen, u_int32_t seq) {
  return send_policy(so, Type::Migrate, {src, prefs, dst, prefd, proto}, {0, 0}, policy, policylen, seq);
}

int pfkey_send_spddelete2(int so, u_int32_t spid) {
  return send_number(so, Type::SpdDelete2, spid);
}

int pfkey_send_spdget(int so, u_int32_t spid) {
  return send_number(so, Type::SpdGet, spid);
}

int pfkey_send_spdflush(int so) {
  return libipsec::submit(so, request(Type::SpdFlush));
}

int pfkey_send_spddump(int so) {
  return libipsec::submit(so, request(Type::SpdDump));
}
