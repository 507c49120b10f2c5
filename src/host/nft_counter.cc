#include "host/nft_counter.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <memory>

#include "base/endian.h"

namespace testudo::host {
namespace {

struct Close {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

struct Buffer {
  alignas(nlmsghdr) std::array<char, 8192> bytes{};
};

const nlattr* find(const nlattr* first, std::size_t size, std::uint16_t type) {
  const nlattr* a = first;
  for (auto left = static_cast<int>(size); mnl_attr_ok(a, left);) {
    if (mnl_attr_get_type(a) == type) return a;
    left -= static_cast<int>(MNL_ALIGN(a->nla_len));
    a = mnl_attr_next(a);
  }
  return nullptr;
}

const nlattr* find_within(const nlattr* nest, std::uint16_t type) {
  if (nest == nullptr) return nullptr;
  return find(static_cast<const nlattr*>(mnl_attr_get_payload(nest)), mnl_attr_get_payload_len(nest), type);
}

int take_packets(const nlmsghdr* message, void* data) {
  if (mnl_nlmsg_get_payload_len(message) < sizeof(nfgenmsg)) return MNL_CB_OK;
  const auto* first = static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, sizeof(nfgenmsg)));
  const nlattr* object = find(first, mnl_nlmsg_get_payload_len(message) - sizeof(nfgenmsg), NFTA_OBJ_DATA);
  const nlattr* packets = find_within(object, NFTA_COUNTER_PACKETS);
  if (packets != nullptr && mnl_attr_get_payload_len(packets) == 8) {
    *static_cast<std::uint64_t*>(data) = be64(static_cast<const std::uint8_t*>(mnl_attr_get_payload(packets)));
  }
  return MNL_CB_OK;
}

}  // namespace

std::uint64_t nft_counter_packets(const std::string& table, const std::string& counter) {
  const std::unique_ptr<mnl_socket, Close> socket{mnl_socket_open(NETLINK_NETFILTER)};
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return 0;
  Buffer buffer;
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.bytes.data());
  message->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETOBJ;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  message->nlmsg_seq = 1;
  auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  header->nfgen_family = NFPROTO_INET;
  header->version = NFNETLINK_V0;
  mnl_attr_put_strz(message, NFTA_OBJ_TABLE, table.c_str());
  mnl_attr_put_strz(message, NFTA_OBJ_NAME, counter.c_str());
  std::array<std::uint8_t, 4> type{};
  put_be32(type.data(), NFT_OBJECT_COUNTER);
  mnl_attr_put(message, NFTA_OBJ_TYPE, type.size(), type.data());
  if (mnl_socket_sendto(socket.get(), message, message->nlmsg_len) < 0) return 0;

  std::uint64_t packets = 0;
  for (int going = MNL_CB_OK; going > MNL_CB_STOP;) {
    const ssize_t size = mnl_socket_recvfrom(socket.get(), buffer.bytes.data(), buffer.bytes.size());
    if (size <= 0) break;
    going = mnl_cb_run(buffer.bytes.data(), static_cast<std::size_t>(size), 1, mnl_socket_get_portid(socket.get()),
                       take_packets, &packets);
  }
  return packets;
}

}  // namespace testudo::host
