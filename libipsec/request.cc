#include "request.h"

#include <netinet/in.h>
#include <unistd.h>

#include "wire/pfkey/sockaddr.h"

namespace testudo::libipsec {

using pfkey::IpsecError;

int refuse(IpsecError error) {
  set_error(error);
  return -1;
}

std::optional<net::Endpoint> endpoint_of(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  const bool known = address->sa_family == AF_INET || address->sa_family == AF_INET6;
  if (!known) return std::nullopt;
  const void* bytes = address;
  wire::Reader in{{static_cast<const std::uint8_t*>(bytes),
                   address->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)}};
  const auto endpoint = wire::pfkey::parse_sockaddr(in);
  return endpoint ? std::optional{*endpoint} : std::nullopt;
}

wire::pfkey::Message request(wire::pfkey::Type type, unsigned satype, std::uint32_t sequence) {
  wire::pfkey::Message message;
  message.type = type;
  message.satype = static_cast<wire::pfkey::SaType>(satype);
  message.sequence = sequence;
  message.pid = static_cast<std::uint32_t>(::getpid());
  return message;
}

IpsecError set_ends(wire::pfkey::Message& message, const sockaddr* source, const sockaddr* destination) {
  const auto from = endpoint_of(source), to = endpoint_of(destination);
  if (source == nullptr || destination == nullptr) return IpsecError::InvalidArgument;
  if (!from || !to) return IpsecError::InvalidFamily;
  if (from->address.family() != to->address.family()) return IpsecError::FamilyMismatch;
  const auto width = static_cast<std::uint8_t>(from->address.width());
  message.source = {{*from}, IPSEC_ULPROTO_ANY, width};
  message.destination = {{*to}, IPSEC_ULPROTO_ANY, width};
  return IpsecError::None;
}

int submit(int so, const wire::pfkey::Message& message) {
  ByteVector bytes = wire::pfkey::compose(message);
  const WipeAtEnd wiping{bytes};
  if (bytes.empty()) return refuse(IpsecError::InvalidArgument);
  void* start = bytes.data();
  return pfkey_send(so, static_cast<sadb_msg*>(start), static_cast<int>(bytes.size()));
}

}  // namespace testudo::libipsec
