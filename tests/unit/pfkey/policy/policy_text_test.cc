#include "pfkey/policy/policy_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace testudo::pfkey {
namespace {

using wire::pfkey::Direction;
using wire::pfkey::Level;
using wire::pfkey::Mode;
using wire::pfkey::PolicyExt;
using wire::pfkey::PolicyType;
using Code = IpsecError;

PolicyExt parsed(std::string_view text) {
  auto policy = parse_policy_text(text);
  EXPECT_TRUE(policy) << text << ": " << ipsec_error_text(policy.error().code);
  return policy ? *policy : PolicyExt{};
}

TEST(PolicyText, ReadsTheTunnelOfTheFaq) {
  const PolicyExt policy = parsed("out ipsec esp/tunnel/20.0.0.1-20.0.0.2/require");
  EXPECT_EQ(policy.direction, Direction::Out);
  EXPECT_EQ(policy.type, PolicyType::Ipsec);
  ASSERT_EQ(policy.requests.size(), 1U);
  const auto& request = policy.requests[0];
  EXPECT_EQ(request.protocol, 50);
  EXPECT_EQ(request.mode, Mode::Tunnel);
  EXPECT_EQ(request.level, Level::Require);
  EXPECT_EQ(request.source->address.to_string(), "20.0.0.1");
  EXPECT_EQ(request.destination->address.to_string(), "20.0.0.2");
  EXPECT_EQ(request.reqid.value, 0U);
}

TEST(PolicyText, KeepsTheOrderOfABundle) {
  const PolicyExt policy =
      parsed("  out\tipsec\n ipcomp/transport//use esp/transport//require\n ah/transport//unique:7 ");
  ASSERT_EQ(policy.requests.size(), 3U);
  EXPECT_EQ(policy.requests[0].protocol, 108);
  EXPECT_EQ(policy.requests[0].level, Level::Use);
  EXPECT_EQ(policy.requests[1].protocol, 50);
  EXPECT_EQ(policy.requests[2].protocol, 51);
  EXPECT_EQ(policy.requests[2].level, Level::Unique);
  EXPECT_EQ(policy.requests[2].reqid.value, 7U);
  EXPECT_FALSE(policy.requests[2].source);
}

TEST(PolicyText, ReadsEveryWayToSpellARequest) {
  struct Row {
    const char* text;
    bool ends;
    Level level;
  };
  for (const Row& row :
       {Row{"esp/tunnel/1.2.3.4-5.6.7.8/use", true, Level::Use},
        Row{"esp/tunnel/1.2.3.4-5.6.7.8/", true, Level::Default},
        Row{"esp/tunnel/1.2.3.4-5.6.7.8", true, Level::Default},
        Row{"esp/tunnel/fd00::1-fd00::2/require", true, Level::Require},
        Row{"esp/transport/1.2.3.4-5.6.7.8/default", true, Level::Default},
        Row{"esp/transport/", false, Level::Default}, Row{"esp/transport", false, Level::Default},
        Row{"esp/transport//", false, Level::Default}, Row{"esp/transport//unique", false, Level::Unique},
        Row{"esp/transport/me-any/require", false, Level::Require}}) {
    const PolicyExt policy = parsed(std::string{"out ipsec "} + row.text);
    ASSERT_EQ(policy.requests.size(), 1U) << row.text;
    EXPECT_EQ(policy.requests[0].source.has_value(), row.ends) << row.text;
    EXPECT_EQ(policy.requests[0].destination.has_value(), row.ends) << row.text;
    EXPECT_EQ(policy.requests[0].level, row.level) << row.text;
  }
}

TEST(PolicyText, EndpointsMayHavePorts) {
  const PolicyExt policy = parsed("in ipsec esp/tunnel/1.2.3.4[4500]-5.6.7.8[any]/require");
  EXPECT_EQ(policy.requests[0].source->port, 4500);
  EXPECT_EQ(policy.requests[0].destination->port, 0);
}

TEST(PolicyText, InterfacesOfLinkLocalAddressesAreAskedFor) {
  const auto scoped = [](const std::string& text) {
    return text == "fe80::1%br-lan" ? net::Address::parse("fe80::1%7")
           : text == "fe80::2%eth0" ? net::Address::parse("fe80::2%8")
                                    : std::nullopt;
  };
  const std::string text = "out ipsec esp/tunnel/fe80::1%br-lan-fe80::2%eth0/require";
  const auto policy = parse_policy_text(text, scoped);
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->requests[0].source->address.to_string(), "fe80::1%7");
  EXPECT_EQ(policy->requests[0].destination->address.to_string(), "fe80::2%8");
  EXPECT_EQ(parse_policy_text(text).error().code, Code::InvalidAddress);
  EXPECT_EQ(parse_policy_text("out ipsec esp/tunnel/fe80::1%eth9-fe80::2%eth0/require", scoped).error().code,
            Code::InvalidAddress);
  EXPECT_EQ(parsed("out ipsec esp/tunnel/fe80::1%7-fe80::2%8/require").requests[0].source->address.scope(), 7U);
}

