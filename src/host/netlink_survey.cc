// What others have put beside our rules and routes.
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "host/netlink.h"
#include "host/netlink_message.h"

namespace testudo::host {
namespace {

/// True when the attribute narrows down which packets a rule is for.
bool is_condition(std::uint16_t type) {
  switch (type) {
    case FRA_DST:
    case FRA_SRC:
    case FRA_IIFNAME:
    case FRA_OIFNAME:
    case FRA_FWMARK:
    case FRA_L3MDEV:
    case FRA_UID_RANGE:
    case FRA_IP_PROTO:
    case FRA_SPORT_RANGE:
    case FRA_DPORT_RANGE:
      return true;
    default:
      return false;
  }
}

void take(ListedRule& rule, const nlattr* a) {
  const std::uint16_t type = mnl_attr_get_type(a);
  if (is_condition(type)) rule.for_all = false;
  if (type == FRA_PRIORITY) rule.spec.preference = mnl_attr_get_u32(a);
  if (type == FRA_FWMARK) rule.spec.mark = mnl_attr_get_u32(a);
  if (type == FRA_FWMASK) rule.spec.mask = mnl_attr_get_u32(a);
  if (type == FRA_TABLE) rule.spec.table = mnl_attr_get_u32(a);
}

bool is_in(const nlmsghdr* route, std::uint32_t table) {
  std::uint32_t found = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(route))->rtm_table;
  for_each_attribute(route, sizeof(rtmsg), [&](const nlattr* a) {
    if (mnl_attr_get_type(a) == RTA_TABLE) found = mnl_attr_get_u32(a);
  });
  return found == table;
}

}  // namespace

Result<std::vector<ListedRule>, io::SystemError> Netlink::rules(net::Family family) {
  std::vector<ListedRule> found;
  Buffer buffer;
  nlmsghdr* message = nullptr;
  begin<fib_rule_hdr>(buffer, message, RTM_GETRULE, NLM_F_DUMP)->family = af(family);
  const auto take_rule = [&](const nlmsghdr* answer) {
    ListedRule rule{family, {}, true};
    for_each_attribute(answer, sizeof(fib_rule_hdr), [&](const nlattr* a) { take(rule, a); });
    found.push_back(rule);
  };
  TRY_DONE(list(
      message, "list ip rules", [&] { found.clear(); }, take_rule));
  return found;
}

Result<std::size_t, io::SystemError> Netlink::foreign_routes(net::Family family, std::uint32_t table) {
  std::size_t found = 0;
  Buffer buffer;
  nlmsghdr* message = nullptr;
  auto* header = begin<rtmsg>(buffer, message, RTM_GETROUTE, NLM_F_DUMP);
  header->rtm_family = af(family);
  mnl_attr_put_u32(message, RTA_TABLE, table);
  const auto count = [&](const nlmsghdr* answer) {
    const bool ours = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(answer))->rtm_protocol == kOurProtocol;
    if (!ours && is_in(answer, table)) ++found;
  };
  TRY_DONE(list(
      message, "list routes", [&] { found = 0; }, count));
  return found;
}

}  // namespace testudo::host
