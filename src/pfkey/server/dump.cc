// SADB_GET and SADB_DUMP, RFC 2367 sections 3.1.5 and 3.1.10: SAs with all that is known of them.
#include <memory>
#include <vector>

#include "pfkey/server/context.h"
#include "pfkey/server/sa_message.h"

namespace testudo::pfkey::server {
namespace {

using wire::pfkey::Message;

/// What finds an SA again when its turn comes.
struct Key {
  sad::SaProtocol protocol;
  net::Address destination;
  Spi spi;
};

std::vector<Key> keys_of(const sad::Database& sad, std::optional<sad::SaProtocol> protocol) {
  std::vector<Key> keys;
  sad.for_each([&](const sad::Sa& sa) {
    const sad::SaGroup& group = sa.group();
    if (protocol && group.protocol != *protocol) return;
    keys.push_back({group.protocol, group.destination, sa.spi()});
  });
  return keys;
}

}  // namespace

Outcome get(Context& context, const Request& request) {
  const Message& message = request.message;
  TRY(const auto group, group_of(message));
  if (!message.sa) return Failure{Errno::Invalid};
  const sad::Sa* sa = context.parts.sad.find(group.protocol, group.source, group.destination, message.sa->spi);
  if (sa == nullptr) return Failure{Errno::NoEntry};
  const Message reply = dumped_sa(*sa, context.parts.wall, message);
  context.sessions.to_one(request.client, wire::pfkey::compose(reply));
  return Done{};
}

Outcome dump(Context& context, const Request& request) {
  // Only the names are taken now; each SA is described as it is when the reader gets to it.
  const auto keys =
      std::make_shared<const std::vector<Key>>(keys_of(context.parts.sad, protocol_of(request.message.satype)));
  const auto describe = [&parts = context.parts, keys,
                         asked = std::make_shared<const Message>(wire::pfkey::clone(request.message))](
                            std::size_t n) -> std::optional<Message> {
    const Key& key = (*keys)[n];
    const sad::Sa* sa = parts.sad.inbound(key.protocol, key.destination, key.spi);
    if (sa == nullptr) return std::nullopt;
    return dumped_sa(*sa, parts.wall, *asked);
  };
  return context.sessions.to_one(request.client, Dump{keys->size(), describe});
}

}  // namespace testudo::pfkey::server
