#include "fixture.h"

namespace testudo::pfkey::server {
namespace {

using Remove = ServerTest;

Message with_reqid(Message m, std::uint32_t reqid) {
  m.sa2 = {wire::pfkey::Mode::Transport, 0, ReqId{reqid}};
  return m;
}

TEST_F(Remove, TheReplyIsTheSaWithItsAddresses) {
  ASSERT_EQ(error_of(esp()), 0);
  const Message reply = ask(esp(0x1000, Type::Delete));
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(reply.order, (std::vector{Ext::Sa, Ext::AddressSrc, Ext::AddressDst}));
  EXPECT_EQ(sad.size(), 0U);
}

TEST_F(Remove, AnSaBehindAnotherReqidIsFoundToo) {
  // NetBSD looks at the first header only, and answers ENOENT for one of these two.
  ASSERT_EQ(error_of(with_reqid(esp(0x1000), 1)), 0);
  ASSERT_EQ(error_of(with_reqid(esp(0x1001), 2)), 0);
  for (const std::uint32_t spi : {0x1000U, 0x1001U}) {
    Message m = between(Type::Delete, SaType::Esp);
    m.sa = {.spi = Spi{spi}};
    EXPECT_EQ(error_of(m), 0) << spi;
  }
  EXPECT_EQ(sad.size(), 0U);
}

TEST_F(Remove, WithoutAnSpiAllButLarvalOnesOfTheAddressesGo) {
  ASSERT_EQ(error_of(with_reqid(esp(0x1000), 1)), 0);
  ASSERT_EQ(error_of(with_reqid(esp(0x1001), 2)), 0);
  ASSERT_EQ(error_of(between(Type::GetSpi, SaType::Esp)), 0);
  Message elsewhere = esp(0x1002);
  elsewhere.destination = address("20.0.0.3");
  ASSERT_EQ(error_of(elsewhere), 0);
  ASSERT_EQ(error_of(ah()), 0);
  const Message reply = ask(between(Type::Delete, SaType::Esp));
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(reply.order, (std::vector{Ext::AddressSrc, Ext::AddressDst}));
  EXPECT_EQ(sad.size(), 3U) << "the larval one, the other destination, and AH";
}

TEST_F(Remove, WithoutAnSpiItSucceedsWhateverIsThere) {
  EXPECT_EQ(error_of(between(Type::Delete, SaType::Esp)), 0);
}

TEST_F(Remove, AFlushTakesItsTypeOnly) {
  ASSERT_EQ(error_of(esp()), 0);
  ASSERT_EQ(error_of(ah()), 0);
  const Message reply = ask(message(Type::Flush, SaType::Esp));
  EXPECT_EQ(reply.error, 0);
  EXPECT_TRUE(reply.order.empty());
  EXPECT_EQ(sad.size(), 1U);
  EXPECT_EQ(error_of(message(Type::Flush)), 0);
  EXPECT_EQ(sad.size(), 0U);
}

TEST_F(Remove, PeersBehindOneNatAreToldApartByTheirPorts) {
  for (const std::uint16_t port : {std::uint16_t{61001}, std::uint16_t{61002}}) {
    Message m = esp();
    m.nat_t_type = wire::pfkey::kEncapEspInUdp;
    m.nat_t_sport = port;
    m.nat_t_dport = 4500;
    ASSERT_EQ(error_of(m), 0) << "the same SPI";
  }
  Message get = between(Type::Get, SaType::Esp);
  get.sa = {.spi = Spi{0x1000}};
  get.source->endpoint.port = 61001;
  EXPECT_EQ(ask(get).nat_t_sport, 61001);
  Message gone = wire::pfkey::clone(get);
  gone.type = Type::Delete;
  EXPECT_EQ(error_of(gone), 0);
  EXPECT_EQ(sad.size(), 1U);
  EXPECT_EQ(error_of(get), ENOENT);
  EXPECT_EQ(error_of(gone), ENOENT);
  get.source->endpoint.port = 0;
  EXPECT_EQ(ask(get).nat_t_sport, 61002) << "without ports: whichever is there";
}

}  // namespace
}  // namespace testudo::pfkey::server
