// What a socket's own policy does to its packets, by the precedence of netipsec.
#include <gtest/gtest.h>

#include "engine/classify.h"
#include "unit/engine/workbench.h"

namespace testudo::engine {
namespace {

using namespace test;
using spd::Action;
using spd::Direction;
using Answer = Classified::Answer;
using Proto = spd::RequestProtocol;

struct Row {
  Action socket;
  bool privileged;
  std::optional<Action> listed;
  Answer answer;
  bool by_socket;
};

TEST(SocketPolicyInTheEngine, GoesBeforeOrBehindTheSpdByWhoSetIt) {
  for (const Row& row : {
           Row{Action::Ipsec, true, std::nullopt, Answer::Protect, true},
           Row{Action::Ipsec, true, Action::None, Answer::Protect, true},
           Row{Action::Ipsec, false, Action::None, Answer::Clear, false},
           Row{Action::Ipsec, false, std::nullopt, Answer::Protect, true},
           Row{Action::Ipsec, false, Action::Discard, Answer::Discard, false},
           Row{Action::Bypass, true, Action::Ipsec, Answer::Clear, true},
           Row{Action::Entrust, true, Action::Ipsec, Answer::Protect, false},
           Row{Action::Entrust, true, std::nullopt, Answer::DefaultDiscard, false},
       }) {
    for (const Direction direction : {Direction::In, Direction::Out}) {
      Workbench w;
      w.station.settings.used = 1;
      w.station.settings.v4.def_policy = 0;
      if (row.listed) w.station.install(policy(direction, "10.0.0.0/8", "10.0.0.0/8", *row.listed));
      spd::SocketPolicy socket;
      socket.policy.id = PolicyId{0x80000002};
      socket.policy.action = row.socket;
      socket.privileged = row.privileged;
      const auto found = classify(w.enter(udp({ip("10.0.1.5"), 1}, {ip("10.0.2.5"), 7}, {}), direction), direction,
                                  &socket, w.parts, w.verdicts);
      EXPECT_EQ(found.answer, row.answer) << static_cast<int>(row.socket) << row.privileged;
      EXPECT_EQ(found.policy == &socket.policy, row.by_socket) << static_cast<int>(row.socket) << row.privileged;
    }
  }
}

}  // namespace
}  // namespace testudo::engine
