// A message taken apart for C: pfkey_align() and pfkey_check(), RFC 2367 section 2.
#include <libpfkey.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "request.h"

namespace {

using namespace testudo;
using libipsec::refuse;
using pfkey::IpsecError;

constexpr std::size_t kWord = 8;  // what the lengths count

/// ext[type], read without trust in its alignment.
template <typename T>
T read_as(caddr_t at) {
  T value{};
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// Of testudod (docs/adr/0004), beyond those for which C programs have a place: passed over.
bool is_our_own(std::uint16_t type) {
  using wire::pfkey::Ext;
  const auto ext = static_cast<Ext>(type);
  return ext == Ext::Replay || ext == Ext::NatTFrag || ext == Ext::NatTOar;
}

bool belongs_to_satype(const sadb_msg& message) {
  switch (message.sadb_msg_type) {
    case SADB_UPDATE:
    case SADB_ADD:
    case SADB_DELETE:
    case SADB_GET:
    case SADB_GETSPI:
    case SADB_EXPIRE:
      return message.sadb_msg_satype != SADB_SATYPE_UNSPEC;
    case SADB_X_SPDADD:
    case SADB_X_SPDDELETE:
    case SADB_X_SPDGET:
    case SADB_X_SPDDUMP:
    case SADB_X_SPDFLUSH:
    case SADB_X_SPDSETIDX:
    case SADB_X_SPDUPDATE:
      return message.sadb_msg_satype == SADB_SATYPE_UNSPEC;
    default:
      return true;
  }
}

/// Both addresses of a message speak of one protocol and one family.
IpsecError check_addresses(caddr_t source, caddr_t destination) {
  if (source == nullptr || destination == nullptr) return IpsecError::None;
  const auto from = read_as<sadb_address>(source), to = read_as<sadb_address>(destination);
  if (from.sadb_address_proto != to.sadb_address_proto) return IpsecError::ProtocolMismatch;
  const auto a = read_as<std::uint16_t>(source + sizeof from), b = read_as<std::uint16_t>(destination + sizeof to);
  if (a != b) return IpsecError::FamilyMismatch;
  if (a != AF_INET && a != AF_INET6) return IpsecError::InvalidFamily;
  const unsigned width = a == AF_INET ? 32 : 128;
  const bool fits = from.sadb_address_prefixlen <= width && to.sadb_address_prefixlen <= width;
  return fits ? IpsecError::None : IpsecError::InvalidPrefixLength;
}

}  // namespace

int pfkey_align(sadb_msg* message, caddr_t* ext) {
  if (message == nullptr || ext == nullptr) return refuse(IpsecError::InvalidArgument);
  const std::span places{ext, SADB_EXT_MAX + 1U};
  std::ranges::fill(places, nullptr);
  places[0] = static_cast<caddr_t>(static_cast<void*>(message));
  std::size_t left = message->sadb_msg_len * kWord;
  if (left < sizeof *message) return refuse(IpsecError::InvalidMessage);
  caddr_t at = places[0] + sizeof *message;
  left -= sizeof *message;
  while (left > 0) {
    if (left < sizeof(sadb_ext)) return refuse(IpsecError::InvalidMessage);
    const auto head = read_as<sadb_ext>(at);
    const std::size_t length = head.sadb_ext_len * kWord;
    if (length < sizeof head || length > left) return refuse(IpsecError::InvalidMessage);
    const bool has_place = head.sadb_ext_type != 0 && head.sadb_ext_type <= SADB_EXT_MAX;
    if (!has_place && !is_our_own(head.sadb_ext_type)) return refuse(IpsecError::InvalidExtensionType);
    if (has_place && places[head.sadb_ext_type] != nullptr) return refuse(IpsecError::InvalidExtensionType);
    if (has_place) places[head.sadb_ext_type] = at;
    at += length;
    left -= length;
  }
  libipsec::set_error(IpsecError::None);
  return 0;
}

int pfkey_check(caddr_t* ext) {
  if (ext == nullptr || ext[0] == nullptr) return refuse(IpsecError::InvalidArgument);
  const auto message = read_as<sadb_msg>(ext[0]);
  if (message.sadb_msg_version != PF_KEY_V2) return refuse(IpsecError::InvalidVersion);
  if (message.sadb_msg_type == SADB_RESERVED || message.sadb_msg_type > SADB_MAX) {
    return refuse(IpsecError::InvalidMessageType);
  }
  if (message.sadb_msg_satype > SADB_SATYPE_MAX || !belongs_to_satype(message))
    return refuse(IpsecError::InvalidSaType);
  // What is about an SA names it.
  const bool needs_sa =
      message.sadb_msg_errno == 0 &&
      (message.sadb_msg_type == SADB_ADD || message.sadb_msg_type == SADB_UPDATE || message.sadb_msg_type == SADB_GET);
  if (needs_sa && ext[SADB_EXT_SA] == nullptr) return refuse(IpsecError::InvalidMessage);
  const IpsecError error = check_addresses(ext[SADB_EXT_ADDRESS_SRC], ext[SADB_EXT_ADDRESS_DST]);
  if (error != IpsecError::None) return refuse(error);
  libipsec::set_error(IpsecError::None);
  return 0;
}
