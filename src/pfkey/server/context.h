#pragma once
// What the functions behind the messages share: the databases, the clients, the counters; and one function per message.
// They get a request whose form was judged (dispatch.cc) and either queue every reply or name an errno.
#include "pfkey/server/errno.h"
#include "pfkey/server/server.h"
#include "pfkey/server/session.h"
#include "wire/pfkey/message.h"

namespace testudo::pfkey::server {

struct Context {
  explicit Context(Server::Parts p) : parts(std::move(p)) {}

  Server::Parts parts;
  Counters counters;
  Sessions sessions{counters};

  void acquire_answered(std::uint32_t sequence) const {
    if (sequence != 0 && parts.acquire_answered) parts.acquire_answered(sequence);
  }
  void breathe() const {
    if (parts.breathe) parts.breathe();
  }
  void refused(const std::string& why) const {
    if (parts.refused) parts.refused(why);
  }
  void policies_changed() const {
    if (parts.policies_changed) parts.policies_changed();
  }
};

struct Request {
  ClientId client;
  Bytes bytes;                   ///< as received
  wire::pfkey::Message message;  ///< as parsed, with errno and reserved cleared: replies start from it
  Time now;
};

/// Judges one message, hands it to its function, and answers for it when it fails.
void dispatch(Context& context, ClientId client, Bytes bytes, Time now);

// SADB_*; the names are RFC 2367's.
Outcome get_spi(Context& context, const Request& request);
Outcome add(Context& context, const Request& request);
Outcome update(Context& context, const Request& request);
Outcome remove(Context& context, const Request& request);
Outcome flush(Context& context, const Request& request);
Outcome get(Context& context, const Request& request);
Outcome dump(Context& context, const Request& request);
Outcome register_client(Context& context, const Request& request);
Outcome acquire(Context& context, const Request& request);
Outcome new_mapping(Context& context, const Request& request);
Outcome promiscuous(Context& context, const Request& request);
// SADB_X_SPD*.
Outcome spd_add(Context& context, const Request& request);
Outcome spd_update(Context& context, const Request& request);
Outcome spd_set_index(Context& context, const Request& request);
Outcome spd_delete(Context& context, const Request& request);
Outcome spd_delete_by_id(Context& context, const Request& request);
Outcome spd_get(Context& context, const Request& request);
Outcome spd_flush(Context& context, const Request& request);
Outcome spd_dump(Context& context, const Request& request);

// What the engine's side announces.
void announce_acquire(Context& context, const AcquireRequest& wanted);
void announce_expiry(Context& context, const sad::Expiry& expiry);
void announce_policy_expiry(Context& context, const spd::Policy& policy);
void announce_mapping(Context& context, const sad::Sa& sa, const net::Endpoint& now_at);

}  // namespace testudo::pfkey::server
