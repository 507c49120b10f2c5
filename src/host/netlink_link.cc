// Interfaces, their XDP programs and their neighbours: what carrying frames takes beside routes.
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "host/netlink.h"
#include "host/netlink_message.h"

namespace testudo::host {
namespace {

void for_each_within(const nlattr* nested, const Visit& visit) {
  mnl_attr_parse_nested(
      nested,
      [](const nlattr* a, void* data) {
        (*static_cast<const Visit*>(data))(a);
        return MNL_CB_OK;
      },
      const_cast<Visit*>(&visit));
}

void take_xdp(Link& link, const nlattr* nested) {
  for_each_within(nested, [&](const nlattr* a) {
    if (mnl_attr_get_type(a) == IFLA_XDP_ATTACHED) link.xdp = static_cast<XdpMode>(mnl_attr_get_u8(a));
    if (mnl_attr_get_type(a) == IFLA_XDP_PROG_ID) link.xdp_program = mnl_attr_get_u32(a);
  });
}

void take_kind(Link& link, const nlattr* nested) {
  for_each_within(nested, [&](const nlattr* a) {
    if (mnl_attr_get_type(a) == IFLA_INFO_KIND) link.kind = mnl_attr_get_str(a);
  });
}

bool take_mac(std::array<std::uint8_t, 6>& mac, const nlattr* a) {
  if (mnl_attr_get_payload_len(a) != mac.size()) return false;
  std::copy_n(static_cast<const std::uint8_t*>(mnl_attr_get_payload(a)), mac.size(), mac.begin());
  return true;
}

Link link_in(const nlmsghdr* answer) {
  Link link;
  const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(answer));
  link.index = static_cast<unsigned>(header->ifi_index);
  for_each_attribute(answer, sizeof(ifinfomsg), [&](const nlattr* a) {
    const auto type = mnl_attr_get_type(a);
    if (type == IFLA_ADDRESS) link.ethernet = header->ifi_type == ARPHRD_ETHER && take_mac(link.mac, a);
    if (type == IFLA_MTU) link.mtu = mnl_attr_get_u32(a);
    if (type == IFLA_NUM_RX_QUEUES) link.receive_queues = std::max(1U, mnl_attr_get_u32(a));
    if (type == IFLA_XDP) take_xdp(link, a);
    if (type == IFLA_LINKINFO) take_kind(link, a);
  });
  return link;
}

nlmsghdr* neighbour_message(Buffer& buffer, const net::Address& address, unsigned device, int type) {
  nlmsghdr* message = nullptr;
  auto* header = begin<ndmsg>(buffer, message, type, NLM_F_ACK);
  header->ndm_family = af(address.family());
  header->ndm_ifindex = static_cast<int>(device);
  const Bytes bytes = address.bytes();
  mnl_attr_put(message, NDA_DST, bytes.size(), bytes.data());
  return message;
}

}  // namespace

Result<Link, io::SystemError> Netlink::link(const std::string& name) {
  Buffer buffer;
  nlmsghdr* message = nullptr;
  begin<ifinfomsg>(buffer, message, RTM_GETLINK, NLM_F_ACK);
  mnl_attr_put_strz(message, IFLA_IFNAME, name.c_str());
  Link found;
  TRY_DONE(exchange(message, "look up interface", [&](const nlmsghdr* answer) { found = link_in(answer); }));
  return found;
}

Status<io::SystemError> Netlink::set_xdp(unsigned device, std::optional<int> program, XdpMode mode) {
  Buffer buffer;
  nlmsghdr* message = nullptr;
  begin<ifinfomsg>(buffer, message, RTM_SETLINK, NLM_F_ACK)->ifi_index = static_cast<int>(device);
  nlattr* nest = mnl_attr_nest_start(message, IFLA_XDP);
  mnl_attr_put_u32(message, IFLA_XDP_FD, static_cast<std::uint32_t>(program.value_or(-1)));
  mnl_attr_put_u32(message, IFLA_XDP_FLAGS, mode == XdpMode::Native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
  mnl_attr_nest_end(message, nest);
  return exchange(message, program ? "attach XDP program" : "detach XDP program");
}

std::optional<Hop> Netlink::next_hop(const net::Address& destination, std::uint32_t mark) {
  const auto route = route_to(destination, mark);
  if (!route || !route->unicast) return std::nullopt;
  const net::Address neighbour = route->gateway.value_or(destination);
  Hop hop{route->device, {}};
  std::uint16_t state = NUD_NONE;
  Buffer buffer;
  static_cast<void>(exchange(neighbour_message(buffer, neighbour, route->device, RTM_GETNEIGH), "look up neighbour",
                             [&](const nlmsghdr* answer) {
                               const auto now = static_cast<const ndmsg*>(mnl_nlmsg_get_payload(answer))->ndm_state;
                               for_each_attribute(answer, sizeof(ndmsg), [&](const nlattr* a) {
                                 if (mnl_attr_get_type(a) == NDA_LLADDR && take_mac(hop.mac, a)) state = now;
                               });
                             }));
  if ((state & (NUD_REACHABLE | NUD_PERMANENT | NUD_DELAY | NUD_PROBE | NUD_STALE)) == 0) return std::nullopt;
  if ((state & NUD_STALE) != 0) use_neighbour(neighbour, route->device);
  return hop;
}

/// The kernel sees none of our packets: told that the neighbour is used, it looks whether it is still there.
void Netlink::use_neighbour(const net::Address& address, unsigned device) {
  Buffer buffer;
  nlmsghdr* message = neighbour_message(buffer, address, device, RTM_NEWNEIGH);
  message->nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
  auto* header = static_cast<ndmsg*>(mnl_nlmsg_get_payload(message));
  header->ndm_flags = NTF_USE;
  header->ndm_state = NUD_NONE;
  static_cast<void>(exchange(message, "use neighbour"));
}

}  // namespace testudo::host
