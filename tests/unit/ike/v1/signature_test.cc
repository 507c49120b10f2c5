// Main mode with RSA signatures: whom a machine believes, and what both sides say when it does not.
#include "ike/v1/signature.h"

#include <gtest/gtest.h>

#include "ike/plain_keys.h"
#include "support/certificates.h"
#include "unit/ike/pair.h"

namespace testudo::ike::v1 {
namespace {

using crypto::ike::Credentials;
using crypto::ike::RsaPrivateKey;
using crypto::ike::Trust;
using test::default_policy;
using test::Pair;
using test::Side;
using testudo::test::Party;

struct Signed : Pair {
  Signed() : Pair(default_policy()) {
    for (Side* side : {&a, &b}) {
      side->keys.of.clear();
      Remote& remote = block(*side);
      remote.proposals[0].authentication = v1wire::oakley::kRsaSignature;
      remote.my_identifier = Identity{v1wire::IdType::DerDn, {}};
      trust(*side, {ca().certificate()});
    }
    own(a, anna());
    own(b, bert());
  }
  static Remote& block(Side& side) { return side.policy.remotes[0]; }
  static void own(Side& side, const Party& who, const std::string& more = "") {
    auto loaded = Credentials::load(who.certificate() + more, who.key());
    ASSERT_TRUE(loaded) << loaded.error();
    block(side).credentials = std::make_shared<const Credentials>(*std::move(loaded));
  }
  static void trust(Side& side, const std::vector<std::string>& texts) {
    block(side).trust = std::make_shared<const Trust>(*Trust::load(texts));
  }
  // Made once: keys take time.
  static const Party& ca() {
    static const Party made{{.name = "CA", .is_ca = true}};
    return made;
  }
  static const Party& anna() {
    static const Party made{{.name = "anna", .issuer = &ca(), .alt_names = "DNS:anna.example,email:anna@example.org"}};
    return made;
  }
  static const Party& bert() {
    static const Party made{{.name = "bert", .issuer = &ca(), .alt_names = "DNS:bert.example,IP:192.0.2.2"}};
    return made;
  }
  void refused_by_b(const std::string& attribute, const std::string& words) {
    want(a);
    ASSERT_FALSE(b.refusals.empty()) << words;
    EXPECT_EQ(b.refusals[0].why.attribute, attribute);
    EXPECT_NE(sentence(b.refusals[0]).find(words), std::string::npos) << sentence(b.refusals[0]);
    EXPECT_TRUE(a.in.empty());
    EXPECT_TRUE(b.in.empty());
    EXPECT_FALSE(a.refusals.empty()) << "the other side is told";
  }
};

Identity dns(const std::string& name) {
  return {v1wire::IdType::Fqdn, {name.begin(), name.end()}};
}

TEST(Signatures, CertificatesOfOneCaMakeAPairOfSas) {
  Signed p;
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
  EXPECT_EQ(p.datagrams, 9U);
  const auto& sa = *p.b.machine().v1().sas().begin()->second;
  EXPECT_EQ(sa.peer.to_string(), "O = Example, CN = anna");
  EXPECT_EQ(sa.peer_certificate, Signed::block(p.a).credentials->certificate().der());
  Pair without;
  without.want(without.a);
  EXPECT_TRUE(without.b.machine().v1().sas().begin()->second->peer_certificate.empty());
}

TEST(Signatures, AreRightWhenTheyTakeTheirTime) {
  for (const auto mode : {v1wire::Exchange::Main, v1wire::Exchange::Aggressive, v1wire::Exchange::Base}) {
    Signed p;
    p.a.computes_at_once = p.b.computes_at_once = false;
    for (Side* side : {&p.a, &p.b}) Signed::block(*side).exchange_modes = {mode};
    p.want(p.a);
    EXPECT_TRUE(p.keyed_alike()) << v1wire::name_of(mode);
  }
}

TEST(Signatures, OfEachSideAreVerifiedOnceAndBesideTheMachine) {
  Signed p;
  // Both: a value, g^xy (the responder's come together), a signature of its own, and the peer's.
  EXPECT_EQ(p.work_of(p.a, Wanted{p.request()}), 7U);
  EXPECT_TRUE(p.keyed_alike());
}

TEST(Signatures, OthersAreAnsweredWhileOneIsVerified) {
  Signed p;
  p.b.computes_at_once = false;
  p.event(p.a, Wanted{p.request()});
  ByteVector fifth;
  p.link = [&](unsigned, ByteVector& datagram) {
    if (datagram.size() > 28 && (datagram[19] & 1) != 0) fifth = datagram;
    return 1U;
  };
  p.deliver();
  p.compute(p.b);  // its value
  p.deliver();
  ASSERT_EQ(p.b.work.size(), 1U) << "of the certificates in message 5";
  ASSERT_FALSE(fifth.empty());
  for (int i = 0; i < 50; ++i) p.event(p.b, Received{{p.b.here, 500}, {p.a.here, 500}, fifth});
  EXPECT_EQ(p.b.work.size(), 1U) << "the same again begins nothing";
  const unsigned before = p.datagrams;
  ByteVector first = fifth;
  Signed other;
  other.link = [&](unsigned, ByteVector& datagram) {
    first = datagram;
    return 0U;
  };
  other.event(other.a, Wanted{other.request()});
  std::ranges::fill(std::span{first}.first(8), std::uint8_t{9});  // of another negotiation
  p.event(p.b, Received{{p.b.here, 500}, {test::address("198.51.100.7"), 500}, first});
  EXPECT_EQ(p.datagrams, before + 1) << "message 2 to somebody else";
  p.settle();
  EXPECT_TRUE(p.a.in.size() == 1 && p.b.in.size() == 1);
}

TEST(Signatures, AreRefusedAlikeWhenTheyTakeTheirTime) {
  for (const auto mode : {v1wire::Exchange::Main, v1wire::Exchange::Aggressive, v1wire::Exchange::Base}) {
    const Party stranger{{.name = "anna"}};
    Signed p;
    p.a.computes_at_once = p.b.computes_at_once = false;
    for (Side* side : {&p.a, &p.b}) Signed::block(*side).exchange_modes = {mode};
    Signed::own(p.a, stranger);
    p.refused_by_b("certificate", "CN = anna");
  }
}

TEST(Signatures, AggressiveAndBaseModeBelieveTheSame) {
  for (const auto mode : {v1wire::Exchange::Aggressive, v1wire::Exchange::Base}) {
    Signed p;
    for (Side* side : {&p.a, &p.b}) Signed::block(*side).exchange_modes = {mode};
    p.want(p.a);
    EXPECT_TRUE(p.keyed_alike());
    EXPECT_EQ(p.a.machine().v1().sas().begin()->second->mode, mode);
    EXPECT_EQ(p.b.machine().v1().sas().begin()->second->peer.to_string(), "O = Example, CN = anna");
    Signed q;
    for (Side* side : {&q.a, &q.b}) Signed::block(*side).exchange_modes = {mode};
    Signed::block(q.b).peers_identifiers = {dns("carl.example")};
    q.refused_by_b("identifier", "ours: carl.example; theirs: O = Example, CN = anna");
    Signed r;
    for (Side* side : {&r.a, &r.b}) Signed::block(*side).exchange_modes = {mode};
    Signed::block(r.a).my_identifier = dns("bert.example");
    r.refused_by_b("identifier", "a name in its certificate");
  }
}

TEST(Signatures, NamesOfSubjectAltNameAreIdentifiers) {
  Signed p;
  Signed::block(p.a).my_identifier = dns("Anna.Example");
  Signed::block(p.b).my_identifier.reset();  // its address
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
}

TEST(Signatures, NameThatTheCertificateDoesNotBearIsRefused) {
  for (const char* name : {"bert.example", "anna.example.org", "anna"}) {
    Signed p;
    Signed::block(p.a).my_identifier = dns(name);
    p.refused_by_b("identifier", "a name in its certificate: O = Example, CN = anna, anna.example");
  }
}

TEST(Signatures, PeersIdentifierIsAskedFor) {
  Signed p;
  Signed::block(p.b).peers_identifiers = {{v1wire::IdType::DerDn, *crypto::ike::name_of_text("O=Example, CN=anna")}};
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
  Signed q;
  Signed::block(q.b).peers_identifiers = {{v1wire::IdType::DerDn, *crypto::ike::name_of_text("O=Example, CN=ann*")}};
  q.refused_by_b("identifier", "ours: O = Example, CN = ann*; theirs: O = Example, CN = anna");
}

TEST(Signatures, AsteriskOfTheFileIsAnyValueAndThatOfThePeerIsNone) {
  const auto name = [](const char* text) { return Identity{v1wire::IdType::DerDn, *crypto::ike::name_of_text(text)}; };
  for (const char* wanted : {"O=Example, CN=*", "O=*, CN=anna", "O=*, CN=*"}) {
    Signed p;
    Signed::block(p.b).peers_identifiers = {name(wanted)};
    p.want(p.a);
    EXPECT_TRUE(p.keyed_alike()) << wanted;
  }
  for (const char* wanted : {"O=Other, CN=*", "CN=*", "O=*, OU=*", "O=Example, CN=*, OU=*", "O=Example, CN=a*"}) {
    Signed p;
    Signed::block(p.b).peers_identifiers = {name(wanted)};
    p.refused_by_b("identifier", "theirs: O = Example, CN = anna");
  }
  const Party star{{.name = "*", .issuer = &Signed::ca()}};
  Signed p;
  p.own(p.a, star);
  Signed::block(p.b).peers_identifiers = {name("O=Example, CN=anna")};
  p.refused_by_b("identifier", "theirs: O = Example, CN = *");
}

TEST(Signatures, CertificateOfAnotherCaIsNotBelieved) {
  const Party other{{.name = "other CA", .is_ca = true}};
  Signed p;
  p.trust(p.b, {other.certificate()});
  p.refused_by_b("certificate", "unable to get local issuer certificate");
  EXPECT_NE(sentence(p.a.refusals[0]).find("certificate is not believed; ours: O = Example, CN = anna"),
            std::string::npos)
      << sentence(p.a.refusals[0]);
}

TEST(Signatures, ExpiredRevokedAndSelfSignedCertificatesAreNotBelieved) {
  const Party expired{{.name = "late", .issuer = &Signed::ca(), .begins = -7200, .ends = -3600}};
  const Party self{{.name = "self"}};
  Signed p;
  p.own(p.a, expired);
  p.refused_by_b("certificate", "certificate has expired");
  Signed q;
  q.own(q.a, self);
  q.refused_by_b("certificate", "self");
  Signed r;
  r.trust(r.b, {Signed::ca().certificate(), Signed::ca().crl_with(Signed::anna())});
  r.refused_by_b("certificate", "certificate revoked");
  Signed s;
  s.trust(s.b, {Signed::ca().certificate(), Signed::ca().crl_with(Signed::bert())});
  s.want(s.a);
  EXPECT_TRUE(s.keyed_alike()) << "another one is on the list";
}

/// `peers_certfile x509` at b, about a, which sends none.
struct Known : Signed {
  explicit Known(const Party& file, std::vector<std::string> trusted = {ca().certificate()}) {
    block(a).send_cert = false;
    block(b).peers_certificate_file = "anna.pem";
    block(b).peers_certificate =
        std::make_shared<const crypto::ike::Certificate>(*crypto::ike::read_certificate(file.certificate()));
    trusted.push_back(file.certificate());  // as racoon does: it may have signed itself
    trust(b, trusted);
  }
};

TEST(Signatures, ACertificateOfAFileNeedsNotBeSent) {
  for (const auto mode : {v1wire::Exchange::Main, v1wire::Exchange::Aggressive, v1wire::Exchange::Base}) {
    Known p{Signed::anna()};
    for (Side* side : {&p.a, &p.b}) Signed::block(*side).exchange_modes = {mode};
    p.want(p.a);
    EXPECT_TRUE(p.keyed_alike());
    EXPECT_EQ(p.b.machine().v1().sas().begin()->second->peer.to_string(), "O = Example, CN = anna");
  }
}

TEST(Signatures, ACertificateOfAFileMayBeOutOfDateOrHaveSignedItself) {
  const Party expired{{.name = "late", .issuer = &Signed::ca(), .begins = -7200, .ends = -3600}};
  const Party self{{.name = "self"}};
  for (const Party* file : {&expired, &self}) {
    Known p{*file};
    p.own(p.a, *file);
    p.want(p.a);
    EXPECT_TRUE(p.keyed_alike());
  }
}

TEST(Signatures, BesidesTheOneOfTheFileNoCertificateIsBelieved) {
  Known p{Signed::anna()};
  const Party other{{.name = "anna", .issuer = &Signed::ca()}};
  p.own(p.a, other);
  Signed::block(p.a).send_cert = true;
  p.refused_by_b("signature", "the certificate that is in that file here");
}

TEST(Signatures, TheOneOfTheFileIsVerified) {
  Known p{Signed::anna(), {}};
  p.refused_by_b("certificate",
                 "ours: anna.pem; theirs: O = Example, CN = anna: unable to get local issuer certificate");
  Known q{Signed::anna(), {Signed::ca().certificate(), Signed::ca().crl_with(Signed::anna())}};
  q.refused_by_b("certificate", "certificate revoked");
  const Party early{{.name = "early", .issuer = &Signed::ca(), .begins = 3600, .ends = 7200}};
  Known r{early};
  r.own(r.a, early);
  r.refused_by_b("certificate", "not yet valid");
  Known s{Signed::anna(), {}};
  Signed::block(s.b).verify_cert = false;
  Signed::block(s.b).trust = nullptr;
  s.want(s.a);
  EXPECT_TRUE(s.keyed_alike()) << "verify_cert off";
}

TEST(Signatures, ChainBelowTheAnchorIsSent) {
  const Party middle{{.name = "middle", .issuer = &Signed::ca(), .is_ca = true}};
  const Party leaf{{.name = "leaf", .issuer = &middle}};
  Signed p;
  p.own(p.a, leaf, middle.certificate());
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
  Signed q;
  q.own(q.a, leaf);
  q.refused_by_b("certificate", "unable to get local issuer certificate");
  // What is no CA signs nothing.
  const Party forged{{.name = "forged", .issuer = &Signed::bert()}};
  Signed r;
  r.own(r.a, forged, Signed::bert().certificate());
  r.refused_by_b("certificate", "CA");
}

TEST(Signatures, StolenCertificateIsOfNoUseWithoutItsKey) {
  Signed p;
  Signed thief;
  p.want(p.a);
  // The signature of another negotiation, or none at all, proves nothing: the handler sees only the payloads.
  IkeSa sa;
  sa.policy = std::make_shared<Policy>(p.b.policy);
  sa.block = &sa.policy->remotes[0];
  v1wire::ChainWriter out;
  IkeSa annas;
  annas.policy = std::make_shared<Policy>(p.a.policy);
  annas.block = &annas.policy->remotes[0];
  const ByteVector proof(32, 1), other(32, 2);
  ASSERT_TRUE(add_signature(out, annas, proof));
  const ByteVector bytes = out.bytes();
  const auto chain = v1wire::walk(out.first(), bytes);
  ASSERT_TRUE(chain);
  const Identity name{v1wire::IdType::DerDn, annas.block->credentials->certificate().subject()};
  EXPECT_TRUE(check_signature(sa, *chain, proof, name));
  const auto wrong = check_signature(sa, *chain, other, name);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().attribute, "signature");
  EXPECT_FALSE(check_signature(sa, *chain, {}, name));
}

TEST(Signatures, MethodThatDiffersIsNamed) {
  Signed p;
  Signed::block(p.b).proposals[0].authentication = v1wire::oakley::kPreSharedKey;
  p.want(p.a);
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_NE(
      sentence(p.b.refusals[0]).find("authentication method does not match; ours: pre_shared_key; theirs: rsasig"),
      std::string::npos);
}

/// The server b has a certificate, the client a has but a password.
struct Hybrid : Signed {
  Hybrid() {
    for (Side* side : {&a, &b}) block(*side).proposals[0].authentication = v1wire::oakley::kHybridInitiatorRsa;
    block(a).proposals[0].xauth = Xauth::Client;
    block(b).proposals[0].xauth = Xauth::Server;
    block(a).credentials.reset();
    block(a).my_identifier.reset();
    block(b).trust.reset();
    block(a).xauth_login = "anna";
    a.keys.of["anna"] = "tulip";
    b.accounts["anna"] = "tulip";
  }
};

TEST(Hybrid, TheServersCertificateAndTheClientsPasswordAreEnough) {
  for (const auto mode : {v1wire::Exchange::Main, v1wire::Exchange::Aggressive}) {
    Hybrid p;
    for (Side* side : {&p.a, &p.b}) Signed::block(*side).exchange_modes = {mode};
    p.want(p.a);
    EXPECT_TRUE(p.keyed_alike());
    EXPECT_EQ(p.b.questions.size(), 1U);
  }
}

TEST(Hybrid, WithoutThePasswordThereIsNothing) {
  Hybrid p;
  p.a.keys.of["anna"] = "rose";
  p.want(p.a);
  EXPECT_TRUE(p.b.in.empty());
  EXPECT_EQ(p.b.count(Fact::LoginFailed), 1U);
}

TEST(Hybrid, AServerOfAnotherCaHearsNoPassword) {
  Hybrid p;
  static const Party other{{.name = "other CA", .is_ca = true}};
  Signed::trust(p.a, {other.certificate()});
  p.want(p.a);
  EXPECT_TRUE(p.b.questions.empty());
  ASSERT_FALSE(p.a.refusals.empty());
  EXPECT_EQ(p.a.refusals[0].why.attribute, "certificate");
}

TEST(Hybrid, TwoServersOrTwoClientsDoNotMeet) {
  Hybrid p;
  Signed::block(p.b).proposals[0].xauth = Xauth::Client;
  p.want(p.a);
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_EQ(p.b.refusals[0].why.attribute, "authentication method");
}

/// Both have keys without certificates; `of_anna` says whose the file of b takes hers for.
struct Plain : Signed {
  explicit Plain(const KeyScope& of_anna = {}, const Party& annas = anna()) {
    for (Side* side : {&a, &b}) {
      block(*side).credentials.reset();
      block(*side).trust.reset();
      block(*side).my_identifier.reset();
    }
    give(a, annas, bert(), {});
    give(b, bert(), anna(), of_anna);
  }
  static RsaPrivateKey key_of(const Party& who) { return *RsaPrivateKey::of_pem(who.key()); }
  static void give(Side& side, const Party& own, const Party& peer, const KeyScope& scope) {
    PlainKeys mine, theirs;
    mine.own.push_back({{}, key_of(own)});
    theirs.peers.push_back({scope, key_of(peer).public_key()});
    block(side).plain_own = std::make_shared<const PlainKeys>(std::move(mine));
    block(side).plain_peers = std::make_shared<const PlainKeys>(std::move(theirs));
    block(side).plain_peers_file = "peers";
    block(side).plain_key_file = "own";
  }
  static void add(Side& side, const Party& peer, const KeyScope& scope) {
    PlainKeys more = *block(side).plain_peers;
    more.peers.push_back({scope, key_of(peer).public_key()});
    block(side).plain_peers = std::make_shared<const PlainKeys>(std::move(more));
  }
  bool established() {
    want(a);
    return keyed_alike() && a.refusals.empty() && b.refusals.empty();
  }
};

const KeyScope kOfAnna{{}, {}, "anna.example"};

TEST(PlainSignatures, KeysWithoutCertificatesMakeAPairOfSasInEveryMode) {
  for (const auto mode : {v1wire::Exchange::Main, v1wire::Exchange::Aggressive, v1wire::Exchange::Base}) {
    Plain p;
    for (Side* side : {&p.a, &p.b}) Signed::block(*side).exchange_modes = {mode};
    EXPECT_TRUE(p.established());
  }
}

TEST(PlainSignatures, WhoHoldsAnotherKeyIsNotBelievedInAnyMode) {
  static const Party mallory{{.name = "mallory"}};
  for (const auto mode : {v1wire::Exchange::Main, v1wire::Exchange::Aggressive, v1wire::Exchange::Base}) {
    Plain p{{}, mallory};
    for (Side* side : {&p.a, &p.b}) Signed::block(*side).exchange_modes = {mode};
    p.refused_by_b("signature", "the peer does not hold the private key of the public one in peers here");
    EXPECT_NE(sentence(p.a.refusals[0]).find("RSA key is not believed; ours: RSA 1024"), std::string::npos)
        << sentence(p.a.refusals[0]);
  }
}

TEST(PlainSignatures, NameWithALineIsProvedByItsKey) {
  Plain p{kOfAnna};
  Signed::block(p.a).my_identifier = dns("anna.example");
  EXPECT_TRUE(p.established());
  EXPECT_TRUE(key_proves_name(*p.b.machine().v1().sas().begin()->second, dns("anna.example")));
  Plain q{kOfAnna};
  Signed::block(q.a).my_identifier = dns("anna.example");
  Signed::block(q.b).peers_identifiers = {dns("carl.example")};
  q.refused_by_b("identifier", "ours: carl.example; theirs: anna.example");
}

TEST(PlainSignatures, NobodyTakesTheNameOfAnotherByAKeyOfItsOwn) {
  static const Party mallory{{.name = "mallory"}};
  Plain p{kOfAnna, mallory};
  Plain::add(p.b, mallory, {{}, {}, "mallory.example"});
  Signed::block(p.a).my_identifier = dns("anna.example");
  p.refused_by_b("signature", "is wrong");
  // Keys for anybody, several: the configuration's names are not proved by any of them.
  Plain q{{}, mallory};
  Plain::add(q.b, mallory, {});
  Signed::block(q.a).my_identifier = dns("anna.example");
  Signed::block(q.b).peers_identifiers = {dns("anna.example")};
  q.refused_by_b("identifier", "write \"@anna.example : PUB 0s...\" in peers");
}

TEST(PlainSignatures, OneKeyForAnybodyProvesANameThatTheFileExpects) {
  Plain p;
  Signed::block(p.a).my_identifier = dns("anna.example");
  Signed::block(p.b).peers_identifiers = {dns("anna.example")};
  EXPECT_TRUE(p.established());
  Plain q;
  Signed::block(q.a).my_identifier = dns("anna.example");
  q.refused_by_b("identifier", "theirs: anna.example");
}

TEST(PlainSignatures, AddressIsProvedByALineThatHasIt) {
  const auto elsewhere = Identity::of(*net::Address::parse("198.51.100.7"));
  Plain p{{{}, net::Prefix::parse("198.51.100.0/24"), ""}};
  Signed::block(p.a).my_identifier = elsewhere;
  EXPECT_TRUE(p.established());
  Plain q;
  Signed::block(q.a).my_identifier = elsewhere;
  q.refused_by_b("identifier", "write \"198.51.100.7 : PUB 0s...\" in peers");
  Plain r{{{}, net::Prefix::parse("198.51.100.8"), ""}};
  r.refused_by_b("RSA key", "no key there is for it");
}

TEST(PlainSignatures, WithoutAPrivateKeyForThePeerOurSideSaysSo) {
  Plain p;
  PlainKeys none;
  none.own.push_back({{{}, net::Prefix::parse("203.0.113.1"), ""}, Plain::key_of(Signed::anna())});
  Signed::block(p.a).plain_own = std::make_shared<const PlainKeys>(std::move(none));
  p.want(p.a);
  ASSERT_FALSE(p.a.refusals.empty());
  EXPECT_NE(sentence(p.a.refusals[0]).find("own has no private key for 192.0.2.1 192.0.2.2"), std::string::npos)
      << sentence(p.a.refusals[0]);
}

}  // namespace
}  // namespace testudo::ike::v1
