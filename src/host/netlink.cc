#include "host/netlink.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "host/netlink_message.h"
#include "host/settings.h"

namespace testudo::host {
namespace {

constexpr std::uint32_t kDeviceMetric = 10, kBlackholeMetric = 20;

std::size_t route_metric_mtu(const nlattr* metrics) {
  std::size_t mtu = 0;
  const Visit visit = [&](const nlattr* a) {
    if (mnl_attr_get_type(a) == RTAX_MTU) mtu = mnl_attr_get_u32(a);
  };
  mnl_attr_parse_nested(
      metrics,
      [](const nlattr* a, void* data) {
        (*static_cast<const Visit*>(data))(a);
        return MNL_CB_OK;
      },
      const_cast<Visit*>(&visit));
  return mtu;
}

// struct rtvia: a family and an address.
std::optional<net::Address> gateway_of_other_family(const nlattr* a) {
  const auto* bytes = static_cast<const std::uint8_t*>(mnl_attr_get_payload(a));
  const std::size_t size = mnl_attr_get_payload_len(a);
  if (size == sizeof(rtvia) + 16) return net::Address::v6(std::span<const std::uint8_t, 16>{bytes + sizeof(rtvia), 16});
  if (size == sizeof(rtvia) + 4) return net::Address::v4(std::span<const std::uint8_t, 4>{bytes + sizeof(rtvia), 4});
  return std::nullopt;
}

struct RouteAnswer {
  Route route;
  bool learned = false;  ///< its MTU, from ICMP

  void take(const nlattr* a) {
    switch (mnl_attr_get_type(a)) {
      case RTA_OIF:
        route.device = mnl_attr_get_u32(a);
        break;
      case RTA_GATEWAY:
        route.gateway = address_of(a);
        break;
      case RTA_VIA:
        route.gateway = gateway_of_other_family(a);
        break;
      case RTA_PREFSRC:
        route.source = address_of(a);
        break;
      case RTA_METRICS:
        route.mtu = route_metric_mtu(a);
        break;
      case RTA_CACHEINFO:
        learned = static_cast<const rta_cacheinfo*>(mnl_attr_get_payload(a))->rta_expires != 0;
        break;
      default:
        break;
    }
  }
};

nlmsghdr* rule_message(Buffer& buffer, net::Family family, const RuleSpec& rule, int type, int flags) {
  nlmsghdr* message = nullptr;
  auto* header = begin<fib_rule_hdr>(buffer, message, type, flags);
  header->family = af(family);
  header->action = FR_ACT_TO_TBL;
  header->table = RT_TABLE_UNSPEC;
  mnl_attr_put_u32(message, FRA_PRIORITY, rule.preference);
  mnl_attr_put_u32(message, FRA_FWMARK, rule.mark);
  mnl_attr_put_u32(message, FRA_FWMASK, rule.mask);
  mnl_attr_put_u32(message, FRA_TABLE, rule.table);
  return message;
}

mnl_socket* open_bound(unsigned groups) {
  mnl_socket* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | (groups != 0 ? SOCK_NONBLOCK : 0));
  if (socket == nullptr) return nullptr;
  if (mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) == 0) return socket;
  mnl_socket_close(socket);
  return nullptr;
}

}  // namespace

void Netlink::Close::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

Result<Netlink, io::SystemError> Netlink::open() {
  Socket socket{open_bound(0)};
  if (!socket) return io::last_error("open rtnetlink socket");
  return Netlink{std::move(socket)};
}

Status<io::SystemError> Netlink::exchange(nlmsghdr* request, const char* what, const NetlinkReply::Answer& answer) {
  request->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0) return io::last_error(what);
  Buffer buffer;
  NetlinkReply reply{sequence_, answer};
  while (!reply.complete()) {
    const ssize_t n = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io::last_error(what);
    reply.add(as_bytes(std::string_view{buffer.data(), static_cast<std::size_t>(n)}));
  }
  if (reply.error() != 0) return Failure{io::SystemError{what, reply.error()}};
  return Done{};
}

Status<io::SystemError> Netlink::list(nlmsghdr* request, const char* what, const std::function<void()>& anew,
                                      const NetlinkReply::Answer& answer) {
  constexpr int kTries = 8;
  Status<io::SystemError> listed = Done{};
  for (int i = 0; i < kTries; ++i) {
    anew();
    listed = exchange(request, what, answer);
    // It changed while it was read, or an earlier one was never read to its end.
    if (listed || (listed.error().number != EINTR && listed.error().number != EBUSY)) break;
  }
  return listed;
}

