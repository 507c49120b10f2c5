#include "host/socket_diag.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "host/netlink_message.h"
#include "net/protocol.h"

namespace testudo::host {
namespace {

constexpr std::uint32_t kAllStates = ~0U;

std::unique_ptr<mnl_socket, CloseMnl> open_bound(unsigned groups) {
  std::unique_ptr<mnl_socket, CloseMnl> socket{
      mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | (groups != 0 ? SOCK_NONBLOCK : 0))};
  if (socket && mnl_socket_bind(socket.get(), groups, MNL_SOCKET_AUTOPID) != 0) socket.reset();
  return socket;
}

void put_address(__be32 (&into)[4], const net::Address& address) {
  const Bytes bytes = address.bytes();
  std::memcpy(&into, bytes.data(), bytes.size());
}

net::Address address_in(const __be32 (&from)[4], std::uint8_t family) {
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &from, bytes.size());
  const std::span all{bytes};
  if (family == AF_INET) return net::Address::v4(all.first<4>());
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) return net::Address::v4(all.last<4>());
  return net::Address::v6(all);
}

std::uint64_t cookie_in(const inet_diag_msg& message) {
  return std::uint64_t{message.id.idiag_cookie[1]} << 32 | message.id.idiag_cookie[0];
}

std::optional<SocketFacts> facts_of(const nlmsghdr* message, std::uint8_t protocol) {
  if (mnl_nlmsg_get_payload_len(message) < sizeof(inet_diag_msg)) return std::nullopt;
  const auto& m = *static_cast<const inet_diag_msg*>(mnl_nlmsg_get_payload(message));
  SocketFacts facts;
  facts.cookie = cookie_in(m);
  facts.uid = m.idiag_uid;
  facts.protocol = protocol;
  facts.state = m.idiag_state;
  facts.local = {address_in(m.id.idiag_src, m.idiag_family), ntohs(m.id.idiag_sport)};
  facts.remote = {address_in(m.id.idiag_dst, m.idiag_family), ntohs(m.id.idiag_dport)};
  for_each_attribute(message, sizeof(inet_diag_msg), [&](const nlattr* a) {
    if (mnl_attr_get_type(a) == INET_DIAG_MARK) facts.mark = mnl_attr_get_u32(a);
  });
  return facts;
}

inet_diag_req_v2* begin_request(Buffer& buffer, nlmsghdr*& message, std::uint8_t family, std::uint8_t protocol,
                                int flags) {
  auto* request = begin<inet_diag_req_v2>(buffer, message, SOCK_DIAG_BY_FAMILY, flags);
  request->sdiag_family = family;
  request->sdiag_protocol = protocol;
  request->idiag_states = kAllStates;
  std::ranges::fill(request->id.idiag_cookie, INET_DIAG_NOCOOKIE);
  return request;
}

}  // namespace

void CloseMnl::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

Result<SocketDiag, io::SystemError> SocketDiag::open() {
  auto socket = open_bound(0);
  if (!socket) return io::last_error("open sock_diag socket");
  return SocketDiag{std::move(socket)};
}

Status<io::SystemError> SocketDiag::exchange(nlmsghdr* request, const NetlinkReply::Answer& answer) {
  request->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0) return io::last_error("ask sock_diag");
  // One socket is answered by itself, without an end of the list.
  const bool one = (request->nlmsg_flags & NLM_F_DUMP) == 0;
  bool answered = false;
  const NetlinkReply::Answer heard = [&](const nlmsghdr* message) {
    answered = true;
    answer(message);
  };
  Buffer buffer;
  NetlinkReply reply{sequence_, heard};
  while (!reply.complete() && !(one && answered)) {
    const ssize_t n = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io::last_error("ask sock_diag");
    reply.add(as_bytes(std::string_view{buffer.data(), static_cast<std::size_t>(n)}));
  }
  if (reply.complete() && reply.error() != 0) return Failure{io::SystemError{"ask sock_diag", reply.error()}};
  return Done{};
}

std::optional<SocketFacts> SocketDiag::receiver_of(const net::Flow& flow) {
  Buffer buffer;
  nlmsghdr* message = nullptr;
  auto* request = begin_request(buffer, message, af(flow.destination.family()), flow.protocol, 0);
  // The kernel takes source and destination of UDP the other way round than those of TCP.
  const bool arriving = flow.protocol == net::protocol::kUdp;
  put_address(request->id.idiag_src, arriving ? flow.source : flow.destination);
  put_address(request->id.idiag_dst, arriving ? flow.destination : flow.source);
  request->id.idiag_sport = htons(arriving ? flow.source_port : flow.destination_port);
  request->id.idiag_dport = htons(arriving ? flow.destination_port : flow.source_port);
  request->id.idiag_if = flow.destination.scope();
  std::optional<SocketFacts> found;
  static_cast<void>(exchange(message, [&](const nlmsghdr* answer) { found = facts_of(answer, flow.protocol); }));
  return found && found->local.port == flow.destination_port ? found : std::nullopt;
}

Status<io::SystemError> SocketDiag::list(const std::function<void(const SocketFacts&)>& visit) {
  TRY_DONE(list(net::protocol::kTcp, visit));
  return list(net::protocol::kUdp, visit);
}

Status<io::SystemError> SocketDiag::list(std::uint8_t protocol, const std::function<void(const SocketFacts&)>& visit) {
  for (const int family : {AF_INET, AF_INET6}) {
    Buffer buffer;
    nlmsghdr* message = nullptr;
    begin_request(buffer, message, static_cast<std::uint8_t>(family), protocol, NLM_F_DUMP);
    TRY_DONE(exchange(message, [&](const nlmsghdr* answer) {
      if (const auto facts = facts_of(answer, protocol)) visit(*facts);
    }));
  }
  return Done{};
}

Result<SocketMonitor, io::SystemError> SocketMonitor::open() {
  unsigned groups = 0;
  for (const unsigned group :
       {SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET_UDP_DESTROY, SKNLGRP_INET6_TCP_DESTROY, SKNLGRP_INET6_UDP_DESTROY}) {
    groups |= 1U << (group - 1);
  }
  auto socket = open_bound(groups);
  if (!socket) return io::last_error("watch sockets");
  return SocketMonitor{std::move(socket)};
}

int SocketMonitor::fd() const {
  return mnl_socket_get_fd(socket_.get());
}

bool SocketMonitor::drain(const std::function<void(std::uint64_t cookie)>& gone) {
  Buffer buffer;
  for (;;) {
    const ssize_t n = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno != ENOBUFS;
    const auto* message = static_cast<const nlmsghdr*>(static_cast<const void*>(buffer.data()));
    int left = static_cast<int>(n);
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if (mnl_nlmsg_get_payload_len(message) < sizeof(inet_diag_msg)) continue;
      gone(cookie_in(*static_cast<const inet_diag_msg*>(mnl_nlmsg_get_payload(message))));
    }
  }
}

}  // namespace testudo::host
