#include "engine/history.h"

#include <gtest/gtest.h>

#include <string>

#include "support/packets.h"
#include "support/requests.h"

namespace testudo::engine {
namespace {

using sad::SaProtocol;
using test::ip;
using test::kGateA;
using test::kGateB;
using test::kHostA;
using test::kHostB;
using test::request;
using test::tunnel;
using Proto = spd::RequestProtocol;
using spd::Level;

const net::Address kStranger = ip("20.0.0.9");

/// SAs by name; inbound ones, from A to B.
class HistoryTest : public testing::Test {
 protected:
  const sad::Sa& make(SaProtocol protocol, sad::Mode mode, const net::Address& source, const net::Address& destination,
                      std::uint32_t reqid = 0) {
    const sad::SaGroup group{protocol, mode, source, destination, ReqId{reqid}};
    sas_.push_back(sad::Sa::larval(group, Spi{0x1000}, 0, 0, Time{}));
    return *sas_.back();
  }
  const sad::Sa& esp_transport(std::uint32_t reqid = 0) {
    return make(SaProtocol::Esp, sad::Mode::Transport, kHostA, kHostB, reqid);
  }
  const sad::Sa& ah_transport() { return make(SaProtocol::Ah, sad::Mode::Transport, kHostA, kHostB); }
  const sad::Sa& esp_tunnel(const net::Address& from = kGateA, std::uint32_t reqid = 0) {
    return make(SaProtocol::Esp, sad::Mode::Tunnel, from, kGateB, reqid);
  }
  const sad::Sa& ah_tunnel() { return make(SaProtocol::Ah, sad::Mode::Tunnel, kGateA, kGateB); }
  const sad::Sa& ah_between_gates() { return make(SaProtocol::Ah, sad::Mode::Transport, kGateA, kGateB); }

  Judgement judge_it(const History& history, std::vector<spd::Request> requests) const {
    const auto policy = test::policy(spd::Direction::In, "10.0.1.0/24", "10.0.2.0/24", std::move(requests));
    return judge(history, policy, {kHostA, kHostB}, settings);
  }
  static History of(std::vector<const sad::Sa*> outermost_first, std::size_t tunnel_after = SIZE_MAX) {
    History history;
    for (std::size_t i = 0; i < outermost_first.size(); ++i) {
      history.opened(*outermost_first[i]);
      if (i == tunnel_after) history.tunnel_left();
    }
    return history;
  }

  Settings settings;

