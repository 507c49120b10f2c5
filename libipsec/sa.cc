// SADB messages about SAs, each by the function that ipsec-tools has for it.
#include <libpfkey.h>

#include <netinet/in.h>
#include "request.h"
#include "soft_rate.h"

namespace {

using namespace testudo;
using libipsec::refuse;
using libipsec::request;
using pfkey::IpsecError;
using wire::pfkey::Message;
using wire::pfkey::Type;

Spi spi_of(std::uint32_t network_order) {
  return Spi{ntohl(network_order)};
}

/// The modes that an SA may have, and 0 for any.
std::optional<wire::pfkey::Mode> mode_of(unsigned mode) {
  if (mode > IPSEC_MODE_TUNNEL) return std::nullopt;
  return static_cast<wire::pfkey::Mode>(mode);
}

wire::pfkey::KeyExt key_of(const std::uint8_t* bytes, std::size_t length) {
  return {static_cast<std::uint16_t>(length * 8), Secret{{bytes, length}}};
}

/// Keys that are there at all; IPcomp and null algorithms have none.
IpsecError set_keys(Message& message, const pfkey_send_sa_args& sa) {
  static constexpr unsigned kLongest = 0xffff / 8;
  if (sa.e_keylen > kLongest || sa.a_keylen > kLongest) return IpsecError::InvalidKeyLength;
  if (sa.keymat == nullptr && sa.e_keylen + sa.a_keylen > 0) return IpsecError::InvalidArgument;
  const void* keys = sa.keymat;
  const auto* bytes = static_cast<const std::uint8_t*>(keys);
  if (sa.e_keylen > 0) message.encrypt_key = key_of(bytes, sa.e_keylen);
  if (sa.a_keylen > 0) message.auth_key = key_of(bytes + sa.e_keylen, sa.a_keylen);
  // ESP says that it encrypts with nothing by a key of no bits.
  if (sa.satype == SADB_SATYPE_ESP && sa.e_keylen == 0 && sa.e_type != SADB_EALG_NONE) message.encrypt_key.emplace();
  return IpsecError::None;
}

IpsecError set_nat_traversal(Message& message, const pfkey_send_sa_args& sa) {
  if (sa.l_natt_type == 0) return IpsecError::None;
  message.nat_t_type = sa.l_natt_type;
  message.nat_t_sport = sa.l_natt_sport;
  message.nat_t_dport = sa.l_natt_dport;
  if (sa.l_natt_frag != 0) message.nat_t_frag = sa.l_natt_frag;
  if (sa.l_natt_oa == nullptr) return IpsecError::None;
  const auto original = libipsec::endpoint_of(sa.l_natt_oa);
  if (!original) return IpsecError::InvalidFamily;
  message.nat_t_oa = original->address;
  return IpsecError::None;
}

IpsecError check_algorithms(const pfkey_send_sa_args& sa) {
  switch (sa.satype) {
    case SADB_SATYPE_ESP:
      return sa.e_type == SADB_EALG_NONE ? IpsecError::NoAlgorithm : IpsecError::None;
    case SADB_SATYPE_AH:
      if (sa.e_type != SADB_EALG_NONE) return IpsecError::InvalidAlgorithm;
      return sa.a_type == SADB_AALG_NONE ? IpsecError::NoAlgorithm : IpsecError::None;
    case SADB_X_SATYPE_IPCOMP:
      if (sa.e_type == SADB_X_CALG_NONE) return IpsecError::InvalidAlgorithm;
      return sa.a_type != SADB_AALG_NONE ? IpsecError::NoAlgorithm : IpsecError::None;
    default:
      return IpsecError::InvalidSaType;
  }
}

int send_sa(Type type, const pfkey_send_sa_args* sa) {
  if (sa == nullptr) return refuse(IpsecError::InvalidArgument);
  const auto mode = mode_of(sa->mode);
  if (!mode) return refuse(IpsecError::InvalidMode);
  if (sa->ctxstrlen != 0) return refuse(IpsecError::NotSupported);
  Message message = request(type, sa->satype, sa->seq);
  message.sa = {spi_of(sa->spi),
                static_cast<std::uint8_t>(sa->wsize > UINT8_MAX ? UINT8_MAX : sa->wsize),
                wire::pfkey::SaState::Larval,
                static_cast<std::uint8_t>(sa->a_type),
                static_cast<std::uint8_t>(sa->e_type),
                sa->flags};
  message.sa2 = {*mode, 0, ReqId{sa->reqid}};
  message.hard = {sa->l_alloc, sa->l_bytes, sa->l_addtime, sa->l_usetime};
  message.soft = libipsec::softened(*message.hard);
  for (const IpsecError error : {check_algorithms(*sa), libipsec::set_ends(message, sa->src, sa->dst),
                                 set_keys(message, *sa), set_nat_traversal(message, *sa)}) {
    if (error != IpsecError::None) return refuse(error);
  }
  return libipsec::submit(sa->so, message);
}

/// What names one SA, or all between two hosts.
int send_name(int so, Type type, unsigned satype, unsigned mode, const sockaddr* src, const sockaddr* dst,
              std::optional<Spi> spi) {
  if (!mode_of(mode)) return refuse(IpsecError::InvalidMode);
  Message message = request(type, satype);
  if (spi) message.sa = {.spi = *spi};
  const IpsecError error = libipsec::set_ends(message, src, dst);
  return error == IpsecError::None ? libipsec::submit(so, message) : refuse(error);
}

}  // namespace

