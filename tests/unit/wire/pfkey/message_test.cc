// PF_KEY messages: their bytes against the structures of the system's own header, there and back, and every
// way to break them.
#include "wire/pfkey/message.h"

#include <gtest/gtest.h>
#include <linux/pfkeyv2.h>
#include <netinet/in.h>

#include <array>
#include <bit>
#include <cstring>
#include <vector>

namespace testudo::wire::pfkey {
namespace {

template <typename... Structs>
ByteVector bytes_of(const Structs&... structs) {
  ByteVector out;
  const auto append = [&out](const void* data, std::size_t size) {
    const std::size_t at = out.size();
    out.resize(at + size);
    std::memcpy(out.data() + at, data, size);
  };
  (append(&structs, sizeof structs), ...);
  return out;
}

template <typename Container>
std::uint16_t units(const Container& bytes) {
  return static_cast<std::uint16_t>(bytes.size() / 8);
}

sadb_msg header(std::uint8_t type, std::uint8_t satype, std::size_t extension_bytes) {
  sadb_msg h{};
  h.sadb_msg_version = PF_KEY_V2;
  h.sadb_msg_type = type;
  h.sadb_msg_satype = satype;
  h.sadb_msg_len = static_cast<std::uint16_t>((16 + extension_bytes) / 8);
  h.sadb_msg_seq = 7;
  h.sadb_msg_pid = 4711;
  return h;
}

/// A message with one extension, made of the system's structures.
template <typename... Structs>
ByteVector message_with(const Structs&... extension) {
  return bytes_of(header(SADB_ADD, SADB_SATYPE_ESP, (sizeof extension + ... + 0)), extension...);
}

Message base(Type type = Type::Add, SaType satype = SaType::Esp) {
  Message m;
  m.type = type;
  m.satype = satype;
  m.sequence = 7;
  m.pid = 4711;
  return m;
}

sockaddr_in v4(const char* text, std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  const auto address = net::Address::parse(text);
  std::memcpy(&a.sin_addr, address->bytes().data(), 4);
  return a;
}

sockaddr_in6 v6(const char* text, std::uint16_t port, std::uint32_t scope = 0) {
  sockaddr_in6 a{};
  a.sin6_family = AF_INET6;
  a.sin6_port = htons(port);
  const auto address = net::Address::parse(text);
  std::memcpy(&a.sin6_addr, address->bytes().data(), 16);
  a.sin6_scope_id = scope;
  return a;
}

net::Endpoint endpoint(const char* text, std::uint16_t port = 0) {
  return {*net::Address::parse(text), port};
}

AddressExt address(const char* text, std::uint8_t prefix, std::uint16_t port = 0, std::uint8_t protocol = 255) {
  return {endpoint(text, port), protocol, prefix};
}

KeyExt key(std::size_t bytes) {
  ByteVector k(bytes);
  for (std::size_t i = 0; i < bytes; ++i) k[i] = static_cast<std::uint8_t>(i + 1);
  return {static_cast<std::uint16_t>(bytes * 8), Secret{k}};
}

RequestExt request(std::uint16_t protocol, Mode mode, Level level, std::uint32_t reqid = 0) {
  RequestExt r;
  r.protocol = protocol;
  r.mode = mode;
  r.level = level;
  r.reqid = ReqId{reqid};
  return r;
}

RequestExt tunnel(const char* source, const char* destination) {
  RequestExt r = request(50, Mode::Tunnel, Level::Unique, 16385);
  r.source = endpoint(source, 4500);
  r.destination = endpoint(destination);
  return r;
}

/// One message that has everything.
Message full() {
  Message m = base();
  m.sa = SaExt{Spi{0x12345678}, 4, SaState::Mature, 2, 12, saflag::kCycSeq | saflag::kPadRandom};
  m.sa2 = Sa2Ext{Mode::Tunnel, 99, ReqId{16385}};
  m.hard = LifetimeExt{1, 2, 3, 4};
  m.soft = LifetimeExt{5, 0x600000000ULL, 7, 8};
  m.current = LifetimeExt{9, 10, 11, 12};
  m.source = address("20.0.0.1", 32, 500);
  m.destination = address("fd00::2", 64, 0, 58);
  m.proxy = address("10.0.1.0", 24);
  m.auth_key = key(20);
  m.encrypt_key = key(24);
  m.source_identity = IdentityExt{IdentityType::Fqdn, 3, "gw.example.org"};
  m.destination_identity = IdentityExt{IdentityType::UserFqdn, 4, ""};
  m.proposal = ProposalExt{32, {}};
  m.proposal->combinations.resize(2);
  m.proposal->combinations[1].encrypt = 12;
  m.proposal->combinations[1].hard.addtime = 86400;
  m.proposal->combinations[1].soft.usetime = 23040;
  m.supported_auth = std::vector<Algorithm>{{2, 0, 128, 128}, {3, 0, 160, 160}};
  m.supported_encrypt = std::vector<Algorithm>{{12, 16, 128, 256}};
  m.spi_range = SpiRangeExt{0x100, 0x0fffffff};
  m.policy = PolicyExt{PolicyType::Ipsec, Direction::Out, 0, PolicyId{5}, 0x80000000, {}};
  m.policy->requests = {request(51, Mode::Transport, Level::Require), tunnel("20.0.0.1", "20.0.0.2"),
                        tunnel("fd00::1", "fd00::2")};
  m.nat_t_type = kEncapEspInUdp;
  m.nat_t_sport = 4500;
  m.nat_t_dport = 4501;
  m.nat_t_oa = net::Address::parse("192.168.1.2");
  m.nat_t_oar = net::Address::parse("fd00::9");
  m.nat_t_frag = 552;
  m.replay_window = 65536;
  return m;
}

// ---- layouts
// ----------------------------------------------------------------------------------------------------------

TEST(PfkeyMessage, TheHeaderIsSadbMsg) {
  sadb_msg h = header(SADB_DUMP, SADB_SATYPE_AH, 0);
  h.sadb_msg_errno = 17;
  h.sadb_msg_reserved = 3;
  Message m = base(Type::Dump, SaType::Ah);
  m.error = 17;
  m.reserved = 3;
  EXPECT_EQ(compose(m), bytes_of(h));
  const auto back = parse(bytes_of(h));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->type, Type::Dump);
  EXPECT_EQ(back->satype, SaType::Ah);
  EXPECT_EQ(back->error, 17);
  EXPECT_EQ(back->reserved, 3);
  EXPECT_EQ(back->sequence, 7U);
  EXPECT_EQ(back->pid, 4711U);
}

TEST(PfkeyMessage, TheHeaderInBytesIsThatOfTheDocument) {
  // Written out by hand from RFC 2367 section 2.3.1, on a little-endian machine.
  if (std::endian::native != std::endian::little) GTEST_SKIP() << "the expected bytes are little-endian";
  const ByteVector expected{2, 9, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0x67, 0x12, 0, 0};
  EXPECT_EQ(compose(base(Type::Flush, SaType::Unspec)), expected);
}

TEST(PfkeyMessage, AnSaIsSadbSaWithTheSpiInNetworkOrder) {
  sadb_sa s{};
  s.sadb_sa_len = 2;
  s.sadb_sa_exttype = SADB_EXT_SA;
  s.sadb_sa_spi = htonl(0x10001);
  s.sadb_sa_replay = 4;
  s.sadb_sa_state = SADB_SASTATE_DYING;
  s.sadb_sa_auth = SADB_AALG_MD5HMAC;
  s.sadb_sa_encrypt = SADB_EALG_3DESCBC;
  s.sadb_sa_flags = saflag::kCycSeq;
  Message m = base();
  m.sa = SaExt{Spi{0x10001}, 4, SaState::Dying, 2, 3, saflag::kCycSeq};
  EXPECT_EQ(compose(m), message_with(s));
}

TEST(PfkeyMessage, ALifetimeIsSadbLifetime) {
  sadb_lifetime l{};
  l.sadb_lifetime_len = 4;
  l.sadb_lifetime_exttype = SADB_EXT_LIFETIME_SOFT;
  l.sadb_lifetime_allocations = 1;
  l.sadb_lifetime_bytes = 1ULL << 40;
  l.sadb_lifetime_addtime = 3;
  l.sadb_lifetime_usetime = 4;
  Message m = base();
  m.soft = LifetimeExt{1, 1ULL << 40, 3, 4};
  EXPECT_EQ(compose(m), message_with(l));
}

sadb_address address_header(std::uint16_t type, std::uint16_t length, std::uint8_t protocol, std::uint8_t prefix) {
  sadb_address a{};
  a.sadb_address_len = length;
  a.sadb_address_exttype = type;
  a.sadb_address_proto = protocol;
  a.sadb_address_prefixlen = prefix;
  return a;
}

TEST(PfkeyMessage, AnIpv4AddressTakes24Bytes) {
  Message m = base();
  m.source = address("20.0.0.1", 24, 500, 17);
  EXPECT_EQ(compose(m), message_with(address_header(SADB_EXT_ADDRESS_SRC, 3, 17, 24), v4("20.0.0.1", 500)));
}

TEST(PfkeyMessage, AnIpv6AddressTakes40BytesAndKeepsItsScope) {
  Message m = base();
  m.destination = AddressExt{endpoint("fe80::1%3", 80), 6, 128};
  const ByteVector expected = message_with(address_header(SADB_EXT_ADDRESS_DST, 5, 6, 128), v6("fe80::1", 80, 3),
                                           std::array<std::uint8_t, 4>{});
  EXPECT_EQ(compose(m), expected);
  EXPECT_EQ(parse(expected)->destination->endpoint.address.scope(), 3U);
}

TEST(PfkeyMessage, AKeyIsPaddedWithZerosToEightBytes) {
  sadb_key k{};
  k.sadb_key_len = 4;
  k.sadb_key_exttype = SADB_EXT_KEY_AUTH;
  k.sadb_key_bits = 160;
  std::array<std::uint8_t, 24> padded{};
  for (std::uint8_t i = 0; i < 20; ++i) padded[i] = static_cast<std::uint8_t>(i + 1);
  Message m = base();
  m.auth_key = key(20);
  EXPECT_EQ(compose(m), message_with(k, padded));
}

TEST(PfkeyMessage, AKeyWithoutBitsIsAnEmptyExtension) {
  sadb_key k{};
  k.sadb_key_len = 1;
  k.sadb_key_exttype = SADB_EXT_KEY_ENCRYPT;
  Message m = base();
  m.encrypt_key = key(0);
  EXPECT_EQ(compose(m), message_with(k));
  EXPECT_TRUE(parse(message_with(k))->encrypt_key);
}

TEST(PfkeyMessage, AKeyWhoseBitsWereForgottenGetsThem) {
  Message m = base();
  m.auth_key = key(16);
  m.auth_key->bits = 0;
  EXPECT_EQ(parse(compose(m))->auth_key->bits, 128);
}

TEST(PfkeyMessage, AnIdentityEndsWithItsNul) {
  sadb_ident i{};
  i.sadb_ident_len = 4;
  i.sadb_ident_exttype = SADB_EXT_IDENTITY_SRC;
  i.sadb_ident_type = SADB_IDENTTYPE_FQDN;
  i.sadb_ident_id = 9;
  const std::array<char, 16> text{"eight.ch"};
  Message m = base();
  m.source_identity = IdentityExt{IdentityType::Fqdn, 9, "eight.ch"};
  EXPECT_EQ(compose(m), message_with(i, text));
}

TEST(PfkeyMessage, AProposalIsSadbPropWithItsCombinations) {
  sadb_prop p{};
  p.sadb_prop_len = 10;
  p.sadb_prop_exttype = SADB_EXT_PROPOSAL;
  p.sadb_prop_replay = 32;
  sadb_comb c{};
  c.sadb_comb_auth = 3;
  c.sadb_comb_encrypt = 12;
  c.sadb_comb_flags = 1;
  c.sadb_comb_auth_minbits = 160;
  c.sadb_comb_auth_maxbits = 161;
  c.sadb_comb_encrypt_minbits = 128;
  c.sadb_comb_encrypt_maxbits = 256;
  c.sadb_comb_soft_allocations = 1;
  c.sadb_comb_hard_allocations = 2;
  c.sadb_comb_soft_bytes = 3;
  c.sadb_comb_hard_bytes = 4;
  c.sadb_comb_soft_addtime = 69120;
  c.sadb_comb_hard_addtime = 86400;
  c.sadb_comb_soft_usetime = 23040;
  c.sadb_comb_hard_usetime = 28800;
  Message m = base();
  m.proposal = ProposalExt{32, {Combination{3, 12, 1, 160, 161, 128, 256, {1, 3, 69120, 23040}, {2, 4, 86400, 28800}}}};
  EXPECT_EQ(compose(m), message_with(p, c));
}

TEST(PfkeyMessage, SupportedAlgorithmsAreSadbAlg) {
  sadb_supported s{};
  s.sadb_supported_len = 2;
  s.sadb_supported_exttype = SADB_EXT_SUPPORTED_ENCRYPT;
  sadb_alg a{};
  a.sadb_alg_id = 12;
  a.sadb_alg_ivlen = 16;
  a.sadb_alg_minbits = 128;
  a.sadb_alg_maxbits = 256;
  Message m = base();
  m.supported_encrypt = std::vector<Algorithm>{{12, 16, 128, 256}};
  EXPECT_EQ(compose(m), message_with(s, a));
}

TEST(PfkeyMessage, TheSpiRangeIsInHostOrder) {
  sadb_spirange r{};
  r.sadb_spirange_len = 2;
  r.sadb_spirange_exttype = SADB_EXT_SPIRANGE;
  r.sadb_spirange_min = 256;
  r.sadb_spirange_max = 4096;
  Message m = base();
  m.spi_range = SpiRangeExt{256, 4096};
  EXPECT_EQ(compose(m), message_with(r));
}

TEST(PfkeyMessage, Sa2IsSadbXSa2) {
  sadb_x_sa2 s{};
  s.sadb_x_sa2_len = 2;
  s.sadb_x_sa2_exttype = SADB_X_EXT_SA2;
  s.sadb_x_sa2_mode = 2;
  s.sadb_x_sa2_sequence = 5;
  s.sadb_x_sa2_reqid = 16385;
  Message m = base();
  m.sa2 = Sa2Ext{Mode::Tunnel, 5, ReqId{16385}};
  EXPECT_EQ(compose(m), message_with(s));
}

TEST(PfkeyMessage, NatTraversalIsTypeAndPortsInNetworkOrder) {
  sadb_x_nat_t_type t{};
  t.sadb_x_nat_t_type_len = 1;
  t.sadb_x_nat_t_type_exttype = SADB_X_EXT_NAT_T_TYPE;
  t.sadb_x_nat_t_type_type = 2;
  sadb_x_nat_t_port s{}, d{};
  s.sadb_x_nat_t_port_len = d.sadb_x_nat_t_port_len = 1;
  s.sadb_x_nat_t_port_exttype = SADB_X_EXT_NAT_T_SPORT;
  d.sadb_x_nat_t_port_exttype = SADB_X_EXT_NAT_T_DPORT;
  s.sadb_x_nat_t_port_port = htons(4500);
  d.sadb_x_nat_t_port_port = htons(32768);
  Message m = base();
  m.nat_t_type = kEncapEspInUdp;
  m.nat_t_sport = 4500;
  m.nat_t_dport = 32768;
  EXPECT_EQ(compose(m), message_with(t, s, d));
}

TEST(PfkeyMessage, AnOriginalAddressIsAnAddressExtension) {
  Message m = base();
  m.nat_t_oa = net::Address::parse("10.0.0.1");
  EXPECT_EQ(compose(m), message_with(address_header(SADB_X_EXT_NAT_T_OA, 3, 255, 32), v4("10.0.0.1", 0)));
}

TEST(PfkeyMessage, OurReplayExtensionIsEightBytes) {
  Message m = base();
  m.replay_window = 65536;
  EXPECT_EQ(compose(m), message_with(std::array<std::uint16_t, 2>{1, 64}, std::uint32_t{65536}));
}

TEST(PfkeyMessage, OurFragmentExtensionIsEightBytes) {
  Message m = base();
  m.nat_t_frag = 552;
  EXPECT_EQ(compose(m), message_with(std::array<std::uint16_t, 4>{1, 65, 552, 0}));
}

// ---- there and back
// -----------------------------------------------------------------------------------------------------

TEST(PfkeyMessage, EverythingSurvivesTheWayThereAndBack) {
  const ByteVector bytes = compose(full());
  ASSERT_EQ(bytes.size() % 8, 0U);
  const auto back = parse(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->sa->spi, Spi{0x12345678});
  EXPECT_EQ(back->sa->flags, saflag::kCycSeq | saflag::kPadRandom);
  EXPECT_EQ(back->sa2->sequence, 99U);
  EXPECT_EQ(back->soft->bytes, 0x600000000ULL);
  EXPECT_EQ(back->current->usetime, 12U);
  EXPECT_EQ(back->source->endpoint, endpoint("20.0.0.1", 500));
  EXPECT_EQ(back->destination->prefix().to_string(), "fd00::2/64");
  EXPECT_EQ(back->destination->protocol, 58);
  EXPECT_EQ(back->proxy->prefix_length, 24);
  EXPECT_TRUE(equal_constant_time(back->encrypt_key->key.expose(), key(24).key.expose()));
  EXPECT_EQ(back->source_identity->text, "gw.example.org");
  EXPECT_EQ(back->destination_identity->type, IdentityType::UserFqdn);
  EXPECT_EQ(back->destination_identity->text, "");
  EXPECT_EQ(back->proposal->combinations.at(1).hard.addtime, 86400U);
  EXPECT_EQ(back->supported_auth->at(1).maxbits, 160);
  EXPECT_EQ(back->spi_range->max, 0x0fffffffU);
  EXPECT_EQ(back->policy->priority, 0x80000000U);
  ASSERT_EQ(back->policy->requests.size(), 3U);
  EXPECT_EQ(back->policy->requests[2].destination, endpoint("fd00::2"));
  EXPECT_EQ(back->policy->requests[1].source, endpoint("20.0.0.1", 4500));
  EXPECT_FALSE(back->policy->requests[0].source);
  EXPECT_EQ(back->nat_t_dport, 4501);
  EXPECT_EQ(back->nat_t_oar, net::Address::parse("fd00::9"));
  EXPECT_EQ(back->nat_t_frag, 552);
  EXPECT_EQ(back->replay_window, 65536U);
  // Whatever was left unnamed above: the bytes are the same again.
  EXPECT_EQ(compose(*back), bytes);
}

TEST(PfkeyMessage, ACloneIsTheSameMessage) {
  const Message m = full();
  EXPECT_EQ(compose(clone(m)), compose(m));
}

TEST(PfkeyMessage, ExtensionsStandInTheOrderAskedFor) {
  Message m = full();
  m.order = {Ext::Policy, Ext::AddressDst, Ext::AddressSrc};
  const auto back = parse(compose(m));
  ASSERT_TRUE(back);
  ASSERT_GT(back->order.size(), 4U);
  EXPECT_EQ(back->order[0], Ext::Policy);
  EXPECT_EQ(back->order[1], Ext::AddressDst);
  EXPECT_EQ(back->order[2], Ext::AddressSrc);
  EXPECT_EQ(back->order[3], Ext::Sa) << "what the order does not name follows in the usual order";
  EXPECT_EQ(back->order.size(), parse(compose(full()))->order.size());
}

TEST(PfkeyMessage, WithoutAnOrderTheyStandAsInADump) {
  const std::vector<Ext> dump{
      Ext::Sa, Ext::Sa2, Ext::LifetimeHard, Ext::LifetimeSoft, Ext::LifetimeCurrent, Ext::AddressSrc, Ext::AddressDst};
  const auto order = parse(compose(full()))->order;
  ASSERT_GE(order.size(), dump.size());
  EXPECT_TRUE(std::equal(dump.begin(), dump.end(), order.begin()));
}

TEST(PfkeyMessage, AReplyHoldsOnlyWhatItIsToldTo) {
  constexpr std::array kOnly{Ext::AddressDst, Ext::KeyAuth, Ext::AddressSrc};
  Message m = full();
  m.auth_key.reset();
  const auto back = parse(compose(m, kOnly));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->order, (std::vector<Ext>{Ext::AddressDst, Ext::AddressSrc}));
}

