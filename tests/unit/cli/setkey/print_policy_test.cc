#include "cli/setkey/print_policy.h"

#include <gtest/gtest.h>

#include "pfkey/policy/policy_text.h"
#include "unit/cli/setkey/dumped.h"

namespace testudo::cli {
namespace {

using wire::pfkey::Message;

Message dumped_policy(const char* policy, std::uint8_t protocol = 255) {
  Message m;
  m.type = wire::pfkey::Type::SpdDump;
  m.sequence = 3;
  m.pid = 815;
  m.source = end_at("10.0.1.0");
  m.source->prefix_length = 24;
  m.destination = end_at("20.0.0.2");
  m.source->protocol = m.destination->protocol = protocol;
  m.policy = *pfkey::parse_policy_text(policy);
  m.policy->id = PolicyId{16401};
  return m;
}

std::string printed(const Message& message, bool ports = false) {
  use_utc();
  return print_policy(message, {ports, kNow});
}

TEST(SetkeyPolicyDump, ShowsSelectorPolicyAndNumbers) {
  EXPECT_EQ(printed(dumped_policy("out ipsec esp/tunnel/20.0.0.1-20.0.0.2/require ah/transport//unique:5")),
            "10.0.1.0/24[any] 20.0.0.2[any] 255(reserved)\n"
            "\tout ipsec\n"
            "\tesp/tunnel/20.0.0.1-20.0.0.2/require\n"
            "\tah/transport//unique:5\n"
            "\tspid=16401 seq=3 pid=815\n"
            "\trefcnt=0\n");
}

TEST(SetkeyPolicyDump, PortsOfTheSelectorAreAlwaysShown) {
  Message m = dumped_policy("in none", 6);
  m.source->endpoint.port = 110;
  EXPECT_EQ(printed(m),
            "10.0.1.0/24[110] 20.0.0.2[any] 6(tcp)\n"
            "\tin none\n"
            "\tspid=16401 seq=3 pid=815\n"
            "\trefcnt=0\n");
}

TEST(SetkeyPolicyDump, PortsOfTheRequestsAreShownWhenAskedFor) {
  const Message m = dumped_policy("out ipsec esp/tunnel/20.0.0.1[4500]-20.0.0.2[4500]/require");
  EXPECT_NE(printed(m, true).find("\tesp/tunnel/20.0.0.1[4500]-20.0.0.2[4500]/require\n"), std::string::npos);
  EXPECT_NE(printed(m).find("\tesp/tunnel/20.0.0.1-20.0.0.2/require\n"), std::string::npos);
}

TEST(SetkeyPolicyDump, TypeCodeAndKeyStandBehindTheProtocol) {
  struct Row {
    std::uint8_t protocol;
    std::uint16_t first, second;
    const char* line;
  };
  for (const Row& row :
       {Row{1, 8, 0, "10.0.1.0/24 20.0.0.2 1(icmp) 8,0\n"}, Row{1, 0, 0, "10.0.1.0/24 20.0.0.2 1(icmp)\n"},
        Row{58, 135, 1, "10.0.1.0/24 20.0.0.2 58(ipv6-icmp) 135,1\n"},
        Row{47, 1, 2, "10.0.1.0/24 20.0.0.2 47(gre) 65538\n"},
        Row{135, 1, 2, "10.0.1.0/24 20.0.0.2 135(mobility-header) 1,2\n"},
        Row{4, 0, 0, "10.0.1.0/24[any] 20.0.0.2[any] 4(ipv4)\n"},
        Row{17, 0, 53, "10.0.1.0/24[any] 20.0.0.2[53] 17(udp)\n"},
        Row{200, 0, 0, "10.0.1.0/24[any] 20.0.0.2[any] 200\n"}}) {
    Message m = dumped_policy("in discard", row.protocol);
    m.source->endpoint.port = row.first;
    m.destination->endpoint.port = row.second;
    EXPECT_TRUE(printed(m).starts_with(row.line)) << printed(m);
  }
}

TEST(SetkeyPolicyDump, Ipv6AndAllocatedReqids) {
  Message m = dumped_policy("in ipsec esp/tunnel/fd00::2-fd00::1/unique");
  m.policy->requests[0].reqid = ReqId{16385};
  m.source = end_at("fd00:2::");
  m.source->prefix_length = 64;
  m.destination = end_at("fd00::1");
  EXPECT_TRUE(
      printed(m).starts_with("fd00:2::/64[any] fd00::1[any] 255(reserved)\n"
                             "\tin ipsec\n"
                             "\tesp/tunnel/fd00::2-fd00::1/unique#16385\n"))
      << printed(m);
}

TEST(SetkeyPolicyDump, LifetimesAreShownWhenTheyAreThere) {
  Message m = dumped_policy("in none");
  m.current = wire::pfkey::LifetimeExt{0, 0, 946872306, 0};
  m.hard = wire::pfkey::LifetimeExt{0, 0, 600, 60};
  EXPECT_NE(printed(m).find("\tin none\n"
                            "\tcreated: Jan  3 04:05:06 2000  lastused:                     \n"
                            "\tlifetime: 600(s) validtime: 60(s)\n"
                            "\tspid=16401 seq=3 pid=815\n"),
            std::string::npos)
      << printed(m);
}

TEST(SetkeyPolicyDump, SocketPoliciesAndNonsenseAreNamed) {
  Message m = dumped_policy("in none");
  m.source.reset();
  EXPECT_TRUE(printed(m).starts_with("(no selector, probably per-socket policy) \n\tin none\n"));
  m = dumped_policy("in none");
  m.destination->protocol = 6;
  EXPECT_EQ(printed(m), "10.0.1.0/24[any] 20.0.0.2[any] upper layer protocol mismatched.\n");
  m = dumped_policy("in none");
  m.policy->type = static_cast<wire::pfkey::PolicyType>(9);
  EXPECT_NE(printed(m).find("\n\tPolicy:[Invalid security policy]\n"), std::string::npos);
  m.policy.reset();
  EXPECT_EQ(printed(m), "10.0.1.0/24[any] 20.0.0.2[any] 255(reserved)no X_POLICY extension.\n");
}

}  // namespace
}  // namespace testudo::cli
