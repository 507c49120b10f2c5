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
                 [&](const Disconnect& e) { v1_.disconnect(e, context); },
                 [&](const SpiAllocated& e) { v1_.spi_allocated(e, context); },
                 [&](const SpiRefused& e) { v1_.spi_refused(e, context); },
                 [&](const Expired& e) { v1_.expired(e, context); },
                 [&](const InstallRefused& e) { v1_.install_refused(e, context); },
                 [&](const Removed& e) { v1_.removed(e, context); },
                 [&](const Flushed& e) { v1_.flushed(e, context); },
                 [&](Restarted) { v1_.restarted(context); },
                 [&](Tick) { v1_.tick(context); },
                 [&](Shutdown) { v1_.shutdown(context); },
             },
             event);
  v1_.reap();
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
    default:
      return drop("version " + std::to_string(message->header.major) + " of IKE is not spoken");
  }
}

}  // namespace testudo::ike
