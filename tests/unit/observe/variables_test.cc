#include "observe/variables.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>

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
  const std::map<std::string_view, std::int32_t> expected{{"net.inet.ipsec.def_policy", 1},
                                                          {"net.inet.ipsec.esp_trans_deflev", 1},
                                                          {"net.inet.ipsec.esp_net_deflev", 1},
                                                          {"net.inet.ipsec.ah_trans_deflev", 1},
                                                          {"net.inet.ipsec.ah_net_deflev", 1},
                                                          {"net.inet.ipsec.ah_cleartos", 1},
                                                          {"net.inet.ipsec.ah_offsetmask", 0},
                                                          {"net.inet.ipsec.dfbit", 2},
                                                          {"net.inet.ipsec.ecn", 0},
                                                          {"net.inet.ipsec.debug", 0},
                                                          {"net.inet.ipsec.ipip_spoofcheck", 1},
                                                          {"net.inet.ipsec.enabled", 1},
                                                          {"net.inet.ipsec.used", 0},
                                                          {"net.inet.ipsec.ah_enable", 1},
                                                          {"net.inet.ipsec.esp_enable", 1},
                                                          {"net.inet.ipsec.ipcomp_enable", 1},
                                                          {"net.inet.ipsec.crypto_support", 0},
                                                          {"net.inet.ipsec.test_replay", 0},
                                                          {"net.inet.ipsec.test_integrity", 0},
                                                          {"net.inet6.ipsec6.def_policy", 1},
                                                          {"net.inet6.ipsec6.esp_trans_deflev", 1},
                                                          {"net.inet6.ipsec6.esp_net_deflev", 1},
                                                          {"net.inet6.ipsec6.ah_trans_deflev", 1},
                                                          {"net.inet6.ipsec6.ah_net_deflev", 1},
                                                          {"net.inet6.ipsec6.ecn", 0},
                                                          {"net.inet6.ipsec6.debug", 0},
                                                          {"net.inet6.ipsec6.enabled", 1},
                                                          {"net.inet6.ipsec6.used", 0},
                                                          {"net.ipsecif.use_fixed_reqid", 0},
                                                          {"net.ipsecif.reqid_base", 8192},
                                                          {"net.ipsecif.reqid_last", 16383},
                                                          {"net.key.debug", 0},
                                                          {"net.key.spi_try", 1000},
                                                          {"net.key.spi_min_value", 256},
                                                          {"net.key.spi_max_value", 0x0fffffff},
                                                          {"net.key.random_int", 60},
                                                          {"net.key.larval_lifetime", 30},
                                                          {"net.key.blockacq_count", 10},
                                                          {"net.key.blockacq_lifetime", 20},
                                                          {"net.key.esp_keymin", 256},
                                                          {"net.key.esp_auth", 0},
                                                          {"net.key.ah_keymin", 128},
                                                          {"net.key.prefered_oldsa", 0},
                                                          {"net.key.allow_different_idtype", 0}};
  engine::Settings s;
  for (const Variable& v : variables()) {
    const auto row = expected.find(v.name);
    ASSERT_NE(row, expected.end()) << v.name;
    EXPECT_EQ(v.in(s), row->second) << v.name;
  }
}

TEST(Variables, AWriteChangesThePlaceThatTheEngineReads) {
  engine::Settings s;
  EXPECT_EQ(write_variable(s, "net.inet.ipsec.dfbit", 0, 0), std::nullopt);
  EXPECT_EQ(s.headers.dfbit, 0);
  EXPECT_EQ(write_variable(s, "net.inet6.ipsec6.def_policy", 0, 0), std::nullopt);
  EXPECT_EQ(s.v6.def_policy, 0);
  EXPECT_EQ(s.v4.def_policy, 1);
}

