#include "ike/v1/generated.h"

#include <algorithm>

#include "ike/negotiate/phase2.h"
#include "ike/selector_id.h"
#include "ike/v1/exchanges.h"
#include "ike/v1/mode_config.h"
#include "ike/v1/nat.h"
#include "ike/v1/signature.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Identification;
using v1wire::Notify;

Failure<Mismatch> not_made(std::string ours, const std::string& asked, std::string hint, std::string_view verdict) {
  return Failure{
      Mismatch{"networks", std::move(ours), asked, "", std::move(hint), Notify::InvalidIdInformation, verdict}};
}

bool is_host(const Identification& id) {
  return id.type == v1wire::IdType::V4Address || id.type == v1wire::IdType::V6Address;
}

}  // namespace

Owner proven_owner(const IkeSa& sa) {
  Owner owner{sa.peer, sa.login.user, {}};
  const bool proven = uses_signatures(sa) ? key_proves_name(sa, sa.peer) : sa.has_key_of_name;
  if (!proven) owner.address = sa.remote.address;
  return owner;
}

std::string owner_text(const Owner& owner) {
  return owner.peer.to_string() + (owner.user.empty() ? "" : ", user " + owner.user) +
         (owner.address ? " at " + owner.address->to_string() : "");
}

bool generates_policies(const IkeSa& sa) {
  return sa.role == Role::Responder && sa.block->generate_policy != GeneratePolicy::Off;
}

Identification outside(const Identification& id, const net::Address& seen, bool behind_nat) {
  if (!behind_nat || !is_host(id)) return id;
  return id_of(net::Prefix::host(seen), id.protocol == 0 ? net::protocol::kAny : id.protocol, id.port);
}

Result<ChildRequest, Mismatch> generated_request(const IkeSa& sa, const QuickIds& ids, const v1wire::SaPayload& offer,
                                                 const PolicyBase& policies) {
  const std::string asked = to_string(ids.ours) + " to " + to_string(ids.theirs);
  const auto item = negotiate::only_item(offer, modes_of(sa));
  if (!item) return not_made("ESP or AH alone", asked, "for a bundle there must be policies here", "are not generated");
  const bool transport = item->mode == Encapsulation::Transport;
  const net::Address &here = sa.local.address, &there = sa.remote.address;
  const auto selector =
      transport ? selector_of(outside(ids.ours, here, sa.nat.here), outside(ids.theirs, there, sa.nat.there))
                : selector_of(ids.ours, ids.theirs);
  if (!selector) return not_made("addresses and subnets", asked, "ask for those", "are not generated");
  const bool between_us =
      selector->source == net::Prefix::host(here) && selector->destination == net::Prefix::host(there);
  if (transport && !between_us) {
    return not_made(here.to_string() + " to " + there.to_string(), asked, "transport mode is for the two hosts alone",
                    "are not generated");
  }
  const net::Prefix& peers = selector->destination;
  if (!transport && (peers.length == 0 || peers.contains(here))) {
    return not_made("", asked, "a peer cannot have all addresses, or this host's", "are not generated");
  }
  if (!transport && reaches_into_pool(sa.policy->mode_config, sa.assignment.address, peers)) {
    return not_made("", asked, "addresses of the pool are lent one by one: ask for that one by mode-config",
                    "hold addresses that are lent to others");
  }
  if (const std::string other = policies.in_the_way(*selector); !other.empty()) {
    return not_made(other, asked, "the policies of this host come first: change them, or the networks of the peer",
                    "overlap those of a policy");
  }
  return ChildRequest{0, here, there, *selector, {*item}};
}

/// Nobody gets what another peer has, or is about to have.
Status<Mismatch> Exchanges::claim(const IkeSa& sa, Quick& quick) const {
  const net::Selector& asked = quick.request.outbound;
  const Owner asking = proven_owner(sa);
  std::size_t own = 0;
  bool renewed = false;
  // False when another peer has it.
  const auto may_stand_beside = [&](const net::Selector& outbound, const Owner& owner) {
    if (!(owner == asking)) return !overlap(outbound, asked);
    ++own;
    renewed = renewed || outbound == asked;
    return true;
  };
  const auto in_use = [&](const net::Selector& outbound, const Owner& owner) {
    return not_made(to_string(outbound) + " of " + owner_text(owner), to_string(asked),
                    "another peer has them: each needs networks of its own", "are in use");
  };
  for (const Generated& each : generated_) {
    if (!may_stand_beside(each.outbound, each.owner)) return in_use(each.outbound, each.owner);
  }
  for (const ChildId id : wanting_policies_) {
    IkeSa* other = nullptr;
    const Quick* const each = find(id, other);
    if (each == nullptr) continue;
    const Owner owner = proven_owner(*other);
    if (!may_stand_beside(each->request.outbound, owner)) return in_use(each->request.outbound, owner);
  }
  if (renewed && generates_policies(sa)) quick.generates = true;
  const Limits& limits = sa.policy->limits;
  const bool full =
      own >= limits.generated_per_peer || generated_.size() + wanting_policies_.size() >= limits.generated_total;
  if (quick.generates && !renewed && full) {
    return not_made(std::to_string(limits.generated_per_peer) + " policies at most, and " +
                        std::to_string(limits.generated_total) + " of all peers",
                    to_string(asked), "there are as many already", "are too many");
  }
  return Done{};
}

