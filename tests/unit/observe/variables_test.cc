#include "observe/variables.h"

#include <gtest/gtest.h>

#include <set>

namespace testudo::observe {
namespace {

TEST(Variables, NamesAreUniqueAndDefaultsAreInRange) {
  engine::Settings settings;
  std::set<std::string_view> names;
  for (const Variable& v : variables()) {
    EXPECT_TRUE(names.insert(v.name).second) << v.name;
    EXPECT_GE(v.in(settings), v.minimum) << v.name;
    EXPECT_LE(v.in(settings), v.maximum) << v.name;
    EXPECT_FALSE(v.meaning.empty());
  }
}

// The defaults of NetBSD's sysctl(7), one by one.
TEST(Variables, DefaultsAreNetBsds) {
  engine::Settings s;
  const auto value = [&s](std::string_view name) { return find_variable(name)->in(s); };
  EXPECT_EQ(value("net.inet.ipsec.def_policy"), 1);
  EXPECT_EQ(value("net.inet.ipsec.esp_trans_deflev"), 1);
  EXPECT_EQ(value("net.inet.ipsec.ah_cleartos"), 1);
  EXPECT_EQ(value("net.inet.ipsec.ah_offsetmask"), 0);
  EXPECT_EQ(value("net.inet.ipsec.dfbit"), 2);
  EXPECT_EQ(value("net.inet.ipsec.ecn"), 0);
  EXPECT_EQ(value("net.inet.ipsec.ipip_spoofcheck"), 1);
  EXPECT_EQ(value("net.inet6.ipsec6.ecn"), 0);
  EXPECT_EQ(value("net.key.spi_try"), 1000);
  EXPECT_EQ(value("net.key.spi_min_value"), 256);
  EXPECT_EQ(value("net.key.spi_max_value"), 0x0fffffff);
  EXPECT_EQ(value("net.key.larval_lifetime"), 30);
  EXPECT_EQ(value("net.key.blockacq_count"), 10);
  EXPECT_EQ(value("net.key.blockacq_lifetime"), 20);
  EXPECT_EQ(value("net.key.esp_keymin"), 256);
  EXPECT_EQ(value("net.key.ah_keymin"), 128);
  EXPECT_EQ(value("net.key.prefered_oldsa"), 0);
}

TEST(Variables, AWriteChangesThePlaceThatTheEngineReads) {
  engine::Settings s;
  EXPECT_EQ(write_variable(s, "net.inet.ipsec.dfbit", 0, 0), std::nullopt);
  EXPECT_EQ(s.headers.dfbit, 0);
  EXPECT_EQ(write_variable(s, "net.inet6.ipsec6.def_policy", 0, 0), std::nullopt);
  EXPECT_EQ(s.v6.def_policy, 0);
  EXPECT_EQ(s.v4.def_policy, 1);
}

TEST(Variables, RefusalsNameTheirReason) {
  engine::Settings s;
  EXPECT_EQ(write_variable(s, "net.inet.ipsec.nothing", 0, 0), WriteError::NoSuchName);
  EXPECT_EQ(write_variable(s, "net.inet.ipsec.used", 1, 0), WriteError::ReadOnly);
  EXPECT_EQ(write_variable(s, "net.inet.ipsec.def_policy", 2, 0), WriteError::OutOfRange);
  EXPECT_EQ(write_variable(s, "net.key.spi_try", 0, 0), WriteError::OutOfRange);
  EXPECT_EQ(write_variable(s, "net.inet.ipsec.enabled", 0, 1), WriteError::Busy);
  EXPECT_EQ(write_variable(s, "net.inet6.ipsec6.enabled", 0, 1), WriteError::Busy);
  EXPECT_EQ(s.enabled, 1);
  EXPECT_EQ(write_variable(s, "net.inet.ipsec.enabled", 0, 0), std::nullopt);
  EXPECT_EQ(s.enabled, 0);
}

}  // namespace
}  // namespace testudo::observe
