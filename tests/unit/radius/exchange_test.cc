// RADIUS with the packets of RFC 2865 section 7, and servers that are silent, slow, or not those that they seem to be.
#include "radius/exchange.h"

#include <gtest/gtest.h>

#include "crypto/ike/prf.h"

namespace testudo::radius {
namespace {

using std::chrono::seconds;
using wire::radius::Attributes;
using wire::radius::Code;
namespace type = wire::radius::type;

const std::string kSecret = "xyzzy5461";
// Section 7.1, and 7.3.
constexpr Authenticator kNemo{0x0f, 0x40, 0x3f, 0x94, 0x73, 0x97, 0x80, 0x57,
                              0xbd, 0x83, 0xd5, 0xcb, 0x98, 0xf4, 0x22, 0x7a};
constexpr Authenticator kMopsy{0xf3, 0xa4, 0x7a, 0x1f, 0x6a, 0x6d, 0x76, 0x71,
                               0x0b, 0x94, 0x7a, 0xb9, 0x30, 0x41, 0xa0, 0x39};
const ByteVector kAccept{0x02, 0x00, 0x00, 0x26, 0x86, 0xfe, 0x22, 0x0e, 0x76, 0x24, 0xba, 0x2a, 0x10,
                         0x05, 0xf6, 0xbf, 0x9b, 0x55, 0xe0, 0xb2, 0x06, 0x06, 0x00, 0x00, 0x00, 0x01,
                         0x0f, 0x06, 0x00, 0x00, 0x00, 0x00, 0x0e, 0x06, 0xc0, 0xa8, 0x01, 0x03};

ByteVector challenge_of_the_rfc() {
  ByteVector packet{0x0b, 0x02, 0x00, 0x4e, 0x36, 0xf3, 0xc8, 0x76, 0x4a, 0xe8, 0xc7,
                    0x11, 0x57, 0x40, 0x3c, 0x0c, 0x71, 0xff, 0x9c, 0x45, 0x12, 0x30};
  const std::string words = "Challenge 32769430.  Enter response at prompt.", state = "32769430";
  packet.insert(packet.end(), words.begin(), words.end());
  packet.insert(packet.end(), {0x18, 0x0a});
  packet.insert(packet.end(), state.begin(), state.end());
  return packet;
}

TEST(RadiusProof, APasswordIsHiddenAsInTheRfc) {
  EXPECT_EQ(
      hide_password(as_bytes("arctangent"), as_bytes(kSecret), kNemo),
      (ByteVector{0x0d, 0xbe, 0x70, 0x8d, 0x93, 0xd4, 0x13, 0xce, 0x31, 0x96, 0xe4, 0x3f, 0x78, 0x2a, 0x0a, 0xee}));
  EXPECT_EQ(
      hide_password(as_bytes("challenge"), as_bytes(kSecret), kMopsy),
      (ByteVector{0x33, 0x65, 0x75, 0x73, 0x77, 0x82, 0x89, 0xb5, 0x70, 0x88, 0x5e, 0x15, 0x08, 0x48, 0x25, 0xc5}));
  // Each block depends on the one before; computed with hashlib of Python.
  EXPECT_EQ(
      hide_password(as_bytes("a password that needs three blocks"), as_bytes(kSecret), kNemo),
      (ByteVector{0x0d, 0xec, 0x63, 0x98, 0x81, 0xc9, 0x03, 0xc4, 0x2d, 0x86, 0xc4, 0x4b, 0x10, 0x4b, 0x7e, 0xce,
                  0xcd, 0x58, 0x94, 0xea, 0xbf, 0x6d, 0xb2, 0x32, 0x74, 0xbf, 0xda, 0x63, 0xda, 0x89, 0x15, 0xfc,
                  0x76, 0xf4, 0x81, 0xdb, 0xd5, 0x63, 0x1f, 0xf3, 0x7a, 0x2c, 0xf7, 0x69, 0xd7, 0x78, 0x88, 0x4f}));
  EXPECT_EQ(hide_password({}, as_bytes(kSecret), kNemo).size(), 16U);
  EXPECT_EQ(hide_password(as_bytes(std::string(17, 'x')), as_bytes(kSecret), kNemo).size(), 32U);
}

TEST(RadiusProof, TheAnswersOfTheRfcAreGenuineAndNothingElseIs) {
  const auto accept = wire::radius::parse(kAccept);
  EXPECT_TRUE(is_answer_to(*accept, kNemo, as_bytes(kSecret)));
  EXPECT_FALSE(is_answer_to(*accept, kMopsy, as_bytes(kSecret)));
  EXPECT_FALSE(is_answer_to(*accept, kNemo, as_bytes("xyzzy5462")));
  const ByteVector challenge = challenge_of_the_rfc();
  EXPECT_TRUE(is_answer_to(*wire::radius::parse(challenge), kMopsy, as_bytes(kSecret)));
  for (std::size_t i = 0; i < kAccept.size(); ++i) {
    ByteVector changed = kAccept;
    changed[i] ^= 1;
    const auto packet = wire::radius::parse(changed);
    EXPECT_FALSE(packet && is_answer_to(*packet, kNemo, as_bytes(kSecret))) << i;
  }
}

// What is expected here and below was computed with hmac and hashlib of Python.
TEST(RadiusProof, MessageAuthenticatorComesFirstAndProvesAllOfTheRequest) {
  Attributes all;
  all.add(type::kUserName, "nemo");
  const ByteVector request = access_request(0, kNemo, all.bytes(), as_bytes(kSecret));
  const auto packet = wire::radius::parse(request);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->attributes.front().type, type::kMessageAuthenticator);
  EXPECT_EQ(message_proof(*packet, kNemo, as_bytes(kSecret)), MessageProof::Right);
  EXPECT_EQ(message_proof(*packet, kNemo, as_bytes("other")), MessageProof::Wrong);
  const Bytes value = packet->attributes.front().value;
  EXPECT_EQ(ByteVector(value.begin(), value.end()), (ByteVector{0xa2, 0x87, 0xe7, 0x2e, 0xf5, 0x3f, 0x2a, 0x9d, 0x24,
                                                                0x2f, 0xaf, 0x8a, 0x14, 0x9d, 0xf3, 0xed}));
}

TEST(RadiusProof, AnAccountingRequestProvesItself) {
  Attributes all;
  all.add_number(type::kAcctStatusType, 1);
  const ByteVector request = accounting_request(5, all.bytes(), as_bytes(kSecret));
  EXPECT_EQ(
      ByteVector(request.begin() + 4, request.begin() + 20),
      (ByteVector{0x38, 0xb5, 0x4a, 0x38, 0x66, 0x3b, 0x11, 0xd6, 0x5f, 0xc0, 0x7f, 0x4e, 0xe2, 0x1a, 0x14, 0x30}));
}

// ---- exchanges

enum class Signed { Not, Rightly, Wrongly };

ByteVector request_of(const std::string& secret = kSecret) {
  Attributes all;
  all.add(type::kUserName, "nemo");
  return access_request(7, kNemo, all.bytes(), as_bytes(secret));
}

/// An answer to that, as a server makes it, to which the request's authenticator is known.
ByteVector answer(Code code, Attributes all = {}, Signed proof = Signed::Rightly, std::uint8_t id = 7,
                  const std::string& secret = kSecret) {
  if (proof != Signed::Not) all.add(type::kMessageAuthenticator, ByteVector(16));
  ByteVector made = wire::radius::compose(code, id, kNemo, all.bytes());
  if (proof == Signed::Rightly) {
    const Secret value = crypto::ike::prf(*crypto::ike::hash_by_name("md5"), as_bytes(secret), {made});
    std::ranges::copy(value.expose(), made.end() - 16);
  }
  const ByteVector authenticator = answer_authenticator(*wire::radius::parse(made), kNemo, as_bytes(secret));
  std::ranges::copy(authenticator, made.begin() + 4);
  return made;
}

Exchange exchange_with(std::vector<std::string> names, Proof proof = Proof::Required, Patience patience = {}) {
  std::vector<Server> servers;
  for (std::string& name : names) servers.push_back({std::move(name), Secret{as_bytes(kSecret)}, request_of()});
  return Exchange{std::move(servers), patience, proof};
}

TEST(RadiusExchange, AnAcceptSaysWhatTheUserIsGiven) {
  Attributes all;
  all.add(type::kFramedIpAddress, ByteVector{10, 77, 0, 9});
  all.add(type::kFramedIpNetmask, ByteVector{255, 255, 255, 0});
  all.add(type::kClass, "gold");
  all.add(type::kClass, "x");
  all.add(type::kReplyMessage, "Hello \"nemo\"\n");
  Exchange exchange = exchange_with({"one"});
  const auto said = exchange.take(0, answer(Code::AccessAccept, std::move(all)));
  ASSERT_TRUE(said);
  EXPECT_EQ(said->kind, Said::Kind::Accept);
  EXPECT_EQ(said->server, "one");
  EXPECT_EQ(said->message, "Hello ?nemo??");
  EXPECT_EQ(said->address->to_string(), "10.77.0.9");
  EXPECT_EQ(said->netmask->to_string(), "255.255.255.0");
  EXPECT_EQ(said->classes, (ByteVector{4, 'g', 'o', 'l', 'd', 1, 'x'}));
  Attributes again;
  add_classes(again, said->classes);
  EXPECT_EQ(ByteVector(again.bytes().begin(), again.bytes().end()),
            (ByteVector{25, 6, 'g', 'o', 'l', 'd', 25, 3, 'x'}));
}

TEST(RadiusExchange, AddressesThatMeanOnesOfOurOwnAreNone) {
  for (const std::uint8_t last : {std::uint8_t{0xfe}, std::uint8_t{0xff}}) {
    Attributes all;
    all.add(type::kFramedIpAddress, ByteVector{255, 255, 255, last});
    const auto said = exchange_with({"one"}).take(0, answer(Code::AccessAccept, std::move(all)));
    ASSERT_TRUE(said);
    EXPECT_FALSE(said->address);
  }
}

TEST(RadiusExchange, RejectAndChallengeAreNoAccept) {
  Exchange exchange = exchange_with({"one"});
  EXPECT_EQ(exchange.take(0, answer(Code::AccessReject))->kind, Said::Kind::Reject);
  EXPECT_EQ(exchange.take(0, answer(Code::AccessChallenge))->kind, Said::Kind::Challenge);
  EXPECT_FALSE(exchange.take(0, answer(Code::AccountingResponse))) << "nobody asked for that";
  EXPECT_FALSE(exchange.take(0, answer(Code::AccessRequest)));
}

TEST(RadiusExchange, WhatNobodyWithTheSecretMadeForThisRequestIsNoAnswer) {
  Exchange exchange = exchange_with({"one"});
  exchange.next(Time{});
  EXPECT_FALSE(exchange.take(0, answer(Code::AccessAccept, {}, Signed::Rightly, 8))) << "another identifier";
  EXPECT_FALSE(exchange.take(0, answer(Code::AccessAccept, {}, Signed::Rightly, 7, "other")));
  EXPECT_NE(exchange.failure().find("one, its answer is not made with this secret"), std::string::npos);
  EXPECT_FALSE(exchange.take(0, answer(Code::AccessAccept, {}, Signed::Wrongly)));
  EXPECT_NE(exchange.failure().find("wrong Message-Authenticator"), std::string::npos);
  EXPECT_FALSE(exchange.take(0, as_bytes("what is this")));
  EXPECT_NE(exchange.failure().find("cannot be read"), std::string::npos);
  EXPECT_TRUE(exchange.take(0, answer(Code::AccessAccept))) << "the right one still counts";
}

/// CVE-2024-3596: who stands in between can make an Accept of a Reject, but for this attribute.
TEST(RadiusExchange, AnAnswerWithoutMessageAuthenticatorIsNotBelievedUnlessTheConfigurationSaysSo) {
  const ByteVector bare = answer(Code::AccessAccept, {}, Signed::Not);
  Exchange careful = exchange_with({"one"});
  EXPECT_FALSE(careful.take(0, bare));
  EXPECT_NE(careful.failure().find("has no Message-Authenticator"), std::string::npos);
  Exchange trusting = exchange_with({"one"}, Proof::Optional);
  EXPECT_TRUE(trusting.take(0, bare));
  EXPECT_FALSE(trusting.take(0, answer(Code::AccessAccept, {}, Signed::Wrongly)));
}

TEST(RadiusExchange, ServersTakeTurnsUntilEachWasAskedSoOften) {
  Exchange exchange = exchange_with({"one", "two"}, Proof::Required, {seconds{3}, 2});
  Time now{};
  std::vector<std::size_t> asked;
  for (int i = 0; i < 100; ++i) {
    const auto next = exchange.next(now);
    if (!next.wait) break;
    if (next.send) {
      asked.push_back(*next.send);
      EXPECT_EQ(*next.wait, now + seconds{3});
    } else {
      now = *next.wait;
    }
  }
  EXPECT_EQ(asked, (std::vector<std::size_t>{0, 1, 0, 1}));
  EXPECT_EQ(now, Time{} + seconds{12});
  EXPECT_EQ(exchange.failure(), "no RADIUS server answers: one, silence; two, silence");
}

TEST(RadiusExchange, NobodyWaitsForAHostThatDoesNotListenWhenThereIsAnother) {
  Exchange exchange = exchange_with({"one", "two"});
  EXPECT_EQ(exchange.next(Time{}).send, 0U);
  EXPECT_FALSE(exchange.next(Time{}).send);
  exchange.unreachable(0);
  EXPECT_EQ(exchange.next(Time{}).send, 1U);
  EXPECT_FALSE(exchange.next(Time{}).send);
  Exchange alone = exchange_with({"one"});
  EXPECT_EQ(alone.next(Time{}).send, 0U);
  alone.unreachable(0);
  EXPECT_FALSE(alone.next(Time{}).send) << "it may just be starting";
  EXPECT_EQ(alone.next(Time{} + seconds{3}).send, 0U);
}

TEST(RadiusExchange, WithoutAServerThereIsNobodyToAsk) {
  Exchange exchange = exchange_with({});
  const auto next = exchange.next(Time{});
  EXPECT_FALSE(next.send || next.wait);
}

}  // namespace
}  // namespace testudo::radius
