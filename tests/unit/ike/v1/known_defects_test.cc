// What a hundred and more published defects of IKE daemons come down to, class by class: each test is named after one.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>

#include "crypto/ike/rsa_key.h"
#include "support/ike_tamper.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike::v1 {
namespace {

using test::Pair;
using test::seconds;
using test::Side;
using test::Tamper;
using v1wire::Payload;

constexpr unsigned kMessages = 9;  // six of main mode, three of quick mode
constexpr std::size_t kHeaderBytes = 28, kFirstPayload = 16;

void hand(Pair& p, Side& to, Bytes bytes) {
  p.event(to, Received{{to.here, 500}, {to.there, 500}, bytes});
}

/// All datagrams of a conversation that goes well, the first one at 1.
std::vector<ByteVector> recorded(Pair& p) {
  std::vector<ByteVector> all(1);
  p.link = [&](unsigned, ByteVector& bytes) {
    all.push_back(bytes);
    return 1U;
  };
  p.want(p.a);
  p.link = [](unsigned, ByteVector&) { return 1U; };
  return all;
}

using ChangePayloads = std::function<void(Payload& first, ByteVector& payloads)>;

enum class Later : std::uint8_t { Lost, Delivered };

/// A conversation in which one message is changed, under encryption where there is one.
void converse(Pair& p, unsigned number, const ChangePayloads& change, Later later = Later::Lost) {
  Tamper tamper{p};
  p.link = [tamper, number, change, later](unsigned n, ByteVector& datagram) mutable {
    if (n > number && later == Later::Lost) return 0U;
    if (n != number) return tamper.under_encryption(datagram, {}), 1U;
    Payload first{datagram[kFirstPayload]};
    const bool encrypted = tamper.under_encryption(
        datagram, [&](ByteVector& payloads) { change(first, payloads); }, Tamper::Hash::Right);
    if (encrypted) return datagram[kFirstPayload] = static_cast<std::uint8_t>(first), 1U;
    const auto message = wire::ike::parse(datagram);
    ByteVector payloads(datagram.begin() + kHeaderBytes, datagram.end());
    change(first, payloads);
    wire::ike::Header header = message->header;
    header.next = static_cast<std::uint8_t>(first);
    datagram = wire::ike::compose(header, payloads);
    return 1U;
  };
  p.want(p.a);
}

v1wire::Chain chain_of(Payload first, Bytes payloads) {
  const auto chain = v1wire::walk(first, payloads);
  return chain ? *chain : v1wire::Chain{};
}

TEST(KnownDefects, Class1LengthsAreNotBelieved) {
  unsigned tried = 0;
  for (unsigned number = 1; number <= kMessages; ++number) {
    for (const int length : {0, 1, 3, 4, 0xffff, -1, +5}) {  // of one digit: more or less than it is
      for (std::size_t which = 0, count = 1; which < count; ++which) {
        Pair p;
        converse(p, number, [&](Payload first, ByteVector& payloads) {
          const v1wire::Chain chain = chain_of(first, payloads);
          count = chain.payloads.size();
          if (count == 1) return;  // without it there would be no message
          std::uint8_t* const at = payloads.data() + chain.payloads[which].offset + 2;
          const int right = at[0] << 8 | at[1];
          const int wrong = length == -1 || length == 5 ? right + length : length;
          at[0] = static_cast<std::uint8_t>(wrong >> 8);
          at[1] = static_cast<std::uint8_t>(wrong);
          ++tried;
        });
        EXPECT_FALSE(p.disagrees()) << "message " << number << ", payload " << which << ", length " << length;
      }
    }
  }
  EXPECT_GT(tried, 150U);
}

TEST(KnownDefects, Class2WhatIsMissingEndsTheExchange) {
  const std::set<Payload> needed{Payload::Sa, Payload::KeyExchange, Payload::Nonce, Payload::Identification,
                                 Payload::Hash};
  unsigned tried = 0;
  for (unsigned number = 1; number <= kMessages; ++number) {
    for (std::size_t which = 0, count = 1; which < count; ++which) {
      Pair p;
      Payload left{};
      converse(p, number, [&](Payload& first, ByteVector& payloads) {
        const v1wire::Chain chain = chain_of(first, payloads);
        count = chain.payloads.size();
        if (count == 1) return;  // without it there would be no message
        left = chain.payloads[which].type;
        v1wire::ChainWriter rest;
        for (const auto& each : chain.payloads) {
          if (&each != &chain.payloads[which]) rest.add(each.type, {each.body.begin(), each.body.end()});
        }
        first = rest.first();
        payloads = rest.bytes();
      });
      if (!needed.contains(left)) continue;
      ++tried;
      EXPECT_FALSE(p.keyed_alike()) << "message " << number << " without " << static_cast<int>(left);
      EXPECT_FALSE(p.disagrees());
    }
  }
  EXPECT_EQ(tried, 20U);
}

TEST(KnownDefects, Class3MessagesOfAnotherStateChangeNothing) {
  for (const unsigned reached : {0U, 1U, 3U, 5U}) {
    for (const unsigned early : {3U, 5U, 7U, 9U}) {
      if (early <= reached + 2 && reached != 0) continue;
      Pair p;
      std::vector<ByteVector> all(1);
      p.link = [&](unsigned number, ByteVector& bytes) {
        all.push_back(bytes);
        return number <= reached + 1 ? 1U : 0U;
      };
      Pair whole;
      const std::vector<ByteVector> other = recorded(whole);
      if (reached != 0) p.want(p.a);
      const unsigned before = p.b.sent;
      hand(p, p.b, other[early]);
      p.settle();
      EXPECT_TRUE(p.b.in.empty() && p.b.out.empty()) << early << " after " << reached;
      EXPECT_EQ(p.b.sent, before) << early << " after " << reached;
    }
  }
}

TEST(KnownDefects, Class4WhatIsAboutNothingIsDropped) {
  Pair p;
  for (unsigned exchange = 0; exchange < 256; ++exchange) {
    for (std::uint8_t flags = 0; flags < 8; ++flags) {
      ByteVector message(kHeaderBytes + 40, 0x11);
      message[17] = 0x10;
      message[18] = static_cast<std::uint8_t>(exchange);
      message[19] = flags;
      std::memset(message.data() + 24, 0, 4);
      message[27] = static_cast<std::uint8_t>(message.size());
      hand(p, p.b, message);
    }
  }
  EXPECT_EQ(p.b.sent, 0U);
  EXPECT_TRUE(p.b.machine().v1().sas().empty());
}

TEST(KnownDefects, Class5WhatALibraryRefusesIsNoSuccess) {
  struct Public {
    const char* group;
    int filling;
  };
  for (const auto [group, filling] :
       {Public{"modp1024", 0x00}, {"modp1024", 0xff}, {"ecp256", 0x00}, {"ecp256", 0x11}, {"curve25519", 0x00}}) {
    for (const unsigned number : {3U, 4U}) {
      Policy policy = test::default_policy();
      policy.remotes[0].proposals = {test::transform("aes", 128, "sha256", group)};
      Pair p{policy};
      const int byte = filling;
      converse(
          p, number,
          [byte](Payload first, ByteVector& payloads) {
            const auto chain = chain_of(first, payloads);
            const auto* key = chain.find(Payload::KeyExchange);
            ASSERT_NE(key, nullptr);
            std::memset(payloads.data() + key->offset + 4, byte, key->body.size());
          },
          Later::Delivered);
      const std::string what = std::string{group} + " of message " + std::to_string(number);
      EXPECT_EQ(p.a.count(Fact::Phase1Established) + p.b.count(Fact::Phase1Established), 0U) << what;
      EXPECT_TRUE(p.a.out.empty() && p.b.out.empty()) << what;
    }
  }
}

TEST(KnownDefects, Class6ControlWithoutProofIsNotObeyed) {
  Pair p;
  p.want(p.a);
  const keys::Cookies cookies = p.b.machine().v1().sas().begin()->second->cookies;
  const auto say = [&](Payload type, ByteVector body) {
    v1wire::ChainWriter payloads;
    payloads.add(type, std::move(body));
    wire::ike::Header header;
    header.initiator = cookies.initiator;
    header.responder = cookies.responder;
    header.exchange = static_cast<std::uint8_t>(v1wire::Exchange::Informational);
    header.message_id = 78;
    header.next = static_cast<std::uint8_t>(payloads.first());
    for (Side* side : {&p.a, &p.b}) hand(p, *side, wire::ike::compose(header, payloads.bytes()));
    p.settle();
  };
  say(Payload::Delete, v1wire::compose_deletion({v1wire::kDoiIpsec, ChildProtocol::Isakmp, {cookies.bytes()}}));
  for (const auto type : {v1wire::Notify::InitialContact, v1wire::Notify::AuthenticationFailed,
                          v1wire::Notify::InvalidCookie, v1wire::Notify::NoProposalChosen}) {
    v1wire::Notification notification;
    notification.type = type;
    say(Payload::Notification, v1wire::compose_notification(notification));
  }
  EXPECT_TRUE(p.keyed_alike());
  EXPECT_EQ(p.a.machine().v1().sas().size(), 1U);
  EXPECT_EQ(p.b.machine().v1().sas().size(), 1U);
}

TEST(KnownDefects, Class7SignaturesAreJudgedInFull) {
  const auto key = crypto::ike::RsaPrivateKey::generate(1024, 3);
  ASSERT_TRUE(key);
  const ByteVector hash(20, 0x5a);
  const ByteVector right = key->sign(hash);
  const auto is_taken = [&](const ByteVector& signature) { return key->public_key().is_signature_of(signature, hash); };
  ASSERT_TRUE(is_taken(right));
  for (std::size_t bit = 0; bit < right.size() * 8; ++bit) {
    ByteVector wrong = right;
    wrong[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(is_taken(wrong)) << bit;
  }
  ByteVector longer = right, shorter = right;
  longer.push_back(0);
  shorter.pop_back();
  // With the exponent 3 a cube is easy to find that begins as the right block does, and has anything behind it.
  for (const ByteVector& wrong : {longer, shorter, ByteVector{}, ByteVector(right.size()), ByteVector(right.size(), 1)})
    EXPECT_FALSE(is_taken(wrong));
}

TEST(KnownDefects, Class8NothingOldIsTakenAgain) {
  Pair p;
  const std::vector<ByteVector> all = recorded(p);
  for (const seconds later : {seconds{0}, seconds{100}}) {
    p.pass(later);
    for (const ByteVector& each : all) {
      for (Side* side : {&p.a, &p.b}) hand(p, *side, each);
      p.settle();
    }
  }
  EXPECT_EQ(p.a.in.size(), 1U);
  EXPECT_EQ(p.b.in.size(), 1U);
  EXPECT_TRUE(p.keyed_alike());
}

TEST(KnownDefects, Class9AFailureOpensNothing) {
  Pair p;
  p.b.keys.of[p.a.here.to_string()] = "another";
  p.b.remote().generate_policy = GeneratePolicy::Require;
  p.want(p.a);
  p.pass(seconds{120});
  for (const Side* side : {&p.a, &p.b}) {
    EXPECT_TRUE(side->in.empty() && side->out.empty());
    EXPECT_TRUE(side->made_policies.empty());
  }
  EXPECT_FALSE(p.a.abandoned.empty()) << "who waits is told, and its packets are dropped by its policy";
}

TEST(KnownDefects, Class10WhatIsReadIsNotWritten) {
  Pair source;
  const std::vector<ByteVector> all = recorded(source);
  const std::size_t room = 65536;
  auto* const page =
      static_cast<std::uint8_t*>(::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(page, MAP_FAILED);
  // The same conversation again; every datagram lies where nobody can write.
  Pair p;
  p.link = [&](unsigned, ByteVector& bytes) {
    ::mprotect(page, room, PROT_READ | PROT_WRITE);
    std::memcpy(page, bytes.data(), bytes.size());
    ::mprotect(page, room, PROT_READ);
    Side& to = p.datagrams % 2 == 1 ? p.b : p.a;
    hand(p, to, Bytes{page, bytes.size()});
    return 0U;
  };
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
  ::munmap(page, room);
}

TEST(KnownDefects, Class11StrangersCostAndGainLittle) {
  Pair source;
  const ByteVector first = recorded(source)[1];
  Pair p;
  std::size_t answered = 0;
  p.link = [&](unsigned, ByteVector& bytes) { return answered += bytes.size(), 0U; };
  hand(p, p.b, first);
  p.pass(seconds{120});
  EXPECT_LE(p.b.sent, 1U);
  EXPECT_LE(answered, first.size());
  // A chain of thousands of payloads, which somebody would have to walk.
  const auto message = wire::ike::parse(first);
  v1wire::ChainWriter payloads;
  for (const auto& each : chain_of(Payload{message->header.next}, message->body).payloads) {
    payloads.add(each.type, {each.body.begin(), each.body.end()});
  }
  for (int i = 0; i < 10000; ++i) payloads.add(Payload::VendorId, {});
  wire::ike::Header header = message->header;
  header.initiator ^= 1;
  hand(p, p.b, wire::ike::compose(header, payloads.bytes()));
  EXPECT_LE(p.b.sent, 1U);
}

TEST(KnownDefects, Class12FailuresLeaveNothingBehind) {
  Pair p;
  p.b.keys.of[p.a.here.to_string()] = "another";
  for (int i = 0; i < 100; ++i) {
    p.want(p.a);
    p.pass(seconds{70});
  }
  EXPECT_TRUE(p.a.machine().v1().sas().empty());
  EXPECT_TRUE(p.b.machine().v1().sas().empty());
  EXPECT_FALSE(p.b.machine().next_deadline()) << "nothing waits";
}

TEST(KnownDefects, Class13AnswersToTheDeadChangeNothing) {
  Pair p;
  p.b.answers_for_spis = false;
  p.want(p.a);
  const Spi spi = Spi{0x1234};
  p.event(p.b, Shutdown{});
  for (std::uint32_t id = 0; id < 10; ++id) {
    p.event(p.b, SpiAllocated{ChildId{id}, 0, spi});
    p.event(p.b, SpiRefused{ChildId{id}});
    p.event(p.b, InstallRefused{ChildId{id}, "late"});
    p.event(p.b, PolicyRefused{ChildId{id}, "late"});
    p.event(p.b, LoginJudged{LoginId{id}, true, ""});
  }
  p.event(p.b, Expired{ChildProtocol::Esp, spi, p.b.here, false});
  p.event(p.b, Expired{ChildProtocol::Esp, spi, p.b.here, true});
  EXPECT_TRUE(p.b.in.empty() && p.b.out.empty());
  EXPECT_TRUE(p.b.machine().v1().sas().empty());
}

TEST(KnownDefects, Class14NoByteComesFromNowhere) {
  std::vector<std::vector<ByteVector>> runs;
  for (const int filling : {0xaa, 0x55}) {
    // What is allocated later lies where this was.
    for (std::size_t size = 16; size < 100000; size += size / 3) {
      for (int i = 0; i < 8; ++i)
        ByteVector(size, static_cast<std::uint8_t>(filling)).swap(runs.emplace_back().emplace_back());
    }
    runs.resize(filling == 0xaa ? 0 : 1);
    Pair p;
    runs.push_back(recorded(p));
  }
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0], runs[1]);
}

TEST(KnownDefects, Class15PeersThatAreOnlyUnusualAreServed) {
  for (unsigned number = 1; number <= 4; ++number) {  // behind them a changed message breaks the chain of ciphertexts
    Pair p;
    converse(
        p, number,
        [&](Payload first, ByteVector& payloads) {
          v1wire::ChainWriter more;
          for (const auto& each : chain_of(first, payloads).payloads)
            more.add(each.type, {each.body.begin(), each.body.end()});
          more.add(Payload::VendorId, ByteVector(33, 0x77));
          payloads = more.bytes();
        },
        Later::Delivered);
    EXPECT_TRUE(p.keyed_alike()) << "a vendor id that nobody knows, in message " << number;
  }
  Pair p;
  converse(
      p, 3,
      [](Payload& first, ByteVector& payloads) {
        v1wire::ChainWriter turned;
        const auto chain = chain_of(first, payloads);
        for (auto each = chain.payloads.rbegin(); each != chain.payloads.rend(); ++each)
          turned.add(each->type, {each->body.begin(), each->body.end()});
        first = turned.first();
        payloads = turned.bytes();
      },
      Later::Delivered);
  EXPECT_TRUE(p.keyed_alike()) << "the nonce before the key";
}

}  // namespace
}  // namespace testudo::ike::v1
