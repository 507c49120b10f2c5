// SADB_GET and SADB_DUMP, RFC 2367 sections 3.1.5 and 3.1.10: SAs with all that is known of them.
#include <memory>
#include <vector>

#include "pfkey/server/context.h"
#include "pfkey/server/sa_message.h"

namespace testudo::pfkey::server {
namespace {

using wire::pfkey::Message;

/// What finds an SA again when its turn comes.
struct Name {
  sad::SaGroup group;
  Spi spi;
};

std::vector<Name> names_of(const Context& context, std::optional<sad::SaProtocol> protocol) {
  std::vector<Name> names;
  context.parts.sad.for_each([&](const sad::Sa& sa) {
    if (!protocol || sa.group().protocol == *protocol) names.push_back({sa.group(), sa.spi()});
    context.breathe();
  });
  return names;
}

}  // namespace

Outcome get(Context& context, const Request& request) {
  const Message& message = request.message;
  TRY(const auto group, group_of(message));
  if (!message.sa) return Failure{Errno::Invalid};
  const sad::Sa* sa =
      context.parts.sad.find(group.protocol, group.source, group.destination, message.sa->spi, ports_of(message));
  if (sa == nullptr) return Failure{Errno::NoEntry};
  const Message reply = dumped_sa(*sa, context.parts.wall(), message);
  context.sessions.to_one(request.client, wire::pfkey::compose(reply));
  return Done{};
}

Outcome dump(Context& context, const Request& request) {
  // Only the names are taken now; each SA is described as it is when the reader gets to it.
  const auto names = std::make_shared<const std::vector<Name>>(names_of(context, protocol_of(request.message.satype)));
  const auto asked = std::make_shared<const Message>(wire::pfkey::clone(request.message));
  const auto describe = [&parts = context.parts, names, asked](std::size_t n) -> std::optional<Message> {
    const sad::Sa* sa = parts.sad.find((*names)[n].group, (*names)[n].spi);
    if (sa == nullptr) return std::nullopt;
    return dumped_sa(*sa, parts.wall(), *asked);
  };
  return context.sessions.to_one(request.client, Dump{names->size(), describe});
}

}  // namespace testudo::pfkey::server