int pfkey_send_getspi_nat(int so, u_int satype, u_int mode, sockaddr* src, sockaddr* dst, u_int8_t natt_type,
                          u_int16_t sport, u_int16_t dport, u_int32_t min, u_int32_t max, u_int32_t reqid,
                          u_int32_t seq) {
  const auto kind = mode_of(mode);
  if (!kind) return refuse(IpsecError::InvalidMode);
  // RFC 4303 section 2.1: 0 to 255 are reserved.
  if (min > max || (max > 0 && min <= UINT8_MAX)) return refuse(IpsecError::SpiRange);
  Message message = request(Type::GetSpi, satype, seq);
  message.sa2 = {*kind, 0, ReqId{reqid}};
  if (max > 0) message.spi_range = {min, max};
  if (natt_type != 0) {
    message.nat_t_type = natt_type;
    message.nat_t_sport = sport;
    message.nat_t_dport = dport;
  }
  const IpsecError error = libipsec::set_ends(message, src, dst);
  return error == IpsecError::None ? libipsec::submit(so, message) : refuse(error);
}

int pfkey_send_getspi(int so, u_int satype, u_int mode, sockaddr* src, sockaddr* dst, u_int32_t min, u_int32_t max,
                      u_int32_t reqid, u_int32_t seq) {
  return pfkey_send_getspi_nat(so, satype, mode, src, dst, 0, 0, 0, min, max, reqid, seq);
}

int pfkey_send_add2(pfkey_send_sa_args* sa) {
  if (sa != nullptr) sa->type = SADB_ADD;
  return send_sa(Type::Add, sa);
}

int pfkey_send_update2(pfkey_send_sa_args* sa) {
  if (sa != nullptr) sa->type = SADB_UPDATE;
  return send_sa(Type::Update, sa);
}

int pfkey_send_add_nat(int so, u_int satype, u_int mode, sockaddr* src, sockaddr* dst, u_int32_t spi, u_int32_t reqid,
                       u_int wsize, caddr_t keymat, u_int e_type, u_int e_keylen, u_int a_type, u_int a_keylen,
                       u_int flags, u_int32_t l_alloc, u_int64_t l_bytes, u_int64_t l_addtime, u_int64_t l_usetime,
                       u_int32_t seq, u_int8_t l_natt_type, u_int16_t l_natt_sport, u_int16_t l_natt_dport,
                       sockaddr* l_natt_oa, u_int16_t l_natt_frag) {
  pfkey_send_sa_args sa{
      so,          SADB_ADD,     satype,       mode,      src,         dst,     spi,     reqid,     wsize,     keymat,
      e_type,      e_keylen,     a_type,       a_keylen,  flags,       l_alloc, l_bytes, l_addtime, l_usetime, seq,
      l_natt_type, l_natt_sport, l_natt_dport, l_natt_oa, l_natt_frag, 0,       0,       nullptr,   0};
  return pfkey_send_add2(&sa);
}