 private:
  std::vector<std::unique_ptr<sad::Sa>> sas_;
};

// SADB_X_SPDSETIDX may store one; until it says what protects, nothing does.
TEST_F(HistoryTest, APolicyWithoutRequestsIsSatisfiedByNothing) {
  EXPECT_EQ(judge_it({}, {}), Judgement::Clear);
  EXPECT_EQ(judge_it(of({&esp_transport()}), {}), Judgement::Mismatch);
}

TEST_F(HistoryTest, ARequiredLayerMustBeThere) {
  const std::vector esp{request(Proto::Esp, Level::Require)};
  EXPECT_EQ(judge_it(of({&esp_transport()}), esp), Judgement::Satisfied);
  EXPECT_EQ(judge_it({}, esp), Judgement::Clear);
}

TEST_F(HistoryTest, AnotherProtocolIsNotTheRequiredOne) {
  EXPECT_EQ(judge_it(of({&ah_transport()}), {request(Proto::Esp)}), Judgement::Mismatch);
  EXPECT_EQ(judge_it(of({&esp_transport()}), {request(Proto::Ah)}), Judgement::Mismatch);
}

TEST_F(HistoryTest, ATransportLayerMustBeBetweenTheEndsOfThePacket) {
  const auto& foreign = make(SaProtocol::Esp, sad::Mode::Transport, kStranger, kHostB);
  EXPECT_EQ(judge_it(of({&foreign}), {request(Proto::Esp)}), Judgement::Mismatch);
}

TEST_F(HistoryTest, ATunnelMustBeTheOneThatThePolicyNames) {
  const std::vector wanted{tunnel(Proto::Esp, kGateA, kGateB)};
  EXPECT_EQ(judge_it(of({&esp_tunnel()}, 0), wanted), Judgement::Satisfied);
  EXPECT_EQ(judge_it(of({&esp_tunnel(kStranger)}, 0), wanted), Judgement::Mismatch);
}

TEST_F(HistoryTest, TransportDoesNotPassForTunnelNorTunnelForTransport) {
  const auto& between_gates = make(SaProtocol::Esp, sad::Mode::Transport, kGateA, kGateB);
  EXPECT_EQ(judge_it(of({&between_gates}), {tunnel(Proto::Esp, kGateA, kGateB)}), Judgement::Mismatch);
  EXPECT_EQ(judge_it(of({&esp_tunnel()}, 0), {request(Proto::Esp)}), Judgement::Mismatch);
}

TEST_F(HistoryTest, AnSaOfAnyModeCountsAsWhatWasSeen) {
  const auto& any = make(SaProtocol::Esp, sad::Mode::Any, kGateA, kGateB);
  const auto& any_ends = make(SaProtocol::Esp, sad::Mode::Any, kHostA, kHostB);
  EXPECT_EQ(judge_it(of({&any}, 0), {tunnel(Proto::Esp, kGateA, kGateB)}), Judgement::Satisfied);
  EXPECT_EQ(judge_it(of({&any}), {tunnel(Proto::Esp, kGateA, kGateB)}), Judgement::Mismatch);
  EXPECT_EQ(judge_it(of({&any_ends}), {request(Proto::Esp)}), Judgement::Satisfied);
}

TEST_F(HistoryTest, UniqueAsksForItsReqidAndOtherLevelsDoNot) {
  spd::Request unique = request(Proto::Esp, Level::Unique);
  unique.reqid = ReqId{7};
  EXPECT_EQ(judge_it(of({&esp_transport(7)}), {unique}), Judgement::Satisfied);
  EXPECT_EQ(judge_it(of({&esp_transport(8)}), {unique}), Judgement::Mismatch);
  EXPECT_EQ(judge_it(of({&esp_transport(0)}), {unique}), Judgement::Mismatch);
  EXPECT_EQ(judge_it(of({&esp_transport(8)}), {request(Proto::Esp, Level::Require)}), Judgement::Satisfied);
}

TEST_F(HistoryTest, LayersMustComeInTheOrderOfTheRequests) {
  // The first request is the innermost; a history has the outermost first.
  const std::vector esp_then_ah{request(Proto::Esp), request(Proto::Ah)};
  EXPECT_EQ(judge_it(of({&ah_transport(), &esp_transport()}), esp_then_ah), Judgement::Satisfied);
  EXPECT_EQ(judge_it(of({&esp_transport(), &ah_transport()}), esp_then_ah), Judgement::Mismatch);
  EXPECT_EQ(judge_it(of({&esp_transport()}), esp_then_ah), Judgement::Mismatch);
}

TEST_F(HistoryTest, OneLayerMeetsOneRequestOnly) {
  const std::vector twice{request(Proto::Esp), request(Proto::Esp)};
  EXPECT_EQ(judge_it(of({&esp_transport()}), twice), Judgement::Mismatch);
  EXPECT_EQ(judge_it(of({&esp_transport(), &esp_transport()}), twice), Judgement::Satisfied);
}

TEST_F(HistoryTest, LayersThatNobodyAskedForDoNoHarm) {
  EXPECT_EQ(judge_it(of({&ah_transport(), &esp_transport()}), {request(Proto::Esp)}), Judgement::Satisfied);
  EXPECT_EQ(judge_it(of({&esp_tunnel(), &esp_transport()}, 0), {request(Proto::Esp)}), Judgement::Satisfied);
}

TEST_F(HistoryTest, AnAhTunnelSatisfiesItsRequest) {
  EXPECT_EQ(judge_it(of({&ah_tunnel()}, 0), {tunnel(Proto::Ah, kGateA, kGateB)}), Judgement::Satisfied);
}

TEST_F(HistoryTest, TransportOutsideATunnelIsBetweenTheEndsOfTheTunnel) {
  const std::vector esp_tunnel_ah{tunnel(Proto::Esp, kGateA, kGateB), request(Proto::Ah)};
  EXPECT_EQ(judge_it(of({&ah_between_gates(), &esp_tunnel()}, 1), esp_tunnel_ah), Judgement::Satisfied);
  EXPECT_EQ(judge_it(of({&ah_transport(), &esp_tunnel()}, 1), esp_tunnel_ah), Judgement::Mismatch);
}

TEST_F(HistoryTest, TwoTunnelSasUnderOneHeaderAreBothTunnels) {
  const std::vector both{tunnel(Proto::Esp, kGateA, kGateB), tunnel(Proto::Ah, kGateA, kGateB)};
  EXPECT_EQ(judge_it(of({&ah_tunnel(), &esp_tunnel()}, 1), both), Judgement::Satisfied);
}

TEST_F(HistoryTest, OptionalRequestsMayBeMissing) {
  EXPECT_EQ(judge_it({}, {request(Proto::Esp, Level::Use)}), Judgement::Satisfied);
  EXPECT_EQ(judge_it(of({&esp_transport()}), {request(Proto::Esp, Level::Use)}), Judgement::Satisfied);
  EXPECT_EQ(judge_it(of({&esp_transport()}), {request(Proto::Ipcomp), request(Proto::Esp)}), Judgement::Satisfied);
  EXPECT_EQ(judge_it(of({&esp_transport()}), {request(Proto::Esp, Level::Use), request(Proto::Esp)}),
            Judgement::Satisfied);
}

TEST_F(HistoryTest, IpcompIsNeverMissed) {
  EXPECT_EQ(judge_it({}, {request(Proto::Ipcomp, Level::Require)}), Judgement::Satisfied);
}

TEST_F(HistoryTest, AnOptionalTunnelMovesTheEndsOnlyWhenItIsThere) {
  const std::vector requests{tunnel(Proto::Esp, kGateA, kGateB, Level::Use), request(Proto::Ah)};
  EXPECT_EQ(judge_it(of({&ah_between_gates(), &esp_tunnel()}, 1), requests), Judgement::Satisfied);
  EXPECT_EQ(judge_it(of({&ah_transport()}), requests), Judgement::Satisfied);
  EXPECT_EQ(judge_it(of({&ah_between_gates()}), requests), Judgement::Mismatch);
}

TEST_F(HistoryTest, TheDefaultLevelIsThatOfItsVariable) {
  struct Row {
    spd::Request request;
    std::int32_t FamilySettings::*variable;
  };
  const std::vector<Row> rows{
      {request(Proto::Esp, Level::Default), &FamilySettings::esp_trans_deflev},
      {tunnel(Proto::Esp, kGateA, kGateB, Level::Default), &FamilySettings::esp_net_deflev},
      {request(Proto::Ah, Level::Default), &FamilySettings::ah_trans_deflev},
      {tunnel(Proto::Ah, kGateA, kGateB, Level::Default), &FamilySettings::ah_net_deflev},
  };
  for (const Row& row : rows) {
    settings = {};
    EXPECT_EQ(judge_it({}, {row.request}), Judgement::Satisfied) << "1 is use";
    settings.v6.*row.variable = 2;
    EXPECT_EQ(judge_it({}, {row.request}), Judgement::Satisfied) << "the other family's";
    settings.v4.*row.variable = 2;
    EXPECT_EQ(judge_it({}, {row.request}), Judgement::Clear) << "2 is require";
  }
}

TEST_F(HistoryTest, ATunnelSaExpectsATunnelUntilItsHeaderIsTakenOff) {
  History history;
  EXPECT_FALSE(history.tunnel_expected());
  history.opened(esp_tunnel());
  EXPECT_TRUE(history.tunnel_expected());
  history.tunnel_left();
  EXPECT_FALSE(history.tunnel_expected());
  history.opened(esp_transport());
  EXPECT_FALSE(history.tunnel_expected());
}

TEST_F(HistoryTest, IsFullAtItsBound) {
  History history;
  for (std::size_t i = 0; i < History::kMaxLayers; ++i) {
    EXPECT_FALSE(history.full());
    history.opened(esp_transport());
  }
  EXPECT_TRUE(history.full());
}

}  // namespace
}  // namespace testudo::engine
