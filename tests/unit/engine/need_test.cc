#include "engine/need.h"

#include <gtest/gtest.h>

#include "support/requests.h"

namespace testudo::engine {
namespace {

using spd::Level;
using spd::RequestMode;
using Proto = spd::RequestProtocol;

spd::Policy any_v4() {
  return test::policy(spd::Direction::Out, "10.0.0.0/8", "10.0.0.0/8", std::vector<spd::Request>{});
}
spd::Policy any_v6() {
  return test::policy(spd::Direction::Out, "fd00::/8", "fd00::/8", std::vector<spd::Request>{});
}

spd::Request request(Proto protocol, RequestMode mode, Level level) {
  spd::Request r = test::request(protocol, level);
  r.mode = mode;
  return r;
}

TEST(Need, OfALevelThatIsNamed) {
  struct Row {
    Proto protocol;
    Level level;
    Need need;
  };
  for (const Row& row :
       {Row{Proto::Esp, Level::Use, Need::Optional}, Row{Proto::Esp, Level::Require, Need::Required},
        Row{Proto::Esp, Level::Unique, Need::Required}, Row{Proto::Ah, Level::Use, Need::Optional},
        Row{Proto::Ah, Level::Require, Need::Required}, Row{Proto::Ah, Level::Unique, Need::Required},
        Row{Proto::Ipcomp, Level::Use, Need::Optional}, Row{Proto::Ipcomp, Level::Require, Need::Optional},
        Row{Proto::Ipcomp, Level::Unique, Need::Optional}, Row{Proto::Ipcomp, Level::Default, Need::Optional}}) {
    for (const RequestMode mode : {RequestMode::Transport, RequestMode::Tunnel}) {
      EXPECT_EQ(need_of(request(row.protocol, mode, row.level), any_v4(), {}), row.need)
          << static_cast<int>(row.protocol) << " " << static_cast<int>(row.level);
    }
  }
}

TEST(Need, OfTheDefaultLevelIsInOneVariableForEachFamilyProtocolAndMode) {
  struct Row {
    std::int32_t FamilySettings::*variable;
    Proto protocol;
    RequestMode mode;
  };
  constexpr std::array kRows{Row{&FamilySettings::esp_trans_deflev, Proto::Esp, RequestMode::Transport},
                             Row{&FamilySettings::esp_net_deflev, Proto::Esp, RequestMode::Tunnel},
                             Row{&FamilySettings::ah_trans_deflev, Proto::Ah, RequestMode::Transport},
                             Row{&FamilySettings::ah_net_deflev, Proto::Ah, RequestMode::Tunnel}};
  for (const bool v4 : {true, false}) {
    for (const Row& set : kRows) {
      Settings settings;
      FamilySettings& family = v4 ? settings.v4 : settings.v6;
      family.*set.variable = 2;
      for (const Row& asked : kRows) {
        const spd::Request r = request(asked.protocol, asked.mode, Level::Default);
        const bool same = set.variable == asked.variable;
        EXPECT_EQ(need_of(r, v4 ? any_v4() : any_v6(), settings), same ? Need::Required : Need::Optional);
        EXPECT_EQ(need_of(r, v4 ? any_v6() : any_v4(), settings), Need::Optional) << "the other family's";
      }
    }
  }
}

TEST(Need, IgnoresTheDefaultWhereALevelIsNamed) {
  Settings settings;
  settings.v4.esp_trans_deflev = 2;
  EXPECT_EQ(need_of(request(Proto::Esp, RequestMode::Transport, Level::Use), any_v4(), settings), Need::Optional);
}

TEST(ProtocolOf, IsThatOfTheRequest) {
  EXPECT_EQ(protocol_of(test::request(Proto::Ah)), sad::SaProtocol::Ah);
  EXPECT_EQ(protocol_of(test::request(Proto::Esp)), sad::SaProtocol::Esp);
  EXPECT_EQ(protocol_of(test::request(Proto::Ipcomp)), sad::SaProtocol::Ipcomp);
}

}  // namespace
}  // namespace testudo::engine