int pfkey_send_add(int so, u_int satype, u_int mode, sockaddr* src, sockaddr* dst, u_int32_t spi, u_int32_t reqid,
                   u_int wsize, caddr_t keymat, u_int e_type, u_int e_keylen, u_int a_type, u_int a_keylen, u_int flags,
                   u_int32_t l_alloc, u_int64_t l_bytes, u_int64_t l_addtime, u_int64_t l_usetime, u_int32_t seq) {
  return pfkey_send_add_nat(so, satype, mode, src, dst, spi, reqid, wsize, keymat, e_type, e_keylen, a_type, a_keylen,
                            flags, l_alloc, l_bytes, l_addtime, l_usetime, seq, 0, 0, 0, nullptr, 0);
}

int pfkey_send_update_nat(int so, u_int satype, u_int mode, sockaddr* src, sockaddr* dst, u_int32_t spi,
                          u_int32_t reqid, u_int wsize, caddr_t keymat, u_int e_type, u_int e_keylen, u_int a_type,
                          u_int a_keylen, u_int flags, u_int32_t l_alloc, u_int64_t l_bytes, u_int64_t l_addtime,
                          u_int64_t l_usetime, u_int32_t seq, u_int8_t l_natt_type, u_int16_t l_natt_sport,
                          u_int16_t l_natt_dport, sockaddr* l_natt_oa, u_int16_t l_natt_frag) {
  pfkey_send_sa_args sa{
      so,          SADB_UPDATE,  satype,       mode,      src,         dst,     spi,     reqid,     wsize,     keymat,
      e_type,      e_keylen,     a_type,       a_keylen,  flags,       l_alloc, l_bytes, l_addtime, l_usetime, seq,
      l_natt_type, l_natt_sport, l_natt_dport, l_natt_oa, l_natt_frag, 0,       0,       nullptr,   0};
  return pfkey_send_update2(&sa);
}

int pfkey_send_update(int so, u_int satype, u_int mode, sockaddr* src, sockaddr* dst, u_int32_t spi, u_int32_t reqid,
                      u_int wsize, caddr_t keymat, u_int e_type, u_int e_keylen, u_int a_type, u_int a_keylen,
                      u_int flags, u_int32_t l_alloc, u_int64_t l_bytes, u_int64_t l_addtime, u_int64_t l_usetime,
                      u_int32_t seq) {
  return pfkey_send_update_nat(so, satype, mode, src, dst, spi, reqid, wsize, keymat, e_type, e_keylen, a_type,
                               a_keylen, flags, l_alloc, l_bytes, l_addtime, l_usetime, seq, 0, 0, 0, nullptr, 0);
}

int pfkey_send_delete(int so, u_int satype, u_int mode, sockaddr* src, sockaddr* dst, u_int32_t spi) {
  return send_name(so, Type::Delete, satype, mode, src, dst, spi_of(spi));
}

int pfkey_send_delete_all(int so, u_int satype, u_int mode, sockaddr* src, sockaddr* dst) {
  return send_name(so, Type::Delete, satype, mode, src, dst, std::nullopt);
}

int pfkey_send_get(int so, u_int satype, u_int mode, sockaddr* src, sockaddr* dst, u_int32_t spi) {
  return send_name(so, Type::Get, satype, mode, src, dst, spi_of(spi));
}

int pfkey_send_flush(int so, u_int satype) {
  return libipsec::submit(so, request(Type::Flush, satype));
}

int pfkey_send_dump(int so, u_int satype) {
  return libipsec::submit(so, request(Type::Dump, satype));
}

int pfkey_send_promisc_toggle(int so, int on) {
  // The place of the satype says which way.
  return libipsec::submit(so, request(Type::Promisc, on != 0 ? 1U : 0U));
}
