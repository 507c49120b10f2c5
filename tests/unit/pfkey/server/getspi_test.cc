#include <set>

#include "fixture.h"

namespace testudo::pfkey::server {
namespace {

using GetSpi = ServerTest;

TEST_F(GetSpi, TheReplyIsTheSpiWithTheAddressesAsGiven) {
  Message request = between(Type::GetSpi, SaType::Esp);
  request.sa2 = {wire::pfkey::Mode::Tunnel, 0, ReqId{99}};
  const Message reply = ask(request);
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(reply.order, (std::vector{Ext::Sa, Ext::AddressSrc, Ext::AddressDst}));
  EXPECT_EQ(reply.sequence, 7U);
  EXPECT_EQ(reply.pid, 4711U);
  EXPECT_GE(reply.sa->spi.value, 256U);
  EXPECT_LE(reply.sa->spi.value, 0x0fffffffU);
  EXPECT_EQ(reply.source->endpoint.address, request.source->endpoint.address);

  const sad::Sa* larval =
      sad.find(sad::SaProtocol::Esp, *net::Address::parse("20.0.0.1"), *net::Address::parse("20.0.0.2"), reply.sa->spi);
  ASSERT_NE(larval, nullptr);
  EXPECT_EQ(larval->state(), sad::State::Larval);
  EXPECT_EQ(larval->group().mode, sad::Mode::Tunnel);
  EXPECT_EQ(larval->group().reqid, ReqId{99});
}

TEST_F(GetSpi, ARangeIsKeptAndUsedUp) {
  Message request = between(Type::GetSpi, SaType::Esp);
  request.spi_range = wire::pfkey::SpiRangeExt{1000, 1003};
  std::set<std::uint32_t> given;
  for (int i = 0; i < 4; ++i) {
    const Message reply = ask(request);
    ASSERT_EQ(reply.error, 0);
    given.insert(reply.sa->spi.value);
  }
  EXPECT_EQ(given, (std::set<std::uint32_t>{1000, 1001, 1002, 1003}));
  EXPECT_EQ(error_of(request), EINVAL) << "a fifth would be one of them again";
}

TEST_F(GetSpi, ExactlyOneSpiCanBeAskedForOnce) {
  Message request = between(Type::GetSpi, SaType::Ah);
  request.spi_range = wire::pfkey::SpiRangeExt{5000, 5000};
  EXPECT_EQ(ask(request).sa->spi, Spi{5000});
  EXPECT_EQ(error_of(request), EINVAL);
}

TEST_F(GetSpi, AnIpcompSpiHasSixteenBits) {
  for (int i = 0; i < 50; ++i) {
    const Message reply = ask(between(Type::GetSpi, SaType::Ipcomp));
    ASSERT_EQ(reply.error, 0);
    EXPECT_LE(reply.sa->spi.value, 0xffffU);
    EXPECT_GE(reply.sa->spi.value, 256U);
  }
}

TEST_F(GetSpi, TheSettingsBoundTheSpi) {
  settings.spi_min_value = 7000;
  settings.spi_max_value = 7001;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ask(between(Type::GetSpi, SaType::Esp)).sa->spi.value & ~1U, 7000U);
}

TEST_F(GetSpi, TheSettingsHaveNoSign) {
  settings.spi_min_value = -5;
  settings.spi_max_value = -1;
  EXPECT_GE(ask(between(Type::GetSpi, SaType::Esp)).sa->spi.value, 0xfffffffbU);
}

TEST_F(GetSpi, NoneIsTriedWhenTheSettingsAllowNoTry) {
  settings.spi_try = 0;
  EXPECT_EQ(error_of(between(Type::GetSpi, SaType::Esp)), EINVAL);
}

TEST_F(GetSpi, ItAnswersTheAcquireOfItsSequence) {
  ask(between(Type::GetSpi, SaType::Esp));
  EXPECT_EQ(answered, (std::vector<std::uint32_t>{7}));
}

TEST_F(GetSpi, WithoutASequenceNoAcquireIsAnswered) {
  Message request = between(Type::GetSpi, SaType::Esp);
  request.sequence = 0;
  ask(request);
  EXPECT_TRUE(answered.empty());
}

TEST_F(GetSpi, AnyClientMayCompleteWhatAnotherReserved) {
  const Message larval = ask(between(Type::GetSpi, SaType::Esp));
  const ClientId other = server.connect(true);
  Message completed = esp(larval.sa->spi.value, Type::Update);
  completed.pid = 1;
  EXPECT_EQ(ask(other, completed).error, 0);
  EXPECT_EQ(sad.size(), 1U);
}

}  // namespace
}  // namespace testudo::pfkey::server
