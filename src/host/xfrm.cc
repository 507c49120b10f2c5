#include "host/xfrm.h"

#include <linux/xfrm.h>

#include <cstring>
#include <memory>

#include "host/netlink_message.h"

namespace testudo::host {
namespace {

struct Close {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, Close>;

/// One question, whose answer is one message of a 32-bit word and attributes.
void ask(mnl_socket* socket, int question, const Visit& visit) {
  Buffer buffer;
  nlmsghdr* request = nullptr;
  *begin<std::uint32_t>(buffer, request, question, 0) = 0;
  if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) return;
  const ssize_t n = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
  const auto* answer = static_cast<const nlmsghdr*>(static_cast<const void*>(buffer.data()));
  if (n <= 0 || !mnl_nlmsg_ok(answer, static_cast<int>(n)) || answer->nlmsg_type == NLMSG_ERROR) return;
  for_each_attribute(answer, sizeof(std::uint32_t), visit);
}

}  // namespace

KernelIpsec count_kernel_ipsec() {
  KernelIpsec found;
  const Socket socket{mnl_socket_open2(NETLINK_XFRM, SOCK_CLOEXEC)};
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0) return found;
  ask(socket.get(), XFRM_MSG_GETSADINFO, [&](const nlattr* a) {
    if (mnl_attr_get_type(a) == XFRMA_SAD_CNT) found.sas = mnl_attr_get_u32(a);
  });
  ask(socket.get(), XFRM_MSG_GETSPDINFO, [&](const nlattr* a) {
    xfrmu_spdinfo counts{};
    if (mnl_attr_get_type(a) != XFRMA_SPD_INFO || mnl_attr_get_payload_len(a) < sizeof counts) return;
    std::memcpy(&counts, mnl_attr_get_payload(a), sizeof counts);
    found.policies = counts.incnt + counts.outcnt + counts.fwdcnt;
  });
  return found;
}

}  // namespace testudo::host
