#include "ike/machine.h"

#include "base/overload.h"

namespace testudo::ike {

Actions Machine::on(const Event& event, Time now, Random& random) {
  Actions actions;
  v1::Context context{now, random, actions};
  std::visit(overload{
                 [&](const Received& e) { receive(e, context); },
                 [&](const Wanted& e) { v1_.want(e.request, context); },
                 [&](const Connect& e) { v1_.connect(e, context); },
                 [&](const LoginJudged& e) { v1_.login_judged(e, context); },
                 [&](const Computed& e) { v1_.computed(e, context); },
                 [&](const Logout& e) { v1_.logout(e, context); },
                 [&](const Disconnect& e) { v1_.disconnect(e, context); },
                 [&](const PolicyMade& e) { v1_.policy_made(e, context); },
                 [&](const PolicyRefused& e) { v1_.policy_refused(e, context); },
                 [&](const PolicyAdded& e) { v1_.policy_added(e, context); },
                 [&](const PolicyGone& e) { v1_.policy_gone(e, context); },
                 [&](const SpiAllocated& e) { v1_.spi_allocated(e, context); },
                 [&](const SpiRefused& e) { v1_.spi_refused(e, context); },
                 [&](const Expired& e) { v1_.expired(e, context); },
                 [&](const NewMapping& e) { v1_.new_mapping(e, context); },
                 [&](const InstallRefused& e) { v1_.install_refused(e, context); },
                 [&](const Removed& e) { v1_.removed(e, context); },
                 [&](const Flushed& e) { v1_.flushed(e, context); },
                 [&](Restarted) { v1_.restarted(context); },
                 [&](Tick) { v1_.tick(context); },
                 [&](Shutdown) { v1_.shutdown(context); },
             },
             event);
  v1_.reap(context);
  return actions;
}

void Machine::receive(const Received& datagram, v1::Context& context) {
  const auto drop = [&](std::string why) {
    context.out.emplace_back(Told{Fact::Dropped, datagram.local, datagram.remote, 0, 0, std::move(why)});
  };
  const auto message = wire::ike::parse(datagram.bytes);
  if (!message) return drop("no ISAKMP message");
  switch (message->header.major) {
    case 1:
      return v1_.receive(datagram, *message, context);
    case 2:
      return refuse_version_2(datagram, *message, context);
    default:
      return drop("version " + std::to_string(message->header.major) + " of IKE is not spoken");
  }
}

/// RFC 7296 section 2.5 has the answer: the version that we speak.  Nobody gets more bytes than it sent, and only a
/// first message gets any.
void Machine::refuse_version_2(const Received& datagram, const wire::ike::Message& message, v1::Context& context) {
  static constexpr std::uint8_t kIkeSaInit = 34;
  Refusal refusal;
  refusal.local = datagram.local;
  refusal.remote = datagram.remote;
  refusal.role = Role::Responder;
  refusal.why = {"IKE version",
                 "1",
                 "2",
                 "",
                 "let the peer speak version 1 with this host (ikev1, keyexchange=ikev1)",
                 v1wire::Notify::InvalidMajorVersion};
  const bool first = message.header.exchange == kIkeSaInit && message.header.responder == 0;
  if (first) v1::send_clear_notify(datagram, {message.header.initiator, 0}, refusal.why.notify, context);
  context.out.emplace_back(std::move(refusal));
}

}  // namespace testudo::ike