Status<io::SystemError> Netlink::add_rule(net::Family family, const RuleSpec& rule) {
  Buffer buffer;
  auto added =
      exchange(rule_message(buffer, family, rule, RTM_NEWRULE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL), "add ip rule");
  if (!added && added.error().number == EEXIST) return Done{};
  return added;
}

Status<io::SystemError> Netlink::remove_rule(net::Family family, const RuleSpec& rule) {
  Buffer buffer;
  return exchange(rule_message(buffer, family, rule, RTM_DELRULE, NLM_F_ACK), "remove ip rule");
}

Status<io::SystemError> Netlink::set_default_route(net::Family family, std::uint32_t table, unsigned device) {
  return set_route(family, table, device);
}

Status<io::SystemError> Netlink::set_blackhole(net::Family family, std::uint32_t table) {
  return set_route(family, table, std::nullopt);
}

Status<io::SystemError> Netlink::set_route(net::Family family, std::uint32_t table, std::optional<unsigned> device) {
  Buffer buffer;
  nlmsghdr* message = nullptr;
  auto* header = begin<rtmsg>(buffer, message, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  header->rtm_family = af(family);
  header->rtm_table = RT_TABLE_UNSPEC;
  header->rtm_protocol = kOurProtocol;
  header->rtm_scope = device && family == net::Family::V4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  header->rtm_type = device ? RTN_UNICAST : RTN_BLACKHOLE;
  mnl_attr_put_u32(message, RTA_TABLE, table);
  mnl_attr_put_u32(message, RTA_PRIORITY, device ? kDeviceMetric : kBlackholeMetric);
  if (device) mnl_attr_put_u32(message, RTA_OIF, *device);
  return exchange(message, "set route");
}

void Netlink::remove_routes(net::Family family, std::uint32_t table) {
  Buffer buffer;
  for (const std::uint32_t metric : {kDeviceMetric, kBlackholeMetric}) {
    nlmsghdr* message = nullptr;
    auto* header = begin<rtmsg>(buffer, message, RTM_DELROUTE, NLM_F_ACK);
    header->rtm_family = af(family);
    header->rtm_scope = RT_SCOPE_NOWHERE;  // any
    mnl_attr_put_u32(message, RTA_TABLE, table);
    mnl_attr_put_u32(message, RTA_PRIORITY, metric);
    static_cast<void>(exchange(message, "remove route"));
  }
}

Status<io::SystemError> Netlink::add_dummy_address(unsigned device) {
  Buffer buffer;
  nlmsghdr* message = nullptr;
  auto* header = begin<ifaddrmsg>(buffer, message, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  header->ifa_family = AF_INET;
  header->ifa_prefixlen = 32;
  header->ifa_scope = RT_SCOPE_HOST;  // never chosen as the source of what leaves
  header->ifa_index = device;
  mnl_attr_put(message, IFA_LOCAL, kDummyAddress.size(), kDummyAddress.data());
  return exchange(message, "add address to device");
}

Result<std::vector<net::Address>, io::SystemError> Netlink::addresses() {
  const net::Address dummy = net::Address::v4(kDummyAddress);
  std::vector<net::Address> found;
  Buffer buffer;
  nlmsghdr* message = nullptr;
  begin<ifaddrmsg>(buffer, message, RTM_GETADDR, NLM_F_DUMP)->ifa_family = AF_UNSPEC;
  const auto take = [&](const nlmsghdr* answer) {
    std::optional<net::Address> address, local;
    for_each_attribute(answer, sizeof(ifaddrmsg), [&](const nlattr* a) {
      if (mnl_attr_get_type(a) == IFA_ADDRESS) address = address_of(a);
      if (mnl_attr_get_type(a) == IFA_LOCAL) local = address_of(a);  // on point-to-point links the other is the peer's
    });
    if (!local) local = address;
    if (local && *local != dummy) found.push_back(*local);
  };
  TRY_DONE(list(
      message, "list addresses", [&] { found.clear(); }, take));
  return found;
}

std::optional<Route> Netlink::route_to(const net::Address& destination, std::uint32_t mark) {
  Buffer buffer;
  nlmsghdr* message = nullptr;
  auto* header = begin<rtmsg>(buffer, message, RTM_GETROUTE, 0);
  header->rtm_family = af(destination.family());
  header->rtm_dst_len = static_cast<unsigned char>(destination.width());
  const Bytes bytes = destination.bytes();
  mnl_attr_put(message, RTA_DST, bytes.size(), bytes.data());
  mnl_attr_put_u32(message, RTA_MARK, mark);
  if (destination.scope() != 0) mnl_attr_put_u32(message, RTA_OIF, destination.scope());
  message->nlmsg_flags |= NLM_F_ACK;
  RouteAnswer found;
  const auto asked = exchange(message, "look up route", [&](const nlmsghdr* answer) {
    found.route.unicast = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(answer))->rtm_type == RTN_UNICAST;
    for_each_attribute(answer, sizeof(rtmsg), [&](const nlattr* a) { found.take(a); });
  });
  if (!asked || found.route.device == 0) return std::nullopt;
  // What the kernel learned is about packets before protection, which go to the same address in transport mode.
  if (found.learned || found.route.mtu == 0) found.route.mtu = device_mtu(found.route.device);
  return found.route;
}

std::size_t Netlink::device_mtu(unsigned device) {
  Buffer buffer;
  nlmsghdr* message = nullptr;
  begin<ifinfomsg>(buffer, message, RTM_GETLINK, NLM_F_ACK)->ifi_index = static_cast<int>(device);
  std::size_t mtu = 0;
  static_cast<void>(exchange(message, "look up device", [&](const nlmsghdr* answer) {
    for_each_attribute(answer, sizeof(ifinfomsg), [&](const nlattr* a) {
      if (mnl_attr_get_type(a) == IFLA_MTU) mtu = mnl_attr_get_u32(a);
    });
  }));
  return mtu;
}

std::string Netlink::alias_of(unsigned device) {
  Buffer buffer;
  nlmsghdr* message = nullptr;
  begin<ifinfomsg>(buffer, message, RTM_GETLINK, NLM_F_ACK)->ifi_index = static_cast<int>(device);
  std::string alias;
  static_cast<void>(exchange(message, "look up device", [&](const nlmsghdr* answer) {
    for_each_attribute(answer, sizeof(ifinfomsg), [&](const nlattr* a) {
      if (mnl_attr_get_type(a) == IFLA_IFALIAS) alias = mnl_attr_get_str(a);
    });
  }));
  return alias;
}

Status<io::SystemError> Netlink::set_alias(unsigned device, const std::string& alias) {
  Buffer buffer;
  nlmsghdr* message = nullptr;
  begin<ifinfomsg>(buffer, message, RTM_SETLINK, NLM_F_ACK)->ifi_index = static_cast<int>(device);
  mnl_attr_put_strz(message, IFLA_IFALIAS, alias.c_str());
  return exchange(message, "name device");
}

std::uint64_t Netlink::queue_losses(unsigned device) {
  Buffer buffer;
  nlmsghdr* message = nullptr;
  begin<ifinfomsg>(buffer, message, RTM_GETLINK, NLM_F_ACK)->ifi_index = static_cast<int>(device);
  rtnl_link_stats64 statistics{};
  static_cast<void>(exchange(message, "look up device", [&](const nlmsghdr* answer) {
    for_each_attribute(answer, sizeof(ifinfomsg), [&](const nlattr* a) {
      const bool ours = mnl_attr_get_type(a) == IFLA_STATS64;
      if (ours)
        std::memcpy(&statistics, mnl_attr_get_payload(a),
                    std::min<std::size_t>(sizeof statistics, mnl_attr_get_payload_len(a)));
    });
  }));
  return statistics.tx_dropped;
}

void NetlinkMonitor::Close::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

Result<NetlinkMonitor, io::SystemError> NetlinkMonitor::open() {
  constexpr unsigned kIpv6Rule = 1U << (RTNLGRP_IPV6_RULE - 1);  // has no name of its own
  Socket socket{open_bound(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                           RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE | kIpv6Rule)};
  if (!socket) return io::last_error("open rtnetlink monitor");
  return NetlinkMonitor{std::move(socket)};
}

int NetlinkMonitor::fd() const {
  return mnl_socket_get_fd(socket_.get());
}

bool NetlinkMonitor::drain() {
  Buffer buffer;
  bool something = false;
  // Bounded: what a storm of routes leaves is taken at the next call.
  for (int i = 0; i < 64; ++i) {
    const ssize_t n = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno != ENOBUFS) break;  // ENOBUFS: some were lost, so something changed
    something = true;
  }
  return something;
}

}  // namespace testudo::host