// netipsec checks the default policies, the default levels, `enabled` and the two of IPSEC_DEBUG; all else it stores.
TEST(Variables, OnlyThoseThatNetBsdChecksAreChecked) {
  const std::set<std::string_view> checked{
      "net.inet.ipsec.def_policy",         "net.inet.ipsec.esp_trans_deflev", "net.inet.ipsec.esp_net_deflev",
      "net.inet.ipsec.ah_trans_deflev",    "net.inet.ipsec.ah_net_deflev",    "net.inet.ipsec.enabled",
      "net.inet.ipsec.test_replay",        "net.inet.ipsec.test_integrity",   "net.inet6.ipsec6.def_policy",
      "net.inet6.ipsec6.esp_trans_deflev", "net.inet6.ipsec6.esp_net_deflev", "net.inet6.ipsec6.ah_trans_deflev",
      "net.inet6.ipsec6.ah_net_deflev",    "net.inet6.ipsec6.enabled"};
  for (const Variable& v : variables()) {
    if (!v.writable || v.name.starts_with("net.ipsecif")) continue;
    for (const std::int64_t value : {std::int64_t{INT32_MIN}, std::int64_t{3}, std::int64_t{INT32_MAX}}) {
      engine::Settings s;
      const auto refused = write_variable(s, v.name, value, 0);
      EXPECT_EQ(refused.has_value(), checked.contains(v.name)) << v.name << " = " << value;
      if (!refused) {
        EXPECT_EQ(v.in(s), value) << v.name;
      }
    }
  }
}

TEST(Variables, ReqidsOfTunnelInterfacesStayAmongThoseThatUsersMayGive) {
  for (const char* name : {"net.ipsecif.reqid_base", "net.ipsecif.reqid_last"}) {
    engine::Settings s;
    EXPECT_EQ(write_variable(s, name, 0, 0), WriteError::OutOfRange) << name;
    EXPECT_EQ(write_variable(s, name, 0x4000, 0), WriteError::OutOfRange) << name;
    EXPECT_EQ(write_variable(s, name, 0x3fff, 0), std::nullopt) << name;
  }
}

TEST(Variables, TheNamesAreNetBsdsAndNoOthers) {
  std::set<std::string_view> names;
  for (const Variable& v : variables()) names.insert(v.name);
  std::set<std::string> expected;
  for (const char* both : {"def_policy", "esp_trans_deflev", "esp_net_deflev", "ah_trans_deflev", "ah_net_deflev",
                           "ecn", "debug", "enabled", "used"}) {
    expected.insert(std::string{"net.inet.ipsec."} + both);
    expected.insert(std::string{"net.inet6.ipsec6."} + both);
  }
  for (const char* v4 : {"ah_cleartos", "ah_offsetmask", "dfbit", "ipip_spoofcheck", "ah_enable", "esp_enable",
                         "ipcomp_enable", "crypto_support", "test_replay", "test_integrity"}) {
    expected.insert(std::string{"net.inet.ipsec."} + v4);
  }
  for (const char* tunnel : {"use_fixed_reqid", "reqid_base", "reqid_last"}) {
    expected.insert(std::string{"net.ipsecif."} + tunnel);
  }
  for (const char* key :
       {"debug", "spi_try", "spi_min_value", "spi_max_value", "random_int", "larval_lifetime", "blockacq_count",
        "blockacq_lifetime", "esp_keymin", "esp_auth", "ah_keymin", "prefered_oldsa", "allow_different_idtype"}) {
    expected.insert(std::string{"net.key."} + key);
  }
  EXPECT_EQ((std::set<std::string>{names.begin(), names.end()}), expected);
}

TEST(Variables, UsedIsSetByAlwaysAndStays) {
  engine::Settings s;
  EXPECT_EQ(write_variable(s, "net.inet.ipsec.enabled", 2, 0), std::nullopt);
  EXPECT_EQ(s.used, 1);
  EXPECT_EQ(write_variable(s, "net.inet6.ipsec6.enabled", 0, 0), std::nullopt);
  EXPECT_EQ(s.used, 1);
}

TEST(Variables, RefusalsNameTheirReason) {
  engine::Settings s;
  EXPECT_EQ(write_variable(s, "net.inet.ipsec.nothing", 0, 0), WriteError::NoSuchName);
  EXPECT_EQ(write_variable(s, "net.inet.ipsec.used", 1, 0), WriteError::ReadOnly);
  EXPECT_EQ(write_variable(s, "net.inet.ipsec.def_policy", 2, 0), WriteError::OutOfRange);
  EXPECT_EQ(write_variable(s, "net.key.spi_try", std::int64_t{1} << 31, 0), WriteError::OutOfRange);
  EXPECT_EQ(write_variable(s, "net.inet.ipsec.enabled", 0, 1), WriteError::Busy);
  EXPECT_EQ(write_variable(s, "net.inet6.ipsec6.enabled", 0, 1), WriteError::Busy);
  EXPECT_EQ(s.enabled, 1);
  EXPECT_EQ(write_variable(s, "net.inet.ipsec.enabled", 0, 0), std::nullopt);
  EXPECT_EQ(s.enabled, 0);
}

}  // namespace
}  // namespace testudo::observe