TEST(PfkeyMessage, AHeaderCanBeSeenWhateverFollowsIt) {
  ByteVector bytes = compose(base(Type::Get, SaType::Ah));
  bytes.push_back(0xff);
  EXPECT_FALSE(parse(bytes));
  const auto header = peek(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, Type::Get);
  EXPECT_EQ(header->pid, 4711U);
  EXPECT_FALSE(peek(Bytes{bytes}.first(15)));
}

TEST(PfkeyMessage, ExtensionsWithoutMeaningForUsAreOnlyNamed) {
  sadb_sens s{};
  s.sadb_sens_len = 2;
  s.sadb_sens_exttype = SADB_EXT_SENSITIVITY;
  sadb_x_kmprivate k{};
  k.sadb_x_kmprivate_len = 1;
  k.sadb_x_kmprivate_exttype = SADB_X_EXT_KMPRIVATE;
  const auto back = parse(message_with(s, k));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->order, (std::vector<Ext>{Ext::Sensitivity, Ext::KmPrivate}));
  EXPECT_EQ(compose(*back).size(), 16U);
}

TEST(PfkeyMessage, ThePayloadOfAPromiscuousMessageIsLeftAlone) {
  const ByteVector inner = compose(full());
  sadb_msg h{};
  h.sadb_msg_version = PF_KEY_V2;
  h.sadb_msg_type = SADB_X_PROMISC;
  h.sadb_msg_len = static_cast<std::uint16_t>(2 + inner.size() / 8);
  ByteVector wrapped = bytes_of(h);
  wrapped.insert(wrapped.end(), inner.begin(), inner.end());
  EXPECT_EQ(wrap_promiscuous(inner), wrapped);
  const auto outer = parse(wrapped);
  ASSERT_TRUE(outer);
  EXPECT_EQ(outer->type, Type::Promisc);
  EXPECT_TRUE(outer->order.empty());
  EXPECT_TRUE(parse(Bytes{wrapped}.subspan(16)));
}

