// The thread that signs, over a real socket pair, and a child that does not keep to the rules.
#include "app/racoon/signer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>

#include "app/racoon/certificates.h"
#include "support/certificates.h"

namespace testudo::app {
namespace {

using namespace wire::racoon;
using crypto::ike::Credentials;

/// Made once: keys take time.
const Credentials& own_credentials() {
  static const testudo::test::Party party{{.name = "gate"}};
  static const Credentials loaded = *Credentials::load(party.certificate(), party.key());
  return loaded;
}

Signer::Conf conf_with_key(bool has_key = true) {
  auto conf = std::make_shared<config::RacoonConf>();
  conf->policy.remotes.resize(2);
  if (has_key) conf->policy.remotes[1].credentials = std::make_shared<const Credentials>(own_credentials());
  return conf;
}

struct Asked {
  std::promise<void> rebelled;
  std::future<void> rebellion = rebelled.get_future();
  std::pair<io::SeqPacket, io::SeqPacket> ends = *io::SeqPacket::pair();
  Signer signer{std::move(ends.first), conf_with_key(), [this] { rebelled.set_value(); }};

  Answer ask(const AskSignature& question) {
    EXPECT_EQ(ends.second.send(compose(Question{question})), io::SeqPacket::Sent::Whole);
    const auto answer = ends.second.wait_and_receive();
    return answer ? *parse_answer(*answer) : Answer{};
  }
  void is_rebellion(const ByteVector& message) {
    EXPECT_EQ(ends.second.send(message), io::SeqPacket::Sent::Whole);
    rebellion.wait();
  }
};

const ByteVector kHash(32, 7);

TEST(Signer, SignsWithAKeyOfTheConfiguration) {
  Asked a;
  const Answer answer = a.ask({fingerprint(own_credentials()), kHash});
  EXPECT_TRUE(answer.granted);
  EXPECT_TRUE(own_credentials().certificate().is_signature_of(answer.value, kHash));
}

TEST(Signer, RefusesKeysThatNoBlockHas) {
  Asked a;
  EXPECT_FALSE(a.ask({{}, kHash}).granted);
  a.signer.use(conf_with_key(false));
  EXPECT_FALSE(a.ask({fingerprint(own_credentials()), kHash}).granted) << "after a reload";
}

TEST(Signer, KnowsNoOtherQuestion) {
  Asked{}.is_rebellion(compose(Question{AskKey{"192.0.2.1"}}));
  Asked{}.is_rebellion(compose(Question{AskTable{}}));
}

TEST(Signer, TakesNoQuestionThatIsTruncatedTooLongOrUnknown) {
  const ByteVector good = compose(Question{AskSignature{fingerprint(own_credentials()), kHash}});
  ByteVector shorter = good, longer = good, unknown = good;
  shorter.pop_back();
  longer.resize(kLongest + 1);
  unknown.front() = 200;
  for (const ByteVector& message : {shorter, longer, unknown}) Asked{}.is_rebellion(message);
}

TEST(Signer, EndsWhenTheOtherSideIsGone) {
  auto ends = *io::SeqPacket::pair();
  ends.second = io::SeqPacket{io::Fd{}};
  const Signer signer{std::move(ends.first), conf_with_key(), [] {}};
}

}  // namespace
}  // namespace testudo::app
