#include "host/netlink_reply.h"

#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <array>
#include <vector>

namespace testudo::host {
namespace {

constexpr std::uint32_t kSequence = 7;

/// A datagram of messages with these types, each with room for an error behind it.
class Datagram {
 public:
  Datagram& add(int type, std::uint32_t sequence = kSequence, int flags = NLM_F_MULTI, int error = 0) {
    nlmsghdr* message = mnl_nlmsg_put_header(bytes_.data() + size_);
    message->nlmsg_type = static_cast<std::uint16_t>(type);
    message->nlmsg_flags = static_cast<std::uint16_t>(flags);
    message->nlmsg_seq = sequence;
    static_cast<nlmsgerr*>(mnl_nlmsg_put_extra_header(message, sizeof(nlmsgerr)))->error = error;
    size_ += message->nlmsg_len;
    return *this;
  }
  Bytes bytes() const { return {bytes_.data(), size_}; }

 private:
  alignas(nlmsghdr) std::array<std::uint8_t, 4096> bytes_{};
  std::size_t size_ = 0;
};

class NetlinkReplyTest : public testing::Test {
 protected:
  std::vector<std::uint16_t> types;
  const NetlinkReply::Answer note = [this](const nlmsghdr* m) { types.push_back(m->nlmsg_type); };
  NetlinkReply reply{kSequence, note};
};

TEST_F(NetlinkReplyTest, AListEndsWithDone) {
  reply.add(Datagram{}.add(RTM_NEWADDR).add(RTM_NEWADDR).bytes());
  EXPECT_FALSE(reply.complete());
  reply.add(Datagram{}.add(RTM_NEWROUTE).bytes());
  reply.add(Datagram{}.add(NLMSG_DONE).bytes());
  EXPECT_TRUE(reply.complete());
  EXPECT_EQ(reply.error(), 0);
  EXPECT_EQ(types, (std::vector<std::uint16_t>{RTM_NEWADDR, RTM_NEWADDR, RTM_NEWROUTE}));
}

TEST_F(NetlinkReplyTest, AnAcknowledgementIsAnErrorOfZero) {
  reply.add(Datagram{}.add(NLMSG_ERROR, kSequence, 0, 0).bytes());
  EXPECT_TRUE(reply.complete());
  EXPECT_EQ(reply.error(), 0);
}

TEST_F(NetlinkReplyTest, ARefusalSaysWhy) {
  reply.add(Datagram{}.add(NLMSG_ERROR, kSequence, 0, -EEXIST).bytes());
  EXPECT_TRUE(reply.complete());
  EXPECT_EQ(reply.error(), EEXIST);
}

TEST_F(NetlinkReplyTest, TheRestOfAnEarlierAnswerIsPassedOver) {
  reply.add(Datagram{}.add(RTM_NEWADDR, kSequence - 1).add(NLMSG_DONE, kSequence - 1).bytes());
  reply.add(Datagram{}.add(NLMSG_ERROR, kSequence - 2, 0, -EBUSY).bytes());
  EXPECT_FALSE(reply.complete());
  EXPECT_TRUE(types.empty());
  reply.add(Datagram{}.add(RTM_NEWADDR).add(NLMSG_DONE).bytes());
  EXPECT_TRUE(reply.complete());
  EXPECT_EQ(reply.error(), 0);
  EXPECT_EQ(types.size(), 1U);
}

TEST_F(NetlinkReplyTest, AListThatChangedMeanwhileIsReadToItsEndAndThenOfNoUse) {
  reply.add(Datagram{}.add(RTM_NEWADDR, kSequence, NLM_F_MULTI | NLM_F_DUMP_INTR).bytes());
  EXPECT_FALSE(reply.complete()) << "what is left would be the next request's answer";
  reply.add(Datagram{}.add(NLMSG_DONE).bytes());
  EXPECT_TRUE(reply.complete());
  EXPECT_EQ(reply.error(), EINTR);
}

TEST_F(NetlinkReplyTest, WhatIsCutShortIsNotRead) {
  const Datagram whole = Datagram{}.add(RTM_NEWADDR);
  for (std::size_t n = 0; n < whole.bytes().size(); ++n) reply.add(whole.bytes().first(n));
  EXPECT_TRUE(types.empty());
  EXPECT_FALSE(reply.complete());
}

}  // namespace
}  // namespace testudo::host