TEST(PfkeyMessage, TheLengthOfAMessageIsReadFromItsHeader) {
  ByteVector two = compose(full());
  const std::size_t first = two.size();
  const ByteVector second = compose(base());
  two.insert(two.end(), second.begin(), second.end());
  EXPECT_EQ(message_length(two), first);
  EXPECT_EQ(message_length(Bytes{two}.subspan(first)), 16U);
  EXPECT_EQ(message_length(Bytes{two}.first(15)), std::nullopt);
  EXPECT_EQ(message_length(ByteVector(16, 0)), std::nullopt) << "a length of nothing would never get on";
}

TEST(PfkeyMessage, AMessageTooLongForItsLengthFieldIsNotMade) {
  Message m = base();
  m.policy = PolicyExt{};
  m.policy->requests.resize(40000);
  EXPECT_TRUE(compose(m).empty());
  m.policy->requests.resize(20000);
  m.supported_auth = std::vector<Algorithm>(40000);
  EXPECT_TRUE(compose(m).empty());
}

// ---- broken ones
// --------------------------------------------------------------------------------------------------------

ParseError error_of(Bytes bytes) {
  const auto result = parse(bytes);
  EXPECT_FALSE(result);
  return result ? ParseError{} : result.error();
}

TEST(PfkeyMessage, FewerThanSixteenBytesAreTooShort) {
  const ByteVector bytes = compose(base());
  for (std::size_t n = 0; n < 16; ++n) EXPECT_EQ(error_of(Bytes{bytes}.first(n)), ParseError::TooShort);
}

