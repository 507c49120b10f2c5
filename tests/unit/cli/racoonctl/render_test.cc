#include "cli/racoonctl/render.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

namespace testudo::cli {
namespace {

using nlohmann::json;

struct InUtc : testing::Test {
  InUtc() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
};
using RacoonctlRender = InUtc;

const json kSas = json::parse(R"({"sas":[{"local":"192.0.2.7","local_port":500,"remote":"192.0.2.1","remote_port":4500,
  "initiator_cookie":1311768467463790320,"responder_cookie":255,"state":9,"side":"I","version":16,"exchange":"M",
  "created":86400,"phase2":3}]})");

TEST_F(RacoonctlRender, Phase1SasHaveRacoonsColumns) {
  EXPECT_EQ(render_phase1_sas(kSas, 0),
            "Destination            Cookies                           Created\n"
            "192.0.2.1.4500         123456789abcdef0:00000000000000ff 1970-01-02 00:00:00\n");
  EXPECT_EQ(render_phase1_sas(kSas, 1),
            "Destination            Cookies                           ST S  V E Created             Phase2\n"
            "192.0.2.1.4500         123456789abcdef0:00000000000000ff  9 I 10 M 1970-01-02 00:00:00      3\n");
  const std::string longest = render_phase1_sas(kSas, 2);
  EXPECT_NE(longest.find("192.0.2.7.500                                 192.0.2.1.4500 "), std::string::npos)
      << longest;
}

TEST_F(RacoonctlRender, EventIsRacoonsLine) {
  const json event{
      {"text", "Phase 1 established"}, {"src", "192.0.2.7[500]"}, {"dst", "192.0.2.1[500]"}, {"detail", "aes 128"}};
  EXPECT_EQ(render_event(event, 0), "Phase 1 established : 192.0.2.7[500] -> 192.0.2.1[500]\n");
  EXPECT_EQ(render_event(event, 1), "Phase 1 established : 192.0.2.7[500] -> 192.0.2.1[500] : aes 128\n");
}

TEST_F(RacoonctlRender, ExplanationSaysWhatToChange) {
  const json reply = json::parse(R"({"explanations":[{"id":4,"last":60,"times":2,"phase":1,"exchange":"main mode",
    "message":1,"role":"responder","remote":"192.0.2.1[500]","attribute":"DH group","verdict":"does not match",
    "ours":"modp2048","theirs":"modp1024","nearest":"","change":"change dh_group","hearsay":false}]})");
  EXPECT_EQ(render_explanations(reply),
            "#4 1970-01-01 00:01:00 with 192.0.2.1[500], phase 1, main mode message 1, as responder, 2 times\n"
            "  why:      DH group does not match\n"
            "  ours:     modp2048\n"
            "  theirs:   modp1024\n"
            "  change:   change dh_group\n");
  EXPECT_EQ(render_explanations(json::object()), "No negotiation has failed.\n");
}

TEST_F(RacoonctlRender, RepliesOfOtherFormsDoNoHarm) {
  for (const char* text : {R"({"sas":[{}]})", R"({"sas":7})", R"({"sas":[{"created":"x","remote":3}]})", "{}"}) {
    EXPECT_NE(render_phase1_sas(json::parse(text), 2), "") << text;
  }
  EXPECT_EQ(render_event(json::object(), 0), " :  -> \n");
}

}  // namespace
}  // namespace testudo::cli
