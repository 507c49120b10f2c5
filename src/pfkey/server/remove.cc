// SADB_DELETE and SADB_FLUSH, RFC 2367 sections 3.1.4 and 3.1.9.
#include <array>

#include "pfkey/server/context.h"
#include "pfkey/server/sa_message.h"

namespace testudo::pfkey::server {
namespace {

using wire::pfkey::Ext;

constexpr std::array kReply{Ext::Sa, Ext::AddressSrc, Ext::AddressDst};

}  // namespace

Outcome remove(Context& context, const Request& request) {
  sad::Database& sad = context.parts.sad;
  // Mode and reqid are not part of the question: KAME searches every header of these addresses.
  TRY(const auto group, group_of(request.message));
  const sad::Ports ports = ports_of(request.message);
  if (request.message.sa) {
    const bool removed = sad.remove(group.protocol, group.source, group.destination, request.message.sa->spi, ports);
    if (!removed) return Failure{Errno::NoEntry};
  } else {
    // Without an SPI: an initial contact, which succeeds whatever was there.
    sad.remove_all(group.protocol, group.source, group.destination, ports);
  }
  context.sessions.to_all(request.client, wire::pfkey::compose(request.message, kReply));
  return Done{};
}

Outcome flush(Context& context, const Request& request) {
  context.parts.sad.flush(protocol_of(request.message.satype), [&context] { context.breathe(); });
  context.sessions.to_all(request.client, wire::pfkey::compose(request.message, {}));
  return Done{};
}

}  // namespace testudo::pfkey::server