TEST(PfkeyMessage, EveryPrefixOfAMessageHasTheWrongLength) {
  const ByteVector bytes = compose(full());
  for (std::size_t n = 16; n < bytes.size(); ++n)
    EXPECT_EQ(error_of(Bytes{bytes}.first(n)), ParseError::BadMessageLength) << n;
}

TEST(PfkeyMessage, EveryPrefixThatClaimsToBeAllIsParsedOrRefusedButNeverOverrun) {
  const ByteVector bytes = compose(full());
  std::size_t accepted = 0;
  for (std::size_t n = 16; n <= bytes.size(); n += 8) {
    ByteVector cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    const std::uint16_t length = units(cut);
    std::memcpy(cut.data() + 4, &length, sizeof length);
    if (parse(cut)) ++accepted;
  }
  // Only a cut between two extensions leaves a whole message: one for each, and the bare header.
  EXPECT_EQ(accepted, parse(bytes)->order.size() + 1);
}

TEST(PfkeyMessage, EverySingleByteChangedIsParsedToWhatItSaysOrRefused) {
  const ByteVector bytes = compose(full());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      ByteVector changed = bytes;
      changed[at] = static_cast<std::uint8_t>(value);
      const auto parsed = parse(changed);
      const bool one_bit = std::has_single_bit(value ^ bytes[at]);  // the full check of all 256 takes too long
      if (!parsed || parsed->type == Type::Promisc || !one_bit) continue;
      // What was accepted can be said again, and means the same again.
      const ByteVector again = compose(*parsed);
      ASSERT_EQ(compose(*parse(again)), again) << "byte " << at << " = " << value;
    }
  }
}

