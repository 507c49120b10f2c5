// Mode-config behind phase 1 and XAUTH (mode_config.h has its messages), as exchanges.h drives it.
#include "base/endian.h"
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

/// What who judged the login gives, where conf_source says so.
std::optional<net::Address> own_address(const IkeSa& sa) {
  const bool local = sa.policy->mode_config.conf_source == ModeConfig::ConfSource::Local;
  return local ? std::nullopt : sa.login.address;
}

/// From network4 on, around the whole space of addresses: see AddressPool.
unsigned place_of(const ModeConfig& conf, const net::Address& address) {
  const std::uint32_t first = conf.network4 ? be32(conf.network4->bytes().data()) : 0;
  return be32(address.bytes().data()) - first;
}

Mismatch no_address(const IkeSa& sa) {
  const auto own = own_address(sa);
  const bool none = !own && !sa.policy->mode_config.network4;
  const std::string hint = own    ? "who judges logins gives one address to two users, or one of network4's to a user"
                           : none ? "add network4 to mode_cfg here, or leave mode_cfg out at the peer"
                                  : "raise pool_size in mode_cfg here";
  return {"address",
          own    ? own->to_string() + " is in use"
          : none ? "no pool"
                 : "No more addresses available",
          "mode-config asks for one",
          "",
          hint,
          Notify{},
          "cannot be given"};
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
  if (!sa.lent) {
    const auto own = own_address(sa);
    if (own) take_over(sa, *own, context);
    sa.lent = own ? claimed(sa, *own) : conf.network4 ? pool_.take(owner_of(sa), conf.pool_size) : std::nullopt;
  }
  if (!sa.lent) {
    refuse(sa, Exchange::Transaction, 1, no_address(sa), context);
    return answer(sa, std::move(transaction), {Configuration::Type::Reply, question.identifier, {}}, context);
  }
  Assignment lent = assignment_of(conf, *sa.lent);
  if (const auto own = own_address(sa)) {
    lent.address = own;
    if (sa.login.netmask) lent.netmask = sa.login.netmask;
  }
  answer(sa, std::move(transaction), config_answer(question, lent, conf), context);
  if (sa.assignment.address) return;
  sa.assignment = lent;
  tell(Fact::Configured, sa, lent.address->to_string(), context);
  announce(sa, context);
}

/// A user who comes from elsewhere has the address that is the user's own, and what was left behind ends.
void Exchanges::take_over(const IkeSa& sa, const net::Address& address, Context& context) {
  const auto given = given_.find(address);
  if (given == given_.end() || given->second == owner_of(sa)) return;
  std::vector<IkeSa*> left;
  for (const auto& [cookie, other] : sas_.all()) {
    const bool has_it = other->established() && other->lent && other->assignment.address == address;
    if (has_it && other->login.user == sa.login.user) left.push_back(sas_.find(cookie));
  }
  for (IkeSa* other : left) retire(*other, "its user has logged in elsewhere", context);
}

std::optional<unsigned> Exchanges::claimed(const IkeSa& sa, const net::Address& address) {
  const unsigned place = place_of(sa.policy->mode_config, address);
  if (!pool_.claim(owner_of(sa), place)) return std::nullopt;
  given_[address] = owner_of(sa);
  return place;
}

/// Of addresses that came with a login: those of the pool is_of_another() and reaches_into_pool() know.
bool Exchanges::is_lent_to_another(const IkeSa& sa, const Quick& quick) const {
  const net::Prefix& asked = quick.request.outbound.destination;
  // A network with more in it is an administrator's, unless it is generated.
  if (!quick.generates && asked.length != asked.address.width()) return false;
  for (auto each = given_.lower_bound(asked.masked()); each != given_.end(); ++each) {
    if (!asked.contains(each->first)) return false;
    if (each->first != sa.assignment.address) return true;
  }
  return false;
}

/// Its address may be another host's next, so the SAs that lead to it go with it.
void Exchanges::give_back(IkeSa& sa, Context& context) {
  if (!sa.lent) return;
  const auto address = sa.assignment.address;
  if (!pool_.give_back(*std::exchange(sa.lent, std::nullopt)) || !address) return;
  given_.erase(*address);
  auto lead_there = children_.with(sa.remote.address);
  std::erase_if(lead_there, [&](const Child* child) {
    return !(child->peer == sa.peer) || child->user != sa.login.user ||
           !child->request.outbound.destination.contains(*address);
  });
  end_children(lead_there, "its address is free again", context);
}

/// phase1_up runs once: where there is a pool, when its address is known.
void Exchanges::announce(IkeSa& sa, Context& context) {
  if (std::exchange(sa.announced, true)) return;
  hook(Hook::Event::Phase1Up, sa, context);
  begin_session(sa, context);
}

// ---- accounting

void Exchanges::begin_session(IkeSa& sa, Context& context) {
  const bool served = sa.agreed.xauth == Xauth::Server && sa.login.state == Login::State::Passed;
  if (!served || sa.policy->mode_config.accounting == ModeConfig::Accounting::None) return;
  sa.accounted = true;
  const std::uint64_t high = context.random.between(1, 0xffffffff), low = context.random.between(0, 0xffffffff);
  const auto session = sessions_.begin(owner_of(sa), high << 32U | low, context.now);
  if (session) account(sa, Account::What::Begins, *session, context);
}

void Exchanges::end_session(IkeSa& sa, Context& context) {
  if (!std::exchange(sa.accounted, false)) return;
  const auto session = sessions_.end(owner_of(sa));
  if (session) account(sa, Account::What::Ends, *session, context);
}

void Exchanges::account(const IkeSa& sa, Account::What what, const Sessions::Session& session, Context& context) {
  context.out.emplace_back(Account{what, session.id, session.slot, sa.remote.address, sa.login.user,
                                   sa.assignment.address, context.now - session.since, sa.login.token});
}

}  // namespace testudo::ike::v1
