#include "fixture.h"

namespace testudo::pfkey::server {
namespace {

namespace pf = wire::pfkey;

class AddUpdate : public ServerTest {
 protected:
  const sad::Sa& stored(const Message& m) {
    const auto protocol = m.satype == SaType::Ah    ? sad::SaProtocol::Ah
                          : m.satype == SaType::Esp ? sad::SaProtocol::Esp
                                                    : sad::SaProtocol::Ipcomp;
    const sad::Sa* sa = sad.find(protocol, m.source->endpoint.address, m.destination->endpoint.address, m.sa->spi);
    EXPECT_NE(sa, nullptr);
    return *sa;
  }
};

TEST_F(AddUpdate, TheReplyHasTheExtensionsInNetbsdsOrderAndNoKeys) {
  Message m = esp();
  m.hard = pf::LifetimeExt{.addtime = 100};
  m.soft = pf::LifetimeExt{.addtime = 80};
  m.source_identity = {pf::IdentityType::Fqdn, 1, "a.example"};
  m.destination_identity = {pf::IdentityType::Fqdn, 2, "b.example"};
  m.nat_t_type = pf::kEncapEspInUdp;
  m.nat_t_sport = 4500;
  m.nat_t_dport = 4501;
  m.nat_t_oa = net::Address::parse("192.168.0.1");
  m.nat_t_oar = net::Address::parse("192.168.0.2");
  m.nat_t_frag = 552;
  m.replay_window = 1024;
  const Message reply = ask(m);
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(reply.order,
            (std::vector{Ext::Sa, Ext::Sa2, Ext::AddressSrc, Ext::AddressDst, Ext::LifetimeHard, Ext::LifetimeSoft,
                         Ext::IdentitySrc, Ext::IdentityDst, Ext::NatTType, Ext::NatTSport, Ext::NatTDport, Ext::NatTOa,
                         Ext::NatTOar, Ext::NatTFrag, Ext::Replay}));
  EXPECT_FALSE(reply.auth_key || reply.encrypt_key);
}

TEST_F(AddUpdate, ABroadcastNeverHoldsAKey) {
  const ClientId other = server.connect(true);
  ask(esp());
  const Message seen = next(other);
  EXPECT_EQ(seen.type, Type::Add);
  EXPECT_FALSE(seen.auth_key || seen.encrypt_key);
}

TEST_F(AddUpdate, EverythingIsStored) {
  Message m = esp();
  m.sa2 = {pf::Mode::Tunnel, 0, ReqId{70000}};
  m.sa->flags = pf::saflag::kCycSeq | pf::saflag::kPadRandom;
  m.hard = pf::LifetimeExt{9, 10, 100, 50};
  m.soft = pf::LifetimeExt{7, 8, 80, 40};
  ASSERT_EQ(ask(m).error, 0);
  const sad::SaParameters& p = stored(m).parameters();
  EXPECT_EQ(p.group.mode, sad::Mode::Tunnel);
  EXPECT_EQ(p.group.reqid, ReqId{70000}) << "32 bits, where NetBSD keeps 16";
  EXPECT_EQ(p.cipher->name, "aes-cbc");
  EXPECT_EQ(p.mac->name, "hmac-sha1");
  EXPECT_TRUE(equal_constant_time(p.cipher_key.expose(), key(16, 0x65).key.expose()));
  EXPECT_TRUE(equal_constant_time(p.mac_key.expose(), key(20, 0x61).key.expose()));
  EXPECT_TRUE(p.flags.cyclic_sequence);
  EXPECT_EQ(p.flags.padding, sad::Padding::Random);
  EXPECT_EQ(p.replay_packets, 32U) << "sadb_sa_replay counts bytes of the window's bit map";
  EXPECT_EQ(p.hard(), (sad::Lifetime{9, 10, 100, 50}));
  EXPECT_EQ(p.soft(), (sad::Lifetime{7, 8, 80, 40}));
  EXPECT_EQ(p.message_sequence, 7U);
  EXPECT_EQ(p.pid, 4711U);
  EXPECT_EQ(stored(m).state(), sad::State::Mature);
  EXPECT_EQ(stored(m).created(), now);
}

TEST_F(AddUpdate, EveryProtocolIsTaken) {
  for (const Message& m : {esp(), ah(), ipcomp(), tcp_md5()}) EXPECT_EQ(error_of(m), 0);
  EXPECT_EQ(sad.size(), 4U);
}

TEST_F(AddUpdate, OurExtensionGivesWindowsBeyondTheByte) {
  Message m = esp();
  m.replay_window = 65536;
  ASSERT_EQ(ask(m).error, 0);
  EXPECT_EQ(stored(m).parameters().replay_packets, 65536U);
}

TEST_F(AddUpdate, TheOldFormatHasNoWindow) {
  Message m = ah();
  m.sa->flags = pf::saflag::kOld;
  m.sa->replay = 32;
  ASSERT_EQ(ask(m).error, 0);
  EXPECT_EQ(stored(m).parameters().replay_packets, 0U);
}

TEST_F(AddUpdate, ExtendedSequenceNumbersAreAFlagOfOurs) {
  Message m = esp();
  m.sa->flags = pf::saflag::kEsn;
  ASSERT_EQ(ask(m).error, 0);
  EXPECT_TRUE(stored(m).parameters().flags.extended_sequence);
}

TEST_F(AddUpdate, NullAlgorithmsNeedNoKeyExtension) {
  Message m = esp();
  m.sa->encrypt = kNullCipher;
  m.sa->auth = kNullMac;
  m.auth_key.reset();
  m.encrypt_key.reset();
  EXPECT_EQ(error_of(m), 0) << "libipsec before 2018 sends none";
  m.sa->spi = Spi{0x1001};
  m.auth_key = key(0);
  m.encrypt_key = key(0);
  EXPECT_EQ(error_of(m), 0) << "and later ones an empty one";
}

TEST_F(AddUpdate, NatPortsMayStandInTheAddresses) {
  Message m = esp();
  m.nat_t_type = pf::kEncapNonIke;
  m.source->endpoint.port = 4500;
  m.destination->endpoint.port = 61000;
  ASSERT_EQ(ask(m).error, 0);
  const auto& nat = stored(m).parameters().nat;
  ASSERT_TRUE(nat);
  EXPECT_EQ(nat->kind, sad::NatTraversal::Kind::NonIke);
  EXPECT_EQ(nat->source_port, 4500);
  EXPECT_EQ(nat->destination_port, 61000);
  EXPECT_EQ(nat->fragment_size, 0xffff);
}

TEST_F(AddUpdate, ANatTypeOfZeroIsNone) {
  Message m = esp();
  m.nat_t_type = 0;
  ASSERT_EQ(ask(m).error, 0) << "a dump says so of every SA";
  EXPECT_FALSE(stored(m).parameters().nat);
}

TEST_F(AddUpdate, IdentitiesOfTwoKindsAreTakenWhenAllowed) {
  settings.allow_different_idtype = 1;
  Message m = esp();
  m.source_identity = {pf::IdentityType::Fqdn, 0, "a"};
  m.destination_identity = {pf::IdentityType::UserFqdn, 0, "u@b"};
  EXPECT_EQ(error_of(m), 0);
}

TEST_F(AddUpdate, UpdateReplacesKeysAndStartsAnew) {
  ASSERT_EQ(error_of(esp()), 0);
  now = at(2000);
  Message m = esp(0x1000, Type::Update);
  m.encrypt_key = key(32, 0x77);
  m.pid = 1;  // another process than the one that made it
  const Message reply = ask(m);
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(reply.type, Type::Update);
  EXPECT_EQ(sad.size(), 1U);
  EXPECT_EQ(stored(m).parameters().cipher_key.size(), 32U);
  EXPECT_EQ(stored(m).created(), at(2000));
}

TEST_F(AddUpdate, UpdateOfPortsOrLifetimesGoesOnWithTheSequence) {
  const auto nat = [](std::uint16_t port, Type type) {
    Message m = esp(0x1000, type);
    m.nat_t_type = pf::kEncapEspInUdp;
    m.nat_t_sport = port;
    m.nat_t_dport = 4500;
    return m;
  };
  ASSERT_EQ(error_of(nat(61001, Type::Add)), 0);
  sad::Sa* sa = sad.inbound(sad::SaProtocol::Esp, *net::Address::parse("20.0.0.2"), Spi{0x1000});
  ASSERT_NE(sa, nullptr);
  sa->window.commit(500);
  sa->share().count(1, 100, now);
  now = at(2000);
  ASSERT_EQ(error_of(nat(61009, Type::Update)), 0);
  EXPECT_EQ(sad.size(), 1U);
  const sad::Sa& updated = stored(nat(61009, Type::Update));
  EXPECT_EQ(updated.window.highest(), 500U);
  EXPECT_EQ(updated.usage().packets, 1U);
  EXPECT_EQ(updated.created(), at(1000));
  EXPECT_EQ(updated.parameters().nat->source_port, 61009);
}

TEST_F(AddUpdate, AnAddAnswersTheAcquireOfItsSequence) {
  ask(esp());
  EXPECT_EQ(answered, (std::vector<std::uint32_t>{7}));
}

TEST_F(AddUpdate, ARefusedAddAnswersNothing) {
  ask(with(esp(), [](Message& m) { m.encrypt_key = key(17); }));
  EXPECT_TRUE(answered.empty());
}

}  // namespace
}  // namespace testudo::pfkey::server
