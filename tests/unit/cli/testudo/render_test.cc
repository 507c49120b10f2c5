#include "cli/testudo/render.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace testudo::cli {
namespace {

using nlohmann::json;

const json kStats = json::parse(R"json({"ok": true, "sections": [
  {"section": "ipsec", "lines": [
    {"name": "in_polvio", "value": 2, "words": "input policy violations", "histogram": false},
    {"name": "out_polvio", "value": 1, "words": "output policy violations", "histogram": false},
    {"name": "out_nosa", "value": 0, "words": "no SA found (output)", "histogram": false
}]
},
  {"section": "esp", "lines": [
    {"name": "input", "value": 5, "words": "esp input packets processed", "histogram": false},
    {"name": "histogram.3des-cbc", "value": 5, "words": "esp packets with 3des-cbc", "histogram": true},
    {"name": "ibytes", "value": 420, "words": "esp bytes received", "histogram": false}]},
  {"section": "ipcomp", "lines": [
    {"name": "crypto", "value": 0, "words": "ipcomp failed crypto requests", "histogram": false},
    {"name": "ibytes", "value": 0, "words": "ipcomp input bytes", "histogram": false}]}]
})json");

// The layout of netstat -s: tab, value, words; a protocol's lines one level deeper, but not its histogram, whose
// heading is there even when nothing follows.
TEST(RenderStats, LooksLikeNetstat) {
  EXPECT_EQ(render_stats(kStats, {}),
            "ipsec:\n"
            "\t3 policy violations: 2 input 1 output\n"
            "\t0 no SA found (output)\n"
            "\tesp:\n"
            "\t\t5 esp input packets processed\n"
            "\tesp histogram:\n"
            "\t\tesp packets with 3des-cbc: 5\n"
            "\t\t420 esp bytes received\n"
            "\tipcomp:\n"
            "\t\t0 ipcomp failed crypto requests\n"
            "\tipcomp histogram:\n"
            "\t\t0 ipcomp input bytes\n");
}

TEST(RenderStats, PfkeyStandsApartWithItsHistogram) {
  const json reply = json::parse(R"json({"pfkey": {"lines": [
    {"name": "out_total", "value": 1, "words": "request sent from userland", "histogram": false},
    {"name": "out_type.add", "value": 1, "words": "add", "histogram": true},
    {"name": "out_invlen", "value": 0, "words": "messages with invalid length field", "histogram": false}]}})json");
  EXPECT_EQ(render_stats(reply, {}),
            "pfkey:\n"
            "\t1 request sent from userland\n"
            "\thistogram by message type:\n"
            "\t\tadd: 1\n"
            "\t0 messages with invalid length field\n");
}

TEST(RenderStats, NonzeroLeavesOutZeros) {
  EXPECT_EQ(render_stats(kStats, {true, false}).find("no SA found"), std::string::npos);
}

TEST(RenderDrops, ShowsReasonSentenceAndLastPacket) {
  const json reply = json::parse(R"json({"drops": [
    {"reason": "BadIcv", "count": 3, "sentence": "The integrity check failed.",
     "last": {"flow": "20.0.0.2 > 20.0.0.1 esp", "protocol": 50, "spi": 9992}},
    {"reason": "NoSa", "count": 0, "sentence": "No SA."}]})json");
  EXPECT_EQ(render_drops(reply, {true, false}),
            "         3  BadIcv\n"
            "        The integrity check failed.\n"
            "        last: 20.0.0.2 > 20.0.0.1 esp spi=9992(0x00002708)\n"
            "         3  packets dropped in all\n");
  EXPECT_NE(render_drops(reply, {false, false}).find("NoSa"), std::string::npos);
  EXPECT_NE(render_drops(reply, {true, true}).find("\033[31mBadIcv\033[0m"), std::string::npos);
}

TEST(RenderVariables, LooksLikeSysctl) {
  const json reply = json::parse(R"json({"variables": [{"name": "net.inet.ipsec.used", "value": 1, "minimum": 0,
    "maximum": 1, "writable": false, "meaning": "1 since the first policy was installed"}]})json");
  EXPECT_EQ(render_variables(reply, false), "net.inet.ipsec.used = 1\n");
  EXPECT_EQ(render_variables(reply, true),
            "net.inet.ipsec.used = 1\n\tread-only; 0 to 1\n\t1 since the first policy was installed\n");
}

TEST(RenderVariables, NodesThatAreNoNumbersAreShortInListsAndWholeByName) {
  json node = json::parse(R"json({"name": "net.inet.ipip.ipip_stats", "type": "counters", "size": 2,
    "writable": false, "meaning": "counters of tunnels"})json");
  const auto render = [](const json& v, bool verbose) { return render_variables({{"variables", {v}}}, verbose); };
  EXPECT_EQ(render(node, false), "net.inet.ipip.ipip_stats: 2 counters\n");
  EXPECT_EQ(render(node, true), "net.inet.ipip.ipip_stats: 2 counters\n\tread-only; counters\n\tcounters of tunnels\n");
  node["counters"] = json::parse(R"json([{"name": "ipackets", "value": 7}, {"name": "opackets", "value": 0}])json");
  EXPECT_EQ(render(node, false), "net.inet.ipip.ipip_stats:\n\tipackets: 7\n\topackets: 0\n");
}

TEST(RenderTrace, OneLineAStep) {
  const json step = json::parse(R"json({"packet": 7, "direction": "in", "step": "dropped", "flow": "a > b esp",
    "length": 132, "reason": "Replayed", "sentence": "Seen before."})json");
  EXPECT_EQ(render_trace(step, {}), "#7 in  dropped   a > b esp length=132 Replayed: Seen before.\n");
}

// The daemon is trusted to send valid JSON, not to send every member.
TEST(Render, MissingMembersAreNoAccident) {
  EXPECT_NE(render_status(json::object()), "");
  EXPECT_EQ(render_stats(json::object(), {}), "");
  EXPECT_NE(render_drops(json::object(), {}), "");
  EXPECT_EQ(render_variables(json::object(), true), "");
}

}  // namespace
}  // namespace testudo::cli
