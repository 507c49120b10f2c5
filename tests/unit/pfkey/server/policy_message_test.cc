#include "pfkey/server/policy_message.h"

#include <gtest/gtest.h>

namespace testudo::pfkey::server {
namespace {

using wire::pfkey::Direction;
using wire::pfkey::Mode;
using wire::pfkey::PolicyExt;
using wire::pfkey::PolicyType;
using wire::pfkey::RequestExt;

PolicyExt asking(PolicyType type, Direction direction, std::uint16_t protocol = 50, Mode mode = Mode::Transport) {
  PolicyExt ext;
  ext.type = type;
  ext.direction = direction;
  RequestExt request;
  request.protocol = protocol;
  request.mode = mode;
  ext.requests = {request};
  return ext;
}

// netipsec: "socket options accept IPSEC, ENTRUST, BYPASS", and a direction that is in or out.
TEST(SocketPolicyOf, TakesWhatSocketsMayHave) {
  for (const PolicyType type : {PolicyType::Ipsec, PolicyType::Entrust, PolicyType::Bypass}) {
    const auto in = socket_policy_of(asking(type, Direction::In), Time{});
    ASSERT_TRUE(in);
    EXPECT_EQ(in->direction, spd::Direction::In);
    const auto out = socket_policy_of(asking(type, Direction::Out), Time{});
    ASSERT_TRUE(out);
    EXPECT_EQ(out->direction, spd::Direction::Out);
    EXPECT_EQ(out->requests.size(), type == PolicyType::Ipsec ? 1U : 0U);
  }
}

TEST(SocketPolicyOf, RefusesTheRest) {
  PolicyExt without = asking(PolicyType::Ipsec, Direction::Out);
  without.requests.clear();
  struct Row {
    PolicyExt ext;
    Errno error;
  };
  for (const Row& row : {Row{asking(PolicyType::Discard, Direction::Out), Errno::Invalid},
                         Row{asking(PolicyType::None, Direction::Out), Errno::Invalid},
                         Row{asking(static_cast<PolicyType>(9), Direction::Out), Errno::Invalid},
                         Row{asking(PolicyType::Ipsec, Direction::Any), Errno::Invalid},
                         Row{asking(PolicyType::Bypass, static_cast<Direction>(3)), Errno::Invalid},
                         Row{asking(PolicyType::Ipsec, Direction::Out, 6), Errno::ProtocolNotSupported},
                         Row{asking(PolicyType::Ipsec, Direction::Out, 50, Mode::Tunnel), Errno::Invalid},
                         Row{without, Errno::Invalid}}) {
    const auto policy = socket_policy_of(row.ext, Time{});
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error(), row.error);
  }
}

}  // namespace
}  // namespace testudo::pfkey::server
