#include "host/refusal_log.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "host/netlink_message.h"

namespace testudo::host {
namespace {

constexpr int kRounds = 64;

nlmsghdr* configuration(Buffer& buffer, std::uint16_t group) {
  nlmsghdr* message = nullptr;
  auto* header = begin<nfgenmsg>(buffer, message, (NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_CONFIG, NLM_F_ACK);
  header->nfgen_family = AF_UNSPEC;
  header->version = NFNETLINK_V0;
  header->res_id = htons(group);
  return message;
}

/// The kernel's answer to a request that asks for one.
Status<io::SystemError> acknowledged(mnl_socket* socket, const nlmsghdr* request) {
  constexpr const char* kWhat = "read refused packets (NFLOG)";
  Buffer buffer;
  if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) return io::last_error(kWhat);
  const ssize_t n = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
  if (n < 0 || mnl_cb_run(buffer.data(), static_cast<std::size_t>(n), 0, 0, nullptr, nullptr) < 0)
    return io::last_error(kWhat);
  return Done{};
}

int keep_payload(const nlmsghdr* message, void* data) {
  if (message->nlmsg_type != ((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET)) return MNL_CB_OK;
  for_each_attribute(message, sizeof(nfgenmsg), [&](const nlattr* a) {
    if (mnl_attr_get_type(a) != NFULA_PAYLOAD) return;
    const auto* bytes = static_cast<const std::uint8_t*>(mnl_attr_get_payload(a));
    static_cast<ByteVector*>(data)->assign(bytes, bytes + mnl_attr_get_payload_len(a));
  });
  return MNL_CB_OK;
}

}  // namespace

void RefusalLog::Close::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

Result<RefusalLog, io::SystemError> RefusalLog::open(std::uint16_t group) {
  Socket socket{mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0) return io::last_error("open NFLOG socket");
  Buffer bind, mode;
  nlmsghdr* message = configuration(bind, group);
  const nfulnl_msg_config_cmd command{NFULNL_CFG_CMD_BIND};
  mnl_attr_put(message, NFULA_CFG_CMD, sizeof command, &command);
  TRY_DONE(acknowledged(socket.get(), message));

  message = configuration(mode, group);
  const nfulnl_msg_config_mode copy{htonl(kShown), NFULNL_COPY_PACKET, 0};
  mnl_attr_put(message, NFULA_CFG_MODE, sizeof copy, &copy);
  mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htonl(1));  // none waits for the next
  TRY_DONE(acknowledged(socket.get(), message));
  return RefusalLog{std::move(socket)};
}

int RefusalLog::fd() const {
  return mnl_socket_get_fd(socket_.get());
}

ByteVector RefusalLog::last() {
  ByteVector packet;
  Buffer buffer;
  for (int i = 0; i < kRounds; ++i) {
    const ssize_t n = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno != ENOBUFS) break;
    if (n > 0) mnl_cb_run(buffer.data(), static_cast<std::size_t>(n), 0, 0, keep_payload, &packet);
  }
  return packet;
}

}  // namespace testudo::host
