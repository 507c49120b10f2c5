#include <gtest/gtest.h>

#include <array>
#include <string>

#include "net/drop_reason.h"
#include "net/flow.h"
#include "net/prefix.h"
#include "net/protocol.h"

namespace testudo::net {
namespace {

Address address(std::string_view text) {
  const auto parsed = Address::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Address{});
}

TEST(Address, PrintsWhatItParsed) {
  for (const char* text :
       {"20.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "fd00::1", "fe80::1%3", "2001:db8::ff"}) {
    EXPECT_EQ(address(text).to_string(), text);
  }
}

TEST(Address, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4%1", "fd00::g", "fe80::1%", "fe80::1%x", " 1.2.3.4", "host"}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
}

TEST(Address, WithoutScopeIsWhatPacketsCarry) {
  EXPECT_EQ(address("fe80::1%3").without_scope(), address("fe80::1"));
  EXPECT_NE(address("fe80::1%3"), address("fe80::1"));
  EXPECT_EQ(address("10.0.0.1").without_scope(), address("10.0.0.1"));
}

TEST(Address, KnowsItsKind) {
  EXPECT_TRUE(address("::").is_unspecified());
  EXPECT_TRUE(address("224.0.0.1").is_multicast());
  EXPECT_TRUE(address("ff02::1").is_multicast());
  EXPECT_TRUE(address("fe80::1").is_link_local());
  EXPECT_TRUE(address("127.3.4.5").is_loopback());
  EXPECT_TRUE(address("::1").is_loopback());
  EXPECT_FALSE(address("::2").is_loopback());
  EXPECT_NE(address("0.0.0.0"), address("::"));
}

struct ContainsRow {
  const char* prefix;
  const char* address;
  bool inside;
};

TEST(Prefix, ContainsTable) {
  constexpr std::array rows{
      ContainsRow{"10.0.1.0/24", "10.0.1.255", true},   ContainsRow{"10.0.1.0/24", "10.0.2.0", false},
      ContainsRow{"10.0.1.7/24", "10.0.1.1", true},     ContainsRow{"0.0.0.0/0", "1.2.3.4", true},
      ContainsRow{"0.0.0.0/0", "::1", false},           ContainsRow{"10.0.1.1", "10.0.1.1", true},
      ContainsRow{"10.0.1.1", "10.0.1.0", false},       ContainsRow{"10.0.0.0/9", "10.127.255.255", true},
      ContainsRow{"10.0.0.0/9", "10.128.0.0", false},   ContainsRow{"fd00::/64", "fd00::ffff:1", true},
      ContainsRow{"fd00::/64", "fd00:0:0:1::1", false}, ContainsRow{"fd00::/127", "fd00::1", true},
      ContainsRow{"fd00::/127", "fd00::2", false},      ContainsRow{"::/0", "fd00::2", true},
      ContainsRow{"fe80::1%2", "fe80::1%2", true},      ContainsRow{"fe80::1%2", "fe80::1%3", false},
      ContainsRow{"fe80::1", "fe80::1%3", true},
  };
  for (const auto& row : rows) {
    const auto slash = std::string_view{row.prefix}.find('/');
    const Prefix prefix =
        slash == std::string_view::npos ? Prefix::host(address(row.prefix)) : *Prefix::parse(row.prefix);
    EXPECT_EQ(prefix.contains(address(row.address)), row.inside) << row.prefix << " " << row.address;
    EXPECT_EQ(Prefix({prefix.masked(), prefix.length}).contains(address(row.address)), row.inside);
  }
}

TEST(Prefix, RefusesBadLengths) {
  for (const char* text : {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "/24"}) {
    EXPECT_FALSE(Prefix::parse(text)) << text;
  }
}

TEST(Protocol, NamesDoNotDependOnTheMachine) {
  EXPECT_EQ(protocol_name(4), "ipv4");
  EXPECT_EQ(protocol_name(58), "ipv6-icmp");
  EXPECT_EQ(protocol_name(255), "reserved");
  EXPECT_EQ(protocol_name(200), std::nullopt);
  EXPECT_EQ(protocol_number("any"), 255);
  EXPECT_EQ(protocol_number("icmp6"), 58);
  EXPECT_EQ(protocol_number("TCP"), 6);
  EXPECT_EQ(protocol_number("nothing"), std::nullopt);
}

TEST(Selector, WildcardsMatchAnythingAndValuesOnlyThemselves) {
  const Flow flow{address("10.0.1.5"), address("10.0.2.7"), protocol::kTcp, 1025, 80};
  Selector any{*Prefix::parse("10.0.1.0/24"), *Prefix::parse("10.0.2.0/24")};
  EXPECT_TRUE(any.matches(flow));
  Selector s = any;
  s.protocol = protocol::kUdp;
  EXPECT_FALSE(s.matches(flow));
  s.protocol = protocol::kTcp;
  s.destination_port = 80;
  EXPECT_TRUE(s.matches(flow));
  s.destination_port = 81;
  EXPECT_FALSE(s.matches(flow));
  s.destination_port = 0;
  s.source_port = 1;
  EXPECT_FALSE(s.matches(flow));
  any.source = *Prefix::parse("10.0.3.0/24");
  EXPECT_FALSE(any.matches(flow));
}

TEST(Flow, ReadsLikeTcpdump) {
  EXPECT_EQ((Flow{address("10.0.0.1"), address("10.0.0.2"), protocol::kTcp, 1025, 80}.to_string()),
            "10.0.0.1[1025] > 10.0.0.2[80] tcp");
  EXPECT_EQ((Flow{address("fd00::1"), address("fd00::2"), 255, 0, 0}.to_string()), "fd00::1 > fd00::2 any");
}

TEST(DropReasons, EachHasANameACounterAndASentence) {
  for (const DropReasonRow& row : kDropReasons) {
    EXPECT_FALSE(row.name.empty());
    EXPECT_TRUE(row.sentence.ends_with('.') || row.sentence.ends_with(").")) << row.name;
  }
  EXPECT_EQ(describe(DropReason::Replayed).name, "Replayed");
}

}  // namespace
}  // namespace testudo::net
