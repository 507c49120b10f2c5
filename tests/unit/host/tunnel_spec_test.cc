#include "host/tunnel_spec.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace testudo::host {
namespace {

std::vector<std::string> words(const std::string& line) {
  std::istringstream in{line};
  return {std::istream_iterator<std::string>{in}, {}};
}

TunnelSpec parsed(const std::string& line) {
  const auto spec = parse_tunnel(words(line));
  EXPECT_TRUE(spec) << line << ": " << (spec ? "" : spec.error());
  return spec ? *spec : TunnelSpec{};
}

std::string refusal(const std::string& line) {
  const auto spec = parse_tunnel(words(line));
  return spec ? "accepted" : spec.error();
}

TEST(TunnelSpec, NeedsANameAndTwoAddresses) {
  const TunnelSpec spec = parsed("ipsec0 local 20.0.0.1 remote 20.0.0.2");
  EXPECT_EQ(spec.name, "ipsec0");
  EXPECT_EQ(spec.local, net::Address::parse("20.0.0.1"));
  EXPECT_EQ(spec.remote, net::Address::parse("20.0.0.2"));
  EXPECT_FALSE(spec.unnumbered);
  EXPECT_EQ(spec.reqid, 0U);
  EXPECT_FALSE(spec.nat);
}

TEST(TunnelSpec, TakesItsWordsInAnyOrder) {
  const TunnelSpec spec = parsed("to-office nat-t 4500,12345 remote fd00::2 reqid 16383 unnumbered local fd00::1");
  EXPECT_EQ(spec.local, net::Address::parse("fd00::1"));
  EXPECT_EQ(spec.remote, net::Address::parse("fd00::2"));
  EXPECT_TRUE(spec.unnumbered);
  EXPECT_EQ(spec.reqid, 16383U);
  EXPECT_EQ(spec.nat, (TunnelSpec::NatPorts{4500, 12345}));
}

TEST(TunnelSpec, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "no name for a device"},
      {"a/b local 1.1.1.1 remote 2.2.2.2", "no name for a device"},
      {"lo local 1.1.1.1 remote 2.2.2.2", "no name for a device"},
      {"ipsec0", "expected local ADDRESS"},
      {"ipsec0 local 1.1.1.1", "expected local ADDRESS"},
      {"ipsec0 local 1.1.1.1 remote", "follow 'remote'"},
      {"ipsec0 local office remote 2.2.2.2", "'office' is not the numeric address"},
      {"ipsec0 local 0.0.0.0 remote 2.2.2.2", "'0.0.0.0' is not the numeric address"},
      {"ipsec0 local 1.1.1.1 remote 224.0.0.1", "'224.0.0.1' is not the numeric address"},
      {"ipsec0 local 1.1.1.1 remote fd00::2", "different families"},
      {"ipsec0 local 1.1.1.1 remote 1.1.1.1", "the same address"},
      {"a-name-of-16-let local 1.1.1.1 remote 2.2.2.2", "no name for a device"},
      {"ipsec0 local 1.1.1.1 remote 2.2.2.2 reqid 0", "1 to 16383"},
      {"ipsec0 local 1.1.1.1 remote 2.2.2.2 reqid 16384", "1 to 16383"},
      {"ipsec0 local 1.1.1.1 remote 2.2.2.2 nat-t 4500", "PORT,PORT"},
      {"ipsec0 local 1.1.1.1 remote 2.2.2.2 nat-t 4500,", "PORT,PORT"},
      {"ipsec0 local 1.1.1.1 remote 2.2.2.2 nat-t 0,4500", "PORT,PORT"},
      {"ipsec0 local 1.1.1.1 remote 2.2.2.2 nat-t 4500,65536", "PORT,PORT"},
      {"ipsec0 from 1.1.1.1 remote 2.2.2.2", "'from': expected local"},
  };
  for (const auto& [line, part] : cases)
    EXPECT_NE(refusal(line).find(part), std::string::npos) << line << ": " << refusal(line);
}

TEST(TunnelSpec, CountsUnitsByTheEndOfTheName) {
  EXPECT_EQ(unit_of("ipsec0"), 0U);
  EXPECT_EQ(unit_of("ipsec12"), 12U);
  EXPECT_EQ(unit_of("office"), 0U);
  EXPECT_EQ(unit_of("a2b3"), 3U);
}

}  // namespace
}  // namespace testudo::host
