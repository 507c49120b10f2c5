// XAUTH between phase 1 and phase 2 (xauth.h has its messages), as exchanges.h drives it.  Until somebody has logged in
// nothing else is negotiated, and what the peer says about SAs of others is not believed: the hosts of a group may
// share one key.
#include <algorithm>

#include "ike/v1/deadline.h"
#include "ike/v1/exchanges.h"
#include "ike/v1/xauth.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Exchange;
using v1wire::Notify;
using Step = Login::State;

/// A server that does not like an answer may ask again.
constexpr unsigned kMostQuestions = 3;

/// The same for every reason: who guesses learns nothing else.
constexpr const char* kWrongLogin = "login failed: unknown user or wrong password";

Mismatch no_password_for(const IkeSa& sa) {
  const std::string& user = sa.block->xauth_login;
  Mismatch why{"login", "none", "the peer asks for a user's name and password", "", "", Notify{}, "is not possible"};
  if (user.empty()) {
    why.hint = "add xauth_login \"NAME\"; to remote " + sa.block->name +
               " here, and a line \"NAME PASSWORD\" to psk.txt, or use racoonctl vpn-connect -u NAME";
  } else {
    why.ours = "no password was found for login " + user;
    why.hint = "add a line \"" + user + " PASSWORD\" to the file of path pre_shared_key here";
  }
  return why;
}

}  // namespace

/// Phase 1 stands.
void Exchanges::begin_login(IkeSa& sa, Context& context) {
  sa.login.state = Step::Awaited;
  if (sa.agreed.xauth == Xauth::Client) {
    sa.login.until = context.now + sa.policy->limits.login;
    return;
  }
  begin_transaction(sa, Transaction::Purpose::Login, login_question(), context);
}

// ---- client

void Exchanges::answer_login(IkeSa& sa, Transaction transaction, const Configuration& question, Context& context) {
  Login& login = sa.login;
  const bool awaited = sa.agreed.xauth == Xauth::Client && login.state == Step::Awaited;
  if (!awaited || ++login.questions > kMostQuestions) {
    return tell(Fact::Dropped, sa, "a question of XAUTH that is not awaited", context);
  }
  UserPassword own;
  if (!login.given) {
    own.user = sa.block->xauth_login;
    auto password = own.user.empty() ? std::nullopt : keys_.pre_shared_key(own.user);
    if (password) own.password = *std::move(password);
    if (!password) own.user.clear();
  }
  const UserPassword& used = login.given ? *login.given : own;
  auto reply =
      used.user.empty() ? Result<Configuration, Mismatch>{Failure{no_password_for(sa)}} : login_answer(question, used);
  login.user = used.user;
  login.until = context.now + sa.policy->limits.login;
  const bool gives_up = !reply.has_value();
  Configuration refusal = login_refusal();
  refusal.identifier = question.identifier;
  answer(sa, std::move(transaction), gives_up ? std::move(refusal) : *std::move(reply), context);
  if (gives_up) give_up_login(sa, reply.error(), context);
}

void Exchanges::take_verdict(IkeSa& sa, const Configuration& said, Context& context) {
  const auto verdict = read_verdict(said);
  const bool awaited = sa.agreed.xauth == Xauth::Client && sa.login.state == Step::Awaited;
  if (!verdict || !awaited) return tell(Fact::Dropped, sa, "a verdict of XAUTH that is not awaited", context);
  if (verdict->passed) {
    sa.login.state = Step::Passed;
    tell(Fact::LoggedIn, sa, sa.login.user, context);
    return on_logged_in(sa, context);
  }
  const std::string said_so = verdict->words.empty() ? "" : ", the peer says \"" + verdict->words + "\"";
  give_up_login(sa,
                {"login", "user " + sa.login.user, "refused" + said_so, "",
                 "check the name and the password; the log of the peer says more", Notify::AuthenticationFailed,
                 "is not accepted"},
                context);
}

// ---- server

void Exchanges::take_login(IkeSa& sa, const Configuration& said, Context& context) {
  auto given = read_login(said);
  if (!given) return fail_login(sa, given.error(), context);
  sa.login.user = std::move(given->user);
  sa.login.password = std::move(given->password);
  const Time until = throttle_.until(sa.remote.address, context.now);
  if (until <= context.now) return judge_login(sa, context);
  sa.login.state = Step::Delayed;
  sa.login.until = until;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(until - context.now).count();
  tell(Fact::LoginDelayed, sa, std::to_string(seconds) + " s", context);
}

void Exchanges::judge_login(IkeSa& sa, Context& context) {
  sa.login.state = Step::Judged;
  sa.login.id = LoginId{next_login_++};
  context.out.emplace_back(CheckLogin{sa.login.id, sa.remote.address, sa.login.user, std::move(sa.login.password),
                                      sa.policy->mode_config.auth_groups});
  sa.login.password = {};
}

void Exchanges::login_judged(const LoginJudged& event, Context& context) {
  const auto found = std::ranges::find_if(sas_.all(), [&](const auto& entry) {
    return entry.second->login.state == Step::Judged && entry.second->login.id == event.login;
  });
  if (found == sas_.all().end()) return;
  IkeSa& sa = *sas_.find(found->first);
  if (!event.right) {
    throttle_.failed(sa.remote.address, context.now, sa.policy->mode_config.auth_throttle);
    const std::string why = event.why.empty() ? "unknown, or not with this password" : event.why;
    return fail_login(sa,
                      {"login", why, "user " + sa.login.user, "",
                       "check the name and the password at the client, and its account here",
                       Notify::AuthenticationFailed, "is not accepted"},
                      context);
  }
  sa.login.state = Step::Passed;
  sa.login.address = event.address;
  sa.login.netmask = event.netmask;
  sa.login.token = event.token;
  tell(Fact::LoggedIn, sa, sa.login.user, context);
  begin_transaction(sa, Transaction::Purpose::Verdict, verdict(true, ""), context);
  on_logged_in(sa, context);
}

/// The client is told, and phase 1 ends when it has heard it.
void Exchanges::fail_login(IkeSa& sa, Mismatch why, Context& context) {
  tell(Fact::LoginFailed, sa, sa.login.user, context);
  refuse(sa, Exchange::Transaction, 2, std::move(why), context);
  sa.login.state = Step::Failed;
  begin_transaction(sa, Transaction::Purpose::Verdict, verdict(false, kWrongLogin), context);
}

// ---- both

/// Nothing more will come of it.
void Exchanges::give_up_login(IkeSa& sa, Mismatch why, Context& context) {
  refuse(sa, Exchange::Transaction, 0, std::move(why), context);
  tell(Fact::LoginFailed, sa, sa.login.user, context);
  sa.login.state = Step::Failed;
  retire(sa, "nobody logged in", context);
}

void Exchanges::tick_login(IkeSa& sa, Context& context) {
  const auto due = login_deadline(sa);
  if (!due || context.now < *due) return;
  if (sa.login.state == Step::Delayed) return judge_login(sa, context);
  give_up_login(sa,
                {"XAUTH", "this host is a client", "the peer asks for no login", "",
                 "let the peer ask (authentication_method ending in _server), or leave XAUTH out on both sides",
                 Notify{}, "does not come"},
                context);
}

}  // namespace testudo::ike::v1