TEST(PolicyText, ReadsEveryActionAndDirection) {
  EXPECT_EQ(parsed("in discard").type, PolicyType::Discard);
  EXPECT_EQ(parsed("in none").type, PolicyType::None);
  EXPECT_EQ(parsed("in entrust").type, PolicyType::Entrust);
  EXPECT_EQ(parsed("out bypass").type, PolicyType::Bypass);
  EXPECT_EQ(parsed("out ipsec").type, PolicyType::Ipsec);
  EXPECT_EQ(parsed("fwd none").direction, Direction::In);
  EXPECT_EQ(parsed("in").direction, Direction::In);
}

TEST(PolicyText, PrioritiesCountFromTheirBase) {
  struct Row {
    const char* text;
    std::uint32_t priority;
  };
  for (const Row& row :
       {Row{"prio 0", 0x80000000}, Row{"prio 1", 0x7fffffff}, Row{"priority -1", 0x80000001},
        Row{"prio - 1", 0x80000001}, Row{"prio def", 0x80000000}, Row{"prio high", 0x40000000},
        Row{"prio low", 0xC0000000}, Row{"prio high + 16", 0x3ffffff0}, Row{"prio low - 16", 0xC0000010},
        Row{"prio def +16", 0x7ffffff0}, Row{"prio 2147483648", 0}, Row{"prio -2147483647", 0xffffffff}}) {
    EXPECT_EQ(parsed(std::string{"in "} + row.text + " none").priority, row.priority) << row.text;
  }
}

struct BadRow {
  const char* text;
  Code code;
  const char* token;
  std::size_t offset;
};

TEST(PolicyText, RefusesWithLibipsecsCodesAndTheTokensPlace) {
  const std::vector<BadRow> rows{
      {"", Code::InvalidArgument, "", 0},
      {"up none", Code::InvalidArgument, "up", 0},
      {"in nothing", Code::InvalidArgument, "nothing", 3},
      {"in none esp/transport", Code::InvalidArgument, "esp/transport", 8},
      {"in discard x", Code::InvalidArgument, "x", 11},
      {"out ipsec tcp/transport//require", Code::InvalidProtocol, "tcp", 10},
      {"out ipsec esp", Code::TooFewArguments, "esp", 10},
      {"out ipsec esp/", Code::TooFewArguments, "esp/", 10},
      {"out ipsec esp/any//require", Code::InvalidMode, "any", 14},
      {"out ipsec esp/transport//must", Code::InvalidLevel, "must", 25},
      {"out ipsec esp/transport//require:5", Code::InvalidLevel, "require:5", 25},
      {"out ipsec esp/transport//unique:x", Code::InvalidLevel, "unique:x", 25},
      {"out ipsec esp/transport//require/x", Code::InvalidArgument, "x", 33},
      {"out ipsec esp/tunnel//require", Code::InvalidAddress, "esp/tunnel//require", 10},
      {"out ipsec esp/tunnel", Code::InvalidAddress, "esp/tunnel", 10},
      {"out ipsec esp/tunnel/1.2.3.4/require", Code::InvalidAddress, "1.2.3.4", 21},
      {"out ipsec esp/tunnel/1.2.3.4-host/require", Code::InvalidAddress, "host", 29},
      {"out ipsec esp/tunnel/1.2.3.4[1-5.6.7.8/require", Code::InvalidAddress, "1.2.3.4[1", 21},
      {"out ipsec esp/tunnel/1.2.3.4[65536]-5.6.7.8/require", Code::InvalidAddress, "65536", 29},
      {"out ipsec esp/tunnel/1.2.3.4-fd00::1/require", Code::FamilyMismatch, "1.2.3.4-fd00::1", 21},
      {"in ipsec esp/tunnel/me-any/require", Code::InvalidDirection, "me-any", 20},
      {"out ipsec esp/tunnel/any-me/require", Code::InvalidDirection, "any-me", 21},
      {"in prio x none", Code::InvalidArgument, "x", 8},
      {"in prio 2147483649 none", Code::PriorityOffset, "2147483649", 8},
      {"in prio -2147483648 none", Code::PriorityOffset, "-2147483648", 8},
      {"in prio high + 1073741825 none", Code::PriorityBaseOffset, "1073741825", 15},
      {"in prio high - 1073741824 none", Code::PriorityBaseOffset, "1073741824", 15},
      {"in prio high + none", Code::InvalidArgument, "none", 15},
  };
  for (const BadRow& row : rows) {
    const auto policy = parse_policy_text(row.text);
    ASSERT_FALSE(policy) << row.text;
    EXPECT_EQ(policy.error().code, row.code) << row.text;
    EXPECT_EQ(policy.error().token, row.token) << row.text;
    EXPECT_EQ(policy.error().offset, row.offset) << row.text;
  }
}

