#include "host/netlink_reply.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

namespace testudo::host {

void NetlinkReply::add(Bytes datagram) {
  int left = static_cast<int>(datagram.size());
  const auto* message = static_cast<const nlmsghdr*>(static_cast<const void*>(datagram.data()));
  for (; !complete_ && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
    if (message->nlmsg_seq == sequence_) take(message);
  }
}

void NetlinkReply::take(const nlmsghdr* message) {
  interrupted_ = interrupted_ || (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
  switch (message->nlmsg_type) {
    case NLMSG_DONE:
      complete_ = true;
      return;
    case NLMSG_ERROR:
      complete_ = true;
      if (mnl_nlmsg_get_payload_len(message) < sizeof(nlmsgerr)) {
        error_ = EBADMSG;
      } else {
        error_ = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message))->error;
      }
      return;
    default:
      if (message->nlmsg_type >= NLMSG_MIN_TYPE && answer_) answer_(message);
  }
}

}  // namespace testudo::host
