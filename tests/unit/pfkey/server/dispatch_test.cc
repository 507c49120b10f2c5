// Wrong requests and their errno.
#include <cerrno>
#include <initializer_list>

#include "fixture.h"

namespace testudo::pfkey::server {
namespace {

namespace pf = wire::pfkey;

using Dispatch = ServerTest;

struct Case {
  const char* what;
  Message request;
  int error;
};

Message change(Message m, const std::function<void(Message&)>& how) {
  return with(std::move(m), how);
}

std::vector<Case> wrong_in_any_message() {
  std::vector<Case> c;
  c.push_back({"version 1", change(esp(), [](Message& m) { m.version = 1; }), EINVAL});
  c.push_back({"version 3", change(esp(), [](Message& m) { m.version = 3; }), EINVAL});
  c.push_back({"type 0", message(Type::Reserved), EINVAL});
  c.push_back({"type 25", message(static_cast<Type>(25)), EINVAL});
  c.push_back({"type 255", message(static_cast<Type>(255)), EINVAL});
  c.push_back({"EXPIRE from a user", between(Type::Expire, SaType::Esp), EINVAL});
  c.push_back({"X_PCHANGE", message(Type::PChange), EINVAL});
  c.push_back({"X_SPDACQUIRE from a user", message(Type::SpdAcquire), EINVAL});
  c.push_back({"X_SPDEXPIRE from a user", message(Type::SpdExpire), EINVAL});
  c.push_back({"X_MIGRATE", message(Type::Migrate), EOPNOTSUPP});
  for (const Type type : {Type::GetSpi, Type::Update, Type::Add, Type::Delete, Type::Get, Type::Acquire})
    c.push_back({"an SA without a type", between(type, SaType::Unspec), EINVAL});
  for (const Type type : {Type::SpdAdd, Type::SpdDelete, Type::SpdGet, Type::SpdDump, Type::SpdFlush, Type::SpdSetIdx,
                          Type::SpdUpdate, Type::SpdDelete2})
    for (const SaType satype : {SaType::Ah, SaType::Esp, SaType::Ipcomp, SaType::TcpSignature})
      c.push_back(
          {"a policy with a type of SA", change(policy(type), [satype](Message& m) { m.satype = satype; }), EINVAL});
  for (const SaType satype : {SaType::Rsvp, SaType::Ospfv2, SaType::Ripv2, SaType::Mip})
    for (const Type type : {Type::Add, Type::Flush, Type::Dump, Type::SpdDump})
      c.push_back({"a type of SA that nobody serves", message(type, satype), EOPNOTSUPP});
  for (const std::uint8_t satype : std::initializer_list<std::uint8_t>{4, 10, 12, 13, 255})
    c.push_back({"a type of SA that does not exist", message(Type::Register, static_cast<SaType>(satype)), EINVAL});
  c.push_back({"satype 1 outside X_PROMISC", message(Type::Flush, SaType::PromiscOn), EINVAL});
  c.push_back({"two families", change(esp(), [](Message& m) { m.destination = address("fd00::1", 128); }), EINVAL});
  c.push_back({"two upper protocols", change(policy(), [](Message& m) { m.source->protocol = 6; }), EINVAL});
  return c;
}

std::vector<Case> wrong_about_an_sa() {
  using M = Message;
  std::vector<Case> c;
  c.push_back({"ADD without SA", change(esp(), [](M& m) { m.sa.reset(); }), EINVAL});
  c.push_back({"ADD without source", change(esp(), [](M& m) { m.source.reset(); }), EINVAL});
  c.push_back({"ADD without destination", change(esp(), [](M& m) { m.destination.reset(); }), EINVAL});
  c.push_back({"ESP without its key", change(esp(), [](M& m) { m.encrypt_key.reset(); }), EINVAL});
  c.push_back({"ESP without a cipher", change(esp(), [](M& m) { m.sa->encrypt = 0; }), EINVAL});
  c.push_back({"a cipher that nobody knows", change(esp(), [](M& m) { m.sa->encrypt = 99; }), EINVAL});
  c.push_back({"an authenticator that nobody knows", change(esp(), [](M& m) { m.sa->auth = 99; }), EINVAL});
  c.push_back({"an empty key for AES", change(esp(), [](M& m) { m.encrypt_key = key(0); }), EINVAL});
  for (const std::size_t bytes : std::initializer_list<std::size_t>{1, 15, 17, 23, 25, 31, 33})
    c.push_back({"a key that AES has not", change(esp(), [bytes](M& m) { m.encrypt_key = key(bytes); }), EINVAL});
  for (const std::size_t bytes : std::initializer_list<std::size_t>{0, 19, 21})
    c.push_back({"a key that HMAC-SHA1 has not", change(esp(), [bytes](M& m) { m.auth_key = key(bytes); }), EINVAL});
  c.push_back({"127 bits", change(esp(), [](M& m) { m.encrypt_key->bits = 127; }), EINVAL});
  c.push_back({"an authentication key without algorithm", change(esp(), [](M& m) { m.sa->auth = 0; }), EINVAL});
  c.push_back({"GCM with a separate authenticator",
               change(esp(),
                      [](M& m) {
                        m.sa->encrypt = kGcm16;
                        m.encrypt_key = key(20);
                      }),
               EINVAL});
  for (const std::uint32_t spi : {0U, 1U, 255U}) {
    c.push_back({"a reserved SPI of ESP", esp(spi), EINVAL});
    c.push_back({"a reserved SPI of AH", ah(spi), EINVAL});
  }
  c.push_back({"an unknown mode", change(esp(), [](M& m) { m.sa2->mode = static_cast<pf::Mode>(9); }), EINVAL});
  c.push_back({"HARD without SOFT", change(esp(), [](M& m) { m.hard = pf::LifetimeExt{}; }), EINVAL});
  c.push_back({"SOFT without HARD", change(esp(), [](M& m) { m.soft = pf::LifetimeExt{}; }), EINVAL});
  c.push_back({"one identity", change(esp(), [](M& m) { m.source_identity = pf::IdentityExt{}; }), EINVAL});
  c.push_back({"identities of two kinds",
               change(esp(),
                      [](M& m) {
                        m.source_identity = {pf::IdentityType::Fqdn, 0, "a"};
                        m.destination_identity = {pf::IdentityType::UserFqdn, 0, "b"};
                      }),
               EINVAL});
  c.push_back({"a flag that nobody defined", change(esp(), [](M& m) { m.sa->flags = 0x800; }), EINVAL});
  c.push_back({"a flag of Linux", change(esp(), [](M& m) { m.sa->flags = 0x20000000; }), EINVAL});
  c.push_back({"two kinds of padding", change(esp(), [](M& m) { m.sa->flags = 0x300; }), EINVAL});
  c.push_back({"old ESP with a derived IV",
               change(esp(),
                      [](M& m) {
                        m.sa->encrypt = 2;
                        m.encrypt_key = key(8, 0x1f);
                        m.sa->flags = 0x21;
                      }),
               EINVAL});
  c.push_back({"a window beyond 65536", change(esp(), [](M& m) { m.replay_window = 65537; }), EINVAL});
  c.push_back({"AH with a cipher", change(ah(), [](M& m) { m.sa->encrypt = kAes; }), EINVAL});
  c.push_back({"AH without its key", change(ah(), [](M& m) { m.auth_key.reset(); }), EINVAL});
  c.push_back({"AH without an authenticator", change(ah(), [](M& m) { m.sa->auth = 0; }), EINVAL});
  c.push_back({"AH with a derived IV", change(ah(), [](M& m) { m.sa->flags = 0x20; }), EINVAL});
  c.push_back({"IPcomp with an authenticator",
               change(ipcomp(),
                      [](M& m) {
                        m.sa->auth = kHmacMd5;
                        m.auth_key = key(16);
                      }),
               EINVAL});
  c.push_back({"IPcomp with a key", change(ipcomp(), [](M& m) { m.encrypt_key = key(8); }), EINVAL});
  c.push_back({"IPcomp without an algorithm", change(ipcomp(), [](M& m) { m.sa->encrypt = 0; }), EINVAL});
  c.push_back({"an unknown compression", change(ipcomp(), [](M& m) { m.sa->encrypt = 9; }), EINVAL});
  c.push_back({"a compression that is not built", change(ipcomp(), [](M& m) { m.sa->encrypt = 3; }), EOPNOTSUPP});
  c.push_back({"a CPI of 17 bits", ipcomp(0x10000), EINVAL});
  c.push_back({"TCP-MD5 with another SPI", change(tcp_md5(), [](M& m) { m.sa->spi = Spi{0x1001}; }), EINVAL});
  c.push_back({"TCP-MD5 with 81 bytes of key", change(tcp_md5(), [](M& m) { m.auth_key = key(81); }), EINVAL});
  return c;
}

std::vector<Case> wrong_about_nat() {
  using M = Message;
  const Message complete = [] {
    Message m = esp();
    m.nat_t_type = pf::kEncapEspInUdp;
    m.nat_t_sport = 4500;
    m.nat_t_dport = 4500;
    return m;
  }();
  std::vector<Case> c;
  c.push_back({"no type", change(pf::clone(complete), [](M& m) { m.nat_t_type.reset(); }), EINVAL});
  c.push_back({"no source port", change(pf::clone(complete), [](M& m) { m.nat_t_sport.reset(); }), EINVAL});
  c.push_back({"no destination port", change(pf::clone(complete), [](M& m) { m.nat_t_dport.reset(); }), EINVAL});
  c.push_back({"port 0", change(pf::clone(complete), [](M& m) { m.nat_t_dport = 0; }), EINVAL});
  c.push_back({"type 3", change(pf::clone(complete), [](M& m) { m.nat_t_type = 3; }), EINVAL});
  c.push_back({"AH through a NAT",
               change(ah(),
                      [](M& m) {
                        m.nat_t_type = pf::kEncapEspInUdp;
                        m.nat_t_sport = m.nat_t_dport = 4500;
                      }),
               EINVAL});
  c.push_back({"a new mapping of AH", message(Type::NatTNewMapping, SaType::Ah), EINVAL});
  c.push_back({"a new mapping of nothing", message(Type::NatTNewMapping, SaType::Esp), EINVAL});
  return c;
}

std::vector<Case> wrong_in_other_sa_messages() {
  using M = Message;
  std::vector<Case> c;
  c.push_back({"GETSPI without addresses", message(Type::GetSpi, SaType::Esp), EINVAL});
  c.push_back({"GETSPI below 256",
               change(between(Type::GetSpi, SaType::Esp),
                      [](M& m) {
                        m.spi_range = pf::SpiRangeExt{1, 255};
                      }),
               EINVAL});
  c.push_back({"GETSPI backwards",
               change(between(Type::GetSpi, SaType::Esp),
                      [](M& m) {
                        m.spi_range = pf::SpiRangeExt{900, 800};
                      }),
               EINVAL});
  c.push_back({"GETSPI for TCP", between(Type::GetSpi, SaType::TcpSignature), EINVAL});
  c.push_back({"UPDATE of nothing", esp(0x9999, Type::Update), ENOENT});
  c.push_back({"DELETE without addresses", message(Type::Delete, SaType::Esp), EINVAL});
  c.push_back({"DELETE of nothing", esp(0x9999, Type::Delete), ENOENT});
  c.push_back({"GET without SPI", between(Type::Get, SaType::Esp), EINVAL});
  c.push_back({"GET of nothing", esp(0x9999, Type::Get), ENOENT});
  c.push_back({"DUMP of nothing", message(Type::Dump), ENOENT});
  c.push_back({"DUMP of no AH", message(Type::Dump, SaType::Ah), ENOENT});
  c.push_back({"ACQUIRE without a proposal", between(Type::Acquire, SaType::Esp), EINVAL});
  c.push_back({"ACQUIRE without addresses",
               change(message(Type::Acquire, SaType::Esp), [](M& m) { m.proposal = pf::ProposalExt{}; }), EINVAL});
  return c;
}

std::vector<Case> wrong_about_a_policy() {
  using M = Message;
  std::vector<Case> c;
  for (const Type type : {Type::SpdAdd, Type::SpdUpdate, Type::SpdSetIdx}) {
    c.push_back({"no policy", change(policy(type), [](M& m) { m.policy.reset(); }), EINVAL});
    c.push_back({"no source", change(policy(type), [](M& m) { m.source.reset(); }), EINVAL});
    c.push_back({"no destination", change(policy(type), [](M& m) { m.destination.reset(); }), EINVAL});
    for (const std::uint8_t direction : std::initializer_list<std::uint8_t>{0, 4, 255})
      c.push_back({"neither in nor out",
                   change(policy(type), [=](M& m) { m.policy->direction = static_cast<pf::Direction>(direction); }),
                   EINVAL});
    for (const std::uint16_t what : std::initializer_list<std::uint16_t>{3, 4, 5, 65535})
      c.push_back({"a word for sockets, or none",
                   change(policy(type), [=](M& m) { m.policy->type = static_cast<pf::PolicyType>(what); }), EINVAL});
    for (const std::uint16_t protocol : std::initializer_list<std::uint16_t>{0, 4, 6, 17, 255, 306})
      c.push_back({"a protocol that does not protect",
                   change(policy(type), [=](M& m) { m.policy->requests[0].protocol = protocol; }), EPROTONOSUPPORT});
    for (const std::uint8_t mode : std::initializer_list<std::uint8_t>{0, 3, 4})
      c.push_back({"neither transport nor tunnel",
                   change(policy(type), [=](M& m) { m.policy->requests[0].mode = static_cast<pf::Mode>(mode); }),
                   EINVAL});
    for (const std::uint8_t level : std::initializer_list<std::uint8_t>{4, 255})
      c.push_back({"an unknown level",
                   change(policy(type), [=](M& m) { m.policy->requests[0].level = static_cast<pf::Level>(level); }),
                   EINVAL});
    c.push_back({"a tunnel without ends",
                 change(policy(type),
                        [](M& m) {
                          m.policy->requests[0].source.reset();
                          m.policy->requests[0].destination.reset();
                        }),
                 EINVAL});
    c.push_back(
        {"seventeen requests", change(policy(type), [](M& m) { m.policy->requests.assign(17, transport()); }), EINVAL});
    c.push_back({"a wrong second request",
                 change(policy(type), [](M& m) { m.policy->requests.push_back(transport(6)); }), EPROTONOSUPPORT});
  }
  for (const Type type : {Type::SpdAdd, Type::SpdUpdate})
    c.push_back({"ipsec by nothing", change(policy(type), [](M& m) { m.policy->requests.clear(); }), EINVAL});
  c.push_back({"SPDDELETE of nothing", policy(Type::SpdDelete), EINVAL});
  c.push_back({"SPDDELETE without a policy", change(policy(Type::SpdDelete), [](M& m) { m.policy.reset(); }), EINVAL});
  c.push_back({"SPDDELETE without addresses", change(policy(Type::SpdDelete), [](M& m) { m.source.reset(); }), EINVAL});
  c.push_back({"SPDDELETE of no direction",
               change(policy(Type::SpdDelete), [](M& m) { m.policy->direction = pf::Direction::Any; }), EINVAL});
  c.push_back({"SPDDELETE2 without a policy", message(Type::SpdDelete2), EINVAL});
  c.push_back({"SPDDELETE2 of nothing", policy(Type::SpdDelete2), EINVAL});
  c.push_back({"SPDGET without a policy", message(Type::SpdGet), EINVAL});
  c.push_back({"SPDGET of nothing", policy(Type::SpdGet), ENOENT});
  c.push_back({"SPDFLUSH with more than a header", policy(Type::SpdFlush), EINVAL});
  c.push_back({"SPDDUMP of nothing", message(Type::SpdDump), ENOENT});
  return c;
}

TEST_F(Dispatch, EveryWrongRequestGetsItsErrnoAndAnEcho) {
  const ClientId witness = server.connect(true);
  std::size_t count = 0;
  for (const auto& table :
       {wrong_in_any_message, wrong_about_an_sa, wrong_about_nat, wrong_in_other_sa_messages, wrong_about_a_policy}) {
    for (const Case& c : table()) {
      ByteVector expected = pf::compose(c.request);
      server.receive(user, expected, now);
      const auto reply = server.next_output(user, now);
      ASSERT_TRUE(reply) << c.what;
      expected[2] = static_cast<std::uint8_t>(c.error);
      EXPECT_EQ(*reply, expected) << c.what << ": errno " << int{(*reply)[2]};
      EXPECT_TRUE(silent(user)) << c.what;
      ++count;
    }
  }
  EXPECT_GT(count, 150U);
  EXPECT_TRUE(silent(witness)) << "errors are for the one who made them";
  EXPECT_EQ(sad.size(), 0U);
  EXPECT_EQ(spd.size(), 0U);
}

TEST_F(Dispatch, WhatExistsIsNotMadeAgain) {
  EXPECT_EQ(error_of(esp()), 0);
  EXPECT_EQ(error_of(esp()), EEXIST);
  EXPECT_EQ(error_of(policy()), 0);
  EXPECT_EQ(error_of(policy()), EEXIST);
  EXPECT_EQ(error_of(policy(Type::SpdSetIdx)), EEXIST);
  EXPECT_EQ(error_of(message(Type::Register, SaType::Esp)), 0);
  EXPECT_EQ(error_of(message(Type::Register, SaType::Esp)), EEXIST);
}

TEST_F(Dispatch, AnUnknownFamilyHasItsOwnErrno) {
  ByteVector bytes = pf::compose(esp());
  // The source is the third extension: header, SA, SA2, then eight bytes of address header.
  constexpr std::size_t kFamily = 16 + 16 + 16 + 8;
  ASSERT_EQ(bytes[kFamily], 2);
  bytes[kFamily] = 1;
  server.receive(user, bytes, now);
  bytes[2] = EAFNOSUPPORT;
  EXPECT_EQ(server.next_output(user, now), bytes);
  EXPECT_EQ(server.counters().invalid_address, 1U);
}

TEST_F(Dispatch, WhatFailsTheWriteGetsAHeaderWithInvalid) {
  const ByteVector good = pf::compose(esp());
  const auto refused = [&](const ByteVector& bytes, const char* what) {
    server.receive(user, bytes, now);
    const auto reply = server.next_output(user, now);
    ASSERT_TRUE(reply) << what;
    const auto header = pf::parse(*reply);
    ASSERT_TRUE(header) << what;
    EXPECT_EQ(reply->size(), 16U) << what;
    EXPECT_EQ(header->error, EINVAL) << what;
  };
  for (std::size_t n = 0; n < 16; ++n)
    refused(ByteVector(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)), "short");
  refused(ByteVector(good.begin(), good.end() - 8), "one unit less");
  ByteVector longer = good;
  longer.resize(good.size() + 8);
  refused(longer, "one unit more");
  ByteVector zero = good;
  zero[16] = zero[17] = 0;
  refused(zero, "an extension of length 0");
  ByteVector unknown = good;
  unknown[18] = 63;
  refused(unknown, "an extension that nobody knows");
  ByteVector twice = good;
  twice[18] = 19;
  refused(twice, "the same extension twice");
  EXPECT_EQ(server.counters().too_short, 16U);
  EXPECT_EQ(server.counters().invalid_length, 3U);
  EXPECT_EQ(server.counters().invalid_extension_type, 1U);
  EXPECT_EQ(server.counters().duplicate_extension, 1U);
}

TEST_F(Dispatch, AMessageOfMoreThan64KibHasNoRoom) {
  Message m = policy();
  m.policy->requests.assign(5000, transport());
  EXPECT_EQ(error_of(m), ENOBUFS);
}

TEST_F(Dispatch, AClientWithoutPrivilegeGetsNotPermittedForEverything) {
  const ClientId stranger = server.connect(false);
  ASSERT_EQ(error_of(esp()), 0);
  ASSERT_EQ(error_of(policy()), 0);
  for (const Message& request :
       {message(Type::Dump), message(Type::SpdDump), message(Type::Flush), message(Type::SpdFlush), esp(0x2000),
        message(Type::Register, SaType::Esp), message(Type::Promisc, SaType::PromiscOn), esp(0x1000, Type::Get)}) {
    const Message reply = ask(stranger, request);
    EXPECT_EQ(reply.error, EPERM);
    EXPECT_EQ(reply.type, request.type);
    EXPECT_TRUE(reply.order.empty()) << "nothing but a header";
    EXPECT_TRUE(silent(stranger));
  }
  EXPECT_EQ(sad.size(), 1U);
  EXPECT_EQ(spd.size(), 1U);
}

TEST_F(Dispatch, AClientWithoutPrivilegeHearsNoBroadcast) {
  const ClientId stranger = server.connect(false);
  ASSERT_EQ(error_of(esp()), 0);
  ASSERT_EQ(error_of(message(Type::Flush)), 0);
  EXPECT_TRUE(silent(stranger));
}

TEST_F(Dispatch, MessagesAreCounted) {
  ask(esp());
  ask(message(Type::Dump));
  ask(message(Type::Flush, SaType::Rsvp));
  const Counters& c = server.counters();
  EXPECT_EQ(c.from_user.total, 3U);
  EXPECT_EQ(c.from_user.bytes, pf::compose(esp()).size() + 16 + 16);
  EXPECT_EQ(c.from_user.by_type[3], 1U);
  EXPECT_EQ(c.from_user.by_type[10], 1U);
  EXPECT_EQ(c.to_user.total, 3U);
  EXPECT_EQ(c.to_all, 1U);
  EXPECT_EQ(c.to_one, 2U);
  EXPECT_EQ(c.invalid_satype, 1U);
}

TEST_F(Dispatch, AClientThatIsGoneIsForgotten) {
  server.disconnect(user);
  server.receive(user, pf::compose(message(Type::Flush)), now);
  EXPECT_TRUE(silent(user));
  EXPECT_FALSE(server.next_output(user, now));
}

}  // namespace
}  // namespace testudo::pfkey::server