TEST(PolicyText, ErrorsHaveLibipsecsWords) {
  EXPECT_EQ(ipsec_error_text(Code::InvalidArgument), "Invalid argument");
  EXPECT_EQ(ipsec_error_text(Code::InvalidPolicy), "Invalid security policy");
  EXPECT_EQ(ipsec_error_text(Code::InvalidAddress), "Invalid address specification");
  EXPECT_EQ(ipsec_error_text(Code::InvalidProtocol), "Invalid ipsec protocol");
  EXPECT_EQ(ipsec_error_text(Code::InvalidMode), "Invalid ipsec mode");
  EXPECT_EQ(ipsec_error_text(Code::InvalidLevel), "Invalid ipsec level");
  EXPECT_EQ(ipsec_error_text(Code::InvalidDirection), "Invalid direction");
  EXPECT_EQ(ipsec_error_text(Code::FamilyMismatch), "Family mismatch");
  EXPECT_EQ(ipsec_error_text(Code::TooFewArguments), "Too few arguments");
  EXPECT_EQ(static_cast<int>(Code::FamilyMismatch), 24);
}

TEST(PolicyText, PrintsWhatItReads) {
  for (const char* text :
       {"out ipsec esp/tunnel/20.0.0.1-20.0.0.2/require", "in ipsec esp/transport//require ah/transport//use",
        "in discard", "out none", "out bypass", "in entrust", "out ipsec esp/tunnel/fd00::1-fd00::2/unique:3",
        "in ipsec ipcomp/transport//default", "out prio high + 5 none", "out prio def none", "in prio low - 9 discard",
        "out prio def - 1 ipsec ah/transport//unique"}) {
    const auto printed = print_policy_text(parsed(text));
    ASSERT_TRUE(printed) << text;
    EXPECT_EQ(*printed, text);
  }
}

TEST(PolicyText, PrintsPortsDelimitersAndAllocatedReqids) {
  PolicyExt policy = parsed("out ipsec esp/tunnel/1.2.3.4[4500]-5.6.7.8/unique esp/transport//require");
  policy.requests[0].reqid = ReqId{16385};
  EXPECT_EQ(*print_policy_text(policy, "\n\t", PolicyPorts::Shown),
            "out ipsec\n\tesp/tunnel/1.2.3.4[4500]-5.6.7.8[0]/unique#16385\n\tesp/transport//require");
  policy.requests[0].reqid = ReqId{16383};
  EXPECT_EQ(*print_policy_text(policy), "out ipsec esp/tunnel/1.2.3.4-5.6.7.8/unique:16383 esp/transport//require");
  policy.requests[1].mode = Mode::Any;
  EXPECT_EQ(*print_policy_text(policy), "out ipsec esp/tunnel/1.2.3.4-5.6.7.8/unique:16383 esp/any//require");
}

TEST(PolicyText, HasNoWordForWhatDoesNotExist) {
  PolicyExt policy = parsed("out ipsec esp/transport//require");
  policy.requests[0].protocol = 6;
  EXPECT_EQ(print_policy_text(policy).error(), Code::InvalidProtocol);
  policy.requests[0].protocol = 50;
  policy.requests[0].mode = static_cast<Mode>(9);
  EXPECT_EQ(print_policy_text(policy).error(), Code::InvalidMode);
  policy.requests[0].mode = Mode::Transport;
  policy.requests[0].level = static_cast<Level>(9);
  EXPECT_EQ(print_policy_text(policy).error(), Code::InvalidLevel);
  policy.type = static_cast<PolicyType>(9);
  EXPECT_EQ(print_policy_text(policy).error(), Code::InvalidPolicy);
  policy.direction = static_cast<Direction>(9);
  EXPECT_EQ(print_policy_text(policy).error(), Code::InvalidDirection);
}

}  // namespace
}  // namespace testudo::pfkey