TEST(PfkeyMessage, BrokenExtensionsAreRefusedByName) {
  sadb_sa sa{};
  sa.sadb_sa_len = 2;
  sa.sadb_sa_exttype = SADB_EXT_SA;
  const auto with_sa = [&sa](std::uint16_t length, std::uint16_t type) {
    sadb_sa s = sa;
    s.sadb_sa_len = length;
    s.sadb_sa_exttype = type;
    return s;
  };
  sadb_key key{};
  key.sadb_key_len = 2;
  key.sadb_key_exttype = SADB_EXT_KEY_AUTH;
  key.sadb_key_bits = 65;
  sadb_key padded = key;
  padded.sadb_key_len = 3;
  padded.sadb_key_bits = 64;
  const std::array<std::uint8_t, 8> eight{};
  const std::array<std::uint8_t, 16> sixteen{};
  struct Case {
    const char* what;
    ByteVector bytes;
    ParseError error;
  };
  const std::vector<Case> cases{
      {"length 0", message_with(with_sa(0, SADB_EXT_SA)), ParseError::BadExtensionLength},
      {"shorter than an SA", message_with(with_sa(1, SADB_EXT_SA), sa), ParseError::BadExtensionLength},
      {"longer than an SA", message_with(with_sa(3, SADB_EXT_SA), eight), ParseError::BadExtensionLength},
      {"beyond the message", message_with(with_sa(3, SADB_EXT_SA)), ParseError::BadExtensionLength},
      {"twice", message_with(sa, sa), ParseError::DuplicateExtension},
      {"type 0", message_with(with_sa(2, 0)), ParseError::UnknownExtension},
      {"type 27", message_with(with_sa(2, 27)), ParseError::UnknownExtension},
      {"type 63", message_with(with_sa(2, 63)), ParseError::UnknownExtension},
      {"type 67", message_with(with_sa(2, 67)), ParseError::UnknownExtension},
      {"more bits than key", message_with(key, eight), ParseError::BadExtensionLength},
      {"more padding than a key has", message_with(padded, sixteen), ParseError::BadExtensionLength},
      {"half an algorithm", message_with(std::array<std::uint16_t, 4>{2, SADB_EXT_SUPPORTED_AUTH, 0, 0}),
       ParseError::BadExtensionLength},
      {"half a combination", message_with(std::array<std::uint16_t, 4>{2, SADB_EXT_PROPOSAL, 0, 0}, std::uint64_t{0}),
       ParseError::BadExtensionLength},
  };
  for (const Case& c : cases) EXPECT_EQ(error_of(c.bytes), c.error) << c.what;
}

