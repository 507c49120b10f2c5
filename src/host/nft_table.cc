#include "host/nft_table.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include "host/netlink_message.h"
#include "host/netlink_reply.h"

namespace testudo::host {
namespace {

struct Close {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

}  // namespace

std::optional<bool> nft_has_table(const std::string& table, NftFamily family) {
  constexpr std::uint32_t kSequence = 1;
  const std::unique_ptr<mnl_socket, Close> socket{mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC)};
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return std::nullopt;
  Buffer buffer;
  nlmsghdr* message = nullptr;
  auto* header = begin<nfgenmsg>(buffer, message, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, NLM_F_ACK);
  message->nlmsg_seq = kSequence;
  header->nfgen_family = family == NftFamily::Inet ? NFPROTO_INET : NFPROTO_NETDEV;
  header->version = NFNETLINK_V0;
  mnl_attr_put_strz(message, NFTA_TABLE_NAME, table.c_str());
  if (mnl_socket_sendto(socket.get(), message, message->nlmsg_len) < 0) return std::nullopt;
  const NetlinkReply::Answer nothing;
  NetlinkReply reply{kSequence, nothing};
  while (!reply.complete()) {
    const ssize_t n = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (n < 0) return std::nullopt;
    reply.add(as_bytes(std::string_view{buffer.data(), static_cast<std::size_t>(n)}));
  }
  if (reply.error() != 0 && reply.error() != ENOENT) return std::nullopt;
  return reply.error() == 0;
}

}  // namespace testudo::host