/// Behind one NAT there may be several peers, which only SAs of their own keep apart.
void Exchanges::make_policy(const IkeSa& sa, Quick& quick, Context& context) {
  static constexpr std::uint32_t kLongerThanItsSas = 120;
  quick.state = Quick::State::PolicyWanted;
  const bool unique = sa.block->generate_policy == GeneratePolicy::Unique || sa.nat.there;
  tell_child(Fact::PolicyWanted, sa, quick.request.outbound, " for " + sa.peer.to_string(), context);
  context.out.emplace_back(MakePolicy{quick.id, quick.request, unique, quick.choice.lifetime + kLongerThanItsSas});
}

void Exchanges::policy_made(const PolicyMade& event, Context& context) {
  wanting_policies_.erase(event.child);
  IkeSa* sa = nullptr;
  Quick* const quick = find(event.child, sa);
  const auto owned = std::ranges::find(generated_, event.outbound, &Generated::outbound);
  if (quick == nullptr || quick->state != Quick::State::PolicyWanted) {
    // Nobody needs it any more, unless it was there before.
    if (owned == generated_.end()) context.out.emplace_back(DropPolicy{event.outbound});
    return;
  }
  const net::Selector outbound = quick->request.outbound;
  if (owned != generated_.end()) generated_.erase(owned);
  generated_.push_back({outbound, proven_owner(*sa), sa->local, sa->remote});
  auto request = policies_.find(outbound, sa->local.address, sa->remote.address);
  if (!request) return policy_refused({event.child, "the policy that was made is not there"}, context);
  quick->request.items = std::move(request->items);
  // The peer may have been elsewhere before.
  const net::Address there = sa->remote.address;
  auto elsewhere = children_.with(outbound);
  std::erase_if(elsewhere, [&](const Child* child) { return child->request.remote == there; });
  end_children(elsewhere, "its peer is at " + there.to_string() + " now", context);
  quick->state = Quick::State::AnswerSpisWanted;
  allocate_spis(*sa, *quick, context);
}

void Exchanges::policy_refused(const PolicyRefused& event, Context& context) {
  IkeSa* sa = nullptr;
  Quick* const quick = find(event.child, sa);
  if (quick == nullptr || quick->state != Quick::State::PolicyWanted) return;
  Mismatch why{"the key table", "", "", "", event.why, Notify::NoProposalChosen, "refuses the generated policy"};
  tell_failure(*sa, why, context);
  refuse_child(*sa, quick->request.outbound, 1, std::move(why), context);
  fail_quick(*sa, *quick, context);
}

/// It is behind the generated one, and the administrator's come first: the peer has to ask again.
void Exchanges::policy_added(const PolicyAdded& event, Context& context) {
  const auto meant = [&](const Child& child) {
    return overlap(child.request.outbound, event.outbound) &&
           std::ranges::find(generated_, child.request.outbound, &Generated::outbound) != generated_.end();
  };
  end_children(children_that(meant), "a policy for " + to_string(event.outbound) + " was added here", context);
}

/// It was left by a daemon that was killed: the peer asks again, and gets one.
void Exchanges::policy_gone(const PolicyGone& event, Context& context) {
  end_children(children_.with(event.outbound), "the time of its policy is over", context);
}

/// Those that no SA needs.
void Exchanges::drop_policies(Context& context) {
  if (perhaps_unused_.empty()) return;
  const auto ended = [&](const Generated& each) {
    return std::ranges::find(perhaps_unused_, each.outbound) != perhaps_unused_.end();
  };
  const auto is_used = [&](const Generated& each) {
    const auto same = [&](const auto& user) { return user.request.outbound == each.outbound; };
    if (!children_.with(each.outbound).empty()) return true;
    return std::ranges::any_of(sas_.all(), [&](const auto& entry) {
      return std::ranges::any_of(entry.second->quicks, [&](const Quick& quick) {
        return quick.generates && quick.state != Quick::State::Done && same(quick);
      });
    });
  };
  for (const Generated& each : generated_) {
    if (!ended(each) || is_used(each)) continue;
    context.out.emplace_back(
        Told{Fact::PolicyDropped, each.local, each.remote, 0, 0, to_string(each.outbound), false, each.outbound});
    context.out.emplace_back(DropPolicy{each.outbound});
  }
  std::erase_if(generated_, [&](const Generated& each) { return ended(each) && !is_used(each); });
  perhaps_unused_.clear();
}

}  // namespace testudo::ike::v1