TEST(PfkeyMessage, BrokenAddressesAreRefused) {
  const auto source = [](std::uint16_t length, std::uint8_t prefix) {
    return address_header(SADB_EXT_ADDRESS_SRC, length, 255, prefix);
  };
  sockaddr_in unix_address = v4("20.0.0.1", 0);
  unix_address.sin_family = AF_UNIX;
  sockaddr_in bsd_address = v4("20.0.0.1", 0);
  bsd_address.sin_family = 0x0210;  // BSD's form: length 16, family 2
  const std::array<std::uint8_t, 4> pad{};
  const std::array<std::uint8_t, 8> eight{};
  struct Case {
    const char* what;
    ByteVector bytes;
    ParseError error;
  };
  const std::vector<Case> cases{
      {"no sockaddr", message_with(source(1, 32)), ParseError::BadAddress},
      {"an unknown family", message_with(source(3, 32), unix_address), ParseError::UnknownFamily},
      {"BSD's sockaddr", message_with(source(3, 32), bsd_address), ParseError::UnknownFamily},
      {"IPv4 with 33 bits", message_with(source(3, 33), v4("20.0.0.1", 0)), ParseError::BadAddress},
      {"IPv6 with 129 bits", message_with(source(5, 129), v6("fd00::1", 0), pad), ParseError::BadAddress},
      {"IPv6 in the room of IPv4", message_with(source(3, 32), v6("fd00::1", 0), pad), ParseError::BadAddress},
      {"IPv4 in the room of IPv6", message_with(source(4, 32), v4("20.0.0.1", 0), eight),
       ParseError::BadExtensionLength},
  };
  for (const Case& c : cases) EXPECT_EQ(error_of(c.bytes), c.error) << c.what;
}

}  // namespace
}  // namespace testudo::wire::pfkey
