#include "wire/pfkey/sockaddr.h"

namespace testudo::wire::pfkey {
namespace {

Result<net::Endpoint, Malformed> parse_v4(Reader& in) {
  TRY(const auto port, in.u16());
  TRY(const auto address, in.take(4));
  TRY_DONE(in.skip(8));
  return net::Endpoint{net::Address::v4(address.first<4>()), port};
}

Result<net::Endpoint, Malformed> parse_v6(Reader& in) {
  TRY(const auto port, in.u16());
  TRY_DONE(in.skip(4));  // flow label: no meaning for an SA or a policy
  TRY(const auto address, in.take(16));
  TRY(const auto scope, in.host32());
  return net::Endpoint{net::Address::v6(address.first<16>(), scope), port};
}

}  // namespace

Result<net::Endpoint, ParseError> parse_sockaddr(Reader& in) {
  const auto family = in.host16();
  if (!family) return Failure{ParseError::BadAddress};
  if (*family != kFamilyV4 && *family != kFamilyV6) return Failure{ParseError::UnknownFamily};
  const auto endpoint = *family == kFamilyV4 ? parse_v4(in) : parse_v6(in);
  if (!endpoint) return Failure{ParseError::BadAddress};
  return *endpoint;
}

void compose_sockaddr(const net::Endpoint& endpoint, Writer& out) {
  const net::Address& address = endpoint.address;
  out.host16(address.is_v4() ? kFamilyV4 : kFamilyV6).u16(endpoint.port);
  if (address.is_v4()) {
    out.raw(address.bytes()).zeros(8);
    return;
  }
  out.zeros(4).raw(address.bytes()).host32(address.scope());
}

}  // namespace testudo::wire::pfkey
