// What an administrator asks for (racoonctl(8)), as exchanges.h drives it.
#include <algorithm>

#include "ike/v1/exchanges.h"

namespace testudo::ike::v1 {
namespace {

bool is_either_way(const net::Selector& wanted, const net::Selector& s) {
  return wanted == s || wanted == net::Selector{s.destination, s.source, s.protocol, s.destination_port, s.source_port};
}

bool is_meant(const std::optional<net::Address>& wanted, const net::Address& address) {
  return !wanted || *wanted == address;
}

}  // namespace

/// With the first block that may begin one; null, and a refusal, when there is none.
IkeSa* Exchanges::begin_phase1(const ChildRequest& request, std::string_view name, Context& context) {
  for (const Remote* block : policy_->remotes_for(request.remote)) {
    const bool is_named = name.empty() || block->name == name;
    if (is_named && !block->passive && !block->exchange_modes.empty()) return start_phase1(*block, request, context);
  }
  Refusal refusal;
  refusal.local.address = request.local;
  refusal.remote.address = request.remote;
  refusal.why.attribute = "configuration";
  refusal.why.ours = "no configuration found for " + request.remote.to_string();
  refusal.why.hint = "add a remote block for this address, or remote anonymous, with passive off";
  if (!name.empty()) {
    refusal.why.ours += " that is called " + std::string{name};
    refusal.why.hint = "name a remote block that is for this address, or for all, and has passive off";
  }
  context.out.emplace_back(std::move(refusal));
  return nullptr;
}

/// One that is there, or under way from here, is not begun again.
void Exchanges::connect(const Connect& wish, Context& context) {
  const bool known = std::ranges::any_of(
      sas_.with(wish.remote), [](const IkeSa* sa) { return sa->established() || sa->role == Role::Initiator; });
  if (known) return;
  ChildRequest nothing;
  nothing.local = wish.local;
  nothing.remote = wish.remote;
  if (IkeSa* const sa = begin_phase1(nothing, wish.block, context)) sa->login.given = wish.login;
}

/// Children first: their phase 1 carries the word that they go.
void Exchanges::disconnect(const Disconnect& wish, Context& context) {
  static constexpr const char* kWhy = "an administrator ends it";
  if (wish.phase2) {
    const auto meant = [&](const Child& child) {
      return is_meant(wish.local, child.request.local) && is_meant(wish.remote, child.request.remote) &&
             (!wish.networks || is_either_way(*wish.networks, child.request.outbound));
    };
    end_children(children_that(meant), kWhy, context);
  }
  if (!wish.phase1) return;
  for (IkeSa* const sa : sas_.every()) {
    if (!is_meant(wish.local, sa->local.address) || !is_meant(wish.remote, sa->remote.address)) continue;
    if (sa->established()) {
      retire(*sa, kWhy, context);
    } else {
      tell(Fact::Phase1Deleted, *sa, kWhy, context);
      end(*sa, context);
    }
  }
}

void Exchanges::logout(const Logout& wish, Context& context) {
  static constexpr const char* kWhy = "an administrator logged the user out";
  const auto has_user = [&](const Child& child) { return !wish.user.empty() && child.user == wish.user; };
  end_children(children_that(has_user), kWhy, context);
  for (IkeSa* const sa : sas_.every()) {
    const bool has = sa->established() && sa->login.state == Login::State::Passed && sa->login.user == wish.user;
    if (has && !wish.user.empty()) retire(*sa, kWhy, context);
  }
}

}  // namespace testudo::ike::v1
