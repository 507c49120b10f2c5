#include "observe/control.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/random.h"

namespace testudo::observe {
namespace {

using nlohmann::json;

class NoHost final : public engine::Host {
 public:
  bool is_local(const net::Address&) const override { return false; }
  std::size_t mtu_towards(const net::Address&) const override { return 1500; }
  net::Address source_towards(const net::Address& to) const override { return net::Address::any(to.family()); }
};

class ControlTest : public ::testing::Test {
 protected:
  json ask(const json& request, bool privileged = true) {
    return json::parse(control.handle(request.dump(), privileged));
  }

  test::SeededRandom random{1};
  engine::Settings settings;
  sad::Database sad{settings.key, random};
  spd::Database spd;
  NoHost host;
  engine::Engine engine{{sad, spd, settings, random, host}};
  std::string changed;
  Control control{{{&engine},
                   settings,
                   sad,
                   spd,
                   [] {
                     return std::string{
                         R"({"lines": [{"name": "out_total", "value": 4, "words": "requests sent from userland"}]})"};
                   },
                   [] { return std::string{R"({"mode": "ring"})"}; },
                   [this](std::string_view name) { changed = name; }}};
};

TEST_F(ControlTest, StatusStatsAndDropsAnswer) {
  const json status = ask({{"cmd", "status"}});
  EXPECT_TRUE(status["ok"]);
  EXPECT_EQ(status["host"]["mode"], "ring");
  EXPECT_EQ(status["sad"]["total"], 0);
  EXPECT_EQ(ask({{"cmd", "stats"}})["sections"].size(), 5U);
  EXPECT_EQ(ask({{"cmd", "drops"}})["drops"].size(), net::kDropReasonCount);
}

TEST_F(ControlTest, SysctlReadsOneASubtreeAndAll) {
  EXPECT_EQ(ask({{"cmd", "sysctl"}, {"name", "net.key.spi_try"}})["variables"].size(), 1U);
  EXPECT_GT(ask({{"cmd", "sysctl"}, {"name", "net.key"}})["variables"].size(), 10U);
  EXPECT_GT(ask({{"cmd", "sysctl"}})["variables"].size(), 35U);
  EXPECT_EQ(ask({{"cmd", "sysctl"}, {"name", "net.ke"}})["errno"], ENOENT);
}

TEST_F(ControlTest, AListSaysWhatNodesAreAndByNameTheyShowWhatTheyHold) {
  const json list = ask({{"cmd", "sysctl"}, {"name", "net.inet.esp"}})["variables"];
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["name"], "net.inet.esp.esp_stats");
  EXPECT_EQ(list[0]["size"], 20);
  EXPECT_FALSE(list[0].contains("counters"));
  for (const char* name : {"net.inet.esp.esp_stats", "net.inet.esp.stats"}) {
    const json whole = ask({{"cmd", "sysctl"}, {"name", name}})["variables"];
    ASSERT_EQ(whole.size(), 1U) << name;
    EXPECT_EQ(whole[0]["counters"].size(), 20U) << name;
    EXPECT_EQ(whole[0]["counters"][0]["name"], "hdrops") << name;
  }
}

TEST_F(ControlTest, PfkeysCountersAreANodeToo) {
  const json node = ask({{"cmd", "sysctl"}, {"name", "net.key.stats"}})["variables"][0];
  EXPECT_EQ(node["counters"], json::parse(R"([{"name": "out_total", "value": 4}])"));
}

TEST_F(ControlTest, DumpsAreCountedHereAndReadElsewhere) {
  for (const char* name : {"net.key.dumpsa", "net.key.dumpsa.3", "net.key.dumpsp"}) {
    const json rows = ask({{"cmd", "sysctl"}, {"name", name}})["variables"];
    ASSERT_EQ(rows.size(), 1U) << name;
    EXPECT_EQ(rows[0]["type"], "messages") << name;
    EXPECT_EQ(rows[0]["size"], 0) << name;
  }
  for (const char* name : {"net.key.dumpsa.4", "net.key.dumpsa.", "net.key.dumpsp.1", "net.inet.esp.stat"}) {
    EXPECT_EQ(ask({{"cmd", "sysctl"}, {"name", name}})["errno"], ENOENT) << name;
  }
}

TEST_F(ControlTest, NodesThatAreNoNumbersAreNotWritten) {
  for (const char* name : {"net.inet.ipsec.ipsecstats", "net.inet6.ipsec6.stats", "net.inet.ah.ah_stats",
                           "net.inet.ipcomp.stats", "net.key.stats", "net.key.dumpsa", "net.key.dumpsp"}) {
    EXPECT_EQ(ask({{"cmd", "sysctl"}, {"name", name}, {"value", 0}})["errno"], EPERM) << name;
  }
}

TEST_F(ControlTest, OnlyThePrivilegedWrite) {
  const json write{{"cmd", "sysctl"}, {"name", "net.inet.ipsec.dfbit"}, {"value", 0}};
  EXPECT_EQ(ask(write, false)["errno"], EPERM);
  EXPECT_EQ(settings.headers.dfbit, 2);
  EXPECT_TRUE(ask(write)["ok"]);
  EXPECT_EQ(settings.headers.dfbit, 0);
  EXPECT_EQ(changed, "net.inet.ipsec.dfbit");
}

TEST_F(ControlTest, BadRequestsGetAReasonAndChangeNothing) {
  for (const char* text : {"", "{", "[]", "1", "\"status\"", "{}", R"({"cmd": 5})", R"({"cmd": "nothing"})",
                           R"({"cmd": "sysctl", "name": "net.inet.ipsec.dfbit", "value": "0"})",
                           R"({"cmd": "sysctl", "name": "net.inet.ipsec.def_policy", "value": 99999999999})",
                           R"({"cmd": "sysctl", "name": "net.inet.ipsec.used", "value": 1})"}) {
    const json reply = json::parse(control.handle(text, true));
    EXPECT_FALSE(reply["ok"]) << text;
    EXPECT_FALSE(reply["error"].get<std::string>().empty()) << text;
  }
  EXPECT_EQ(settings.headers.dfbit, 2);
  EXPECT_TRUE(changed.empty());
}

TEST_F(ControlTest, KnowsWhoWantsToTrace) {
  EXPECT_TRUE(Control::wants_trace(R"({"cmd": "trace"})"));
  EXPECT_FALSE(Control::wants_trace(R"({"cmd": "status"})"));
  EXPECT_FALSE(Control::wants_trace("trace"));
}

TEST(TraceLine, CarriesWhatItsStepHas) {
  engine::TraceStep step;
  step.kind = engine::TraceStep::Kind::Dropped;
  step.direction = spd::Direction::In;
  step.reason = net::DropReason::Replayed;
  const json line = json::parse(trace_line(step));
  EXPECT_EQ(line["step"], "dropped");
  EXPECT_EQ(line["reason"], "Replayed");
  EXPECT_FALSE(line.contains("spi"));
  step.kind = engine::TraceStep::Kind::Sealed;
  step.protocol = 50;
  step.spi = Spi{9};
  EXPECT_EQ(json::parse(trace_line(step))["spi"], 9);
  EXPECT_EQ(json::parse(trace_line(step))["protocol"], "esp");
}

}  // namespace
}  // namespace testudo::observe
