// Mode-config behind phase 1 and XAUTH (mode_config.h has its messages), as exchanges.h drives it.
#include "ike/v1/exchanges.h"
#include "ike/v1/mode_config.h"
#include "ike/v1/xauth.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Exchange;
using v1wire::Notify;

/// Whoever renews phase 1 keeps its address; two users of one name at two places do not share one.
std::string owner_of(const IkeSa& sa) {
  return sa.login.user + "|" + sa.peer.to_string() + "|" + sa.remote.address.to_string();
}

}  // namespace

/// Somebody has logged in, where that is needed.
void Exchanges::on_logged_in(IkeSa& sa, Context& context) {
  if (!sa.block->mode_cfg) return on_ready(sa, context);
  sa.configuring = true;
  begin_transaction(sa, Transaction::Purpose::Configuration, config_question(), context);
}

// ---- client

void Exchanges::take_configuration(IkeSa& sa, const Configuration& said, Context& context) {
  if (!sa.configuring) return;
  Assignment got = read_assignment(said);
  if (!got.address) {
    return give_up_configuration(
        sa,
        {"address", "mode_cfg asks for one", "none was given", "",
         "the peer's pool may be empty, or it has none (network4 in mode_cfg there)", Notify{}, "is missing"},
        context);
  }
  sa.configuring = false;
  std::erase_if(sa.transactions,
                [](const Transaction& each) { return each.purpose == Transaction::Purpose::Configuration; });
  tell(Fact::Configured, sa, got.address->to_string(), context);
  sa.assignment = std::move(got);
  on_ready(sa, context);
}

void Exchanges::give_up_configuration(IkeSa& sa, Mismatch why, Context& context) {
  refuse(sa, Exchange::Transaction, 2, std::move(why), context);
  tell(Fact::ConfigurationFailed, sa, "", context);
  retire(sa, "mode-config brought no address", context);
}

// ---- server

void Exchanges::answer_configuration(IkeSa& sa, Transaction transaction, const Configuration& question,
                                     Context& context) {
  if (!sa.login.done()) return tell(Fact::Dropped, sa, "mode-config before XAUTH", context);
  const ModeConfig& conf = sa.policy->mode_config;
  if (conf.network4 && !sa.lent) sa.lent = pool_.take(owner_of(sa), conf.pool_size);
  if (!sa.lent) {
    const bool none = !conf.network4;
    refuse(
        sa, Exchange::Transaction, 1,
        {"address", none ? "no pool" : "No more addresses available", "mode-config asks for one", "",
         none ? "add network4 to mode_cfg here, or leave mode_cfg out at the peer" : "raise pool_size in mode_cfg here",
         Notify{}, "cannot be given"},
        context);
    return answer(sa, std::move(transaction), {Configuration::Type::Reply, question.identifier, {}}, context);
  }
  const Assignment lent = assignment_of(conf, *sa.lent);
  answer(sa, std::move(transaction), config_answer(question, lent, conf), context);
  if (sa.assignment.address) return;
  sa.assignment = lent;
  tell(Fact::Configured, sa, lent.address->to_string(), context);
  announce(sa, context);
}

/// Its address may be another host's next, so the SAs that lead to it go with it.
void Exchanges::give_back(IkeSa& sa, Context& context) {
  if (!sa.lent) return;
  const auto address = sa.assignment.address;
  if (!pool_.give_back(*std::exchange(sa.lent, std::nullopt)) || !address) return;
  const auto leads_there = [&](const Child& child) {
    return child.request.remote == sa.remote.address && child.peer == sa.peer && child.user == sa.login.user &&
           child.request.outbound.destination.contains(*address);
  };
  end_children(leads_there, "its address is free again", context);
}

/// phase1_up runs once: where there is a pool, when its address is known.
void Exchanges::announce(IkeSa& sa, Context& context) {
  if (std::exchange(sa.announced, true)) return;
  hook(Hook::Event::Phase1Up, sa, context);
}

}  // namespace testudo::ike::v1
