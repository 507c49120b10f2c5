#include "pfkey/server/server.h"

#include <utility>

#include "pfkey/server/context.h"

namespace testudo::pfkey::server {

class Server::Impl {
 public:
  explicit Impl(Parts parts) : context{std::move(parts)} {}

  Context context;
};

Server::Server(Parts parts) : impl_(std::make_unique<Impl>(std::move(parts))) {}
Server::~Server() = default;

ClientId Server::connect(bool privileged) {
  return impl_->context.sessions.connect(privileged);
}
void Server::disconnect(ClientId client) {
  impl_->context.sessions.disconnect(client);
}

void Server::receive(ClientId client, Bytes message, Time now) {
  dispatch(impl_->context, client, message, now);
}
void Server::settle(bool in_force) {
  impl_->context.sessions.settle(in_force ? Outcome{Done{}} : Outcome{Failure{Errno::InProgress}});
}
std::optional<ByteVector> Server::next_output(ClientId client, Time) {
  return impl_->context.sessions.next_output(client);
}
bool Server::has_output(ClientId client) const {
  return impl_->context.sessions.has_output(client);
}

void Server::expired(const sad::Expiry& expiry, Time) {
  announce_expiry(impl_->context, expiry);
}
void Server::policy_expired(const spd::Policy& policy, Time) {
  announce_policy_expiry(impl_->context, policy);
}
void Server::acquire(const AcquireRequest& request, Time) {
  announce_acquire(impl_->context, request);
}
void Server::new_mapping(const sad::Sa& sa, const net::Endpoint& now_at) {
  announce_mapping(impl_->context, sa, now_at);
}

const Counters& Server::counters() const {
  return impl_->context.counters;
}

}  // namespace testudo::pfkey::server
