#include "cli/setkey/session.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <deque>
#include <set>
#include <sstream>

#include "cli/setkey/print_sa.h"
#include "pfkey/policy/policy_text.h"
#include "unit/cli/setkey/dumped.h"
#include "unit/cli/setkey/support.h"

namespace testudo::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using wire::pfkey::Message;
using wire::pfkey::Type;

constexpr std::uint32_t kPid = 4711;

/// Answers each request with what the test lined up, or with an echo.
class FakeKernel final : public Channel {
 public:
  Status<std::string> send(Bytes bytes) override {
    auto message = wire::pfkey::parse(bytes);
    if (!message) return Failure{std::string{"unreadable"}};
    sent.push_back(message->type);
    if (sent.size() > dies_after) return Failure{std::string{"closed"}};
    if (!scripted && !silent) lined_up.push_back(reply_to(*message));
    most_waiting = std::max(most_waiting, lined_up.size());
    return Done{};
  }
  Result<std::optional<ByteVector>, std::string> receive(std::optional<std::chrono::milliseconds> timeout) override {
    if (lined_up.empty() && (!timeout || sent.size() > dies_after)) return Failure{std::string{"closed"}};
    if (lined_up.empty()) return std::optional<ByteVector>{};
    ++received;
    ByteVector next = std::move(lined_up.front());
    lined_up.pop_front();
    return std::optional<ByteVector>{std::move(next)};
  }

  void line_up(const Message& message) {
    scripted = true;
    lined_up.push_back(wire::pfkey::compose(message));
  }

  std::vector<Type> sent;
  std::deque<ByteVector> lined_up;
  std::uint8_t error = 0;
  std::set<std::size_t> refused;  ///< which of the requests, from 1; none: error holds for all
  std::size_t dies_after = SIZE_MAX, received = 0, most_waiting = 0;
  bool silent = false;

 private:
  bool scripted = false;

  ByteVector reply_to(const Message& request) const {
    Message reply;
    reply.type = request.type;
    reply.satype = request.satype;
    reply.pid = request.pid;
    reply.error = refused.empty() || refused.contains(sent.size()) ? error : std::uint8_t{0};
    return wire::pfkey::compose(reply);
  }
};

class SetkeySession : public testing::Test {
 protected:
  SetkeySession() { use_utc(); }

  Session session() {
    return {options,
            {out, err, resolver,
             [] {
               return Instant{kNow, 42};
             },
             [this] { return --rounds > 0; }, kPid},
            &kernel};
  }

  SetkeyOptions options;
  std::ostringstream out, err;
  TableResolver resolver;
  FakeKernel kernel;
  int rounds = 1;
};

TEST_F(SetkeySession, AFileIsSentInItsOrder) {
  EXPECT_EQ(session().run_script("flush; spdflush;\nadd A B esp 1000 -E null;\nspdadd A B any -P out none;", "x.conf"),
            0);
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Flush, Type::SpdFlush, Type::Add, Type::SpdAdd));
  EXPECT_EQ(out.str(), "");
  EXPECT_EQ(err.str(), "");
}

TEST_F(SetkeySession, AFileWithAnErrorSendsNothingAndNamesEachError) {
  EXPECT_EQ(session().run_script("flush;\nadd A B foo 1000 -E null;\nadd A nowhere ah 1000 -A null;\n", "x.conf"), 1);
  EXPECT_TRUE(kernel.sent.empty());
  EXPECT_THAT(err.str(), HasSubstr("setkey: x.conf,2: syntax error at [foo] (column 9; expected a protocol"));
  EXPECT_THAT(err.str(), HasSubstr("setkey: x.conf,3: Name or service not known at [nowhere] (column 7;"));
  EXPECT_THAT(err.str(), HasSubstr("setkey: x.conf,3: parse failed; nothing of the file was sent\n"));
}

TEST_F(SetkeySession, AFilesWarningsDoNotStopIt) {
  EXPECT_EQ(session().run_script("add A B esp 1000 -E simple;", "x.conf"), 0);
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Add));
  EXPECT_THAT(err.str(), StartsWith("setkey: x.conf,1: WARNING: obsolete algorithm at [simple]"));
}

TEST_F(SetkeySession, ARefusedCommandOfAFileIsNamedAndTheRestGoesOn) {
  kernel.error = EEXIST;
  EXPECT_EQ(session().run_script("flush;\nadd A B esp 1000\n -E null;", "x.conf"), 0);
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Flush, Type::Add));
  EXPECT_EQ(err.str(), "setkey: x.conf,1: File exists\nsetkey: x.conf,3: File exists\n");
}

TEST_F(SetkeySession, APolicyThatCannotBeProtectedIsNamedWithTheReason) {
  kernel.error = EOPNOTSUPP;
  EXPECT_EQ(session().run_script("add A B esp 1 -E null;\nspdadd A B any -P out none;", "x.conf"), 0);
  EXPECT_EQ(err.str(),
            "setkey: x.conf,1: Operation not supported\nsetkey: x.conf,2: Operation not supported (what link-local "
            "addresses say to each other cannot be protected)\n");
}

std::string many_adds(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i) text += "add A B esp " + std::to_string(1000 + i) + " -E null;\n";
  return text;
}

TEST_F(SetkeySession, AFileDoesNotWaitForEachReplyButForNoMoreThan128) {
  EXPECT_EQ(session().run_script(many_adds(1000), "x.conf"), 0);
  EXPECT_EQ(kernel.sent.size(), 1000U);
  EXPECT_EQ(kernel.received, 1000U) << "every reply was taken";
  EXPECT_EQ(kernel.most_waiting, 128U);
}

TEST_F(SetkeySession, RefusalsAmongManyNameTheirLines) {
  kernel.error = EEXIST;
  kernel.refused = {1, 127, 128, 129, 500};
  EXPECT_EQ(session().run_script(many_adds(500), "x.conf"), 0);
  EXPECT_EQ(err.str(),
            "setkey: x.conf,1: File exists\nsetkey: x.conf,127: File exists\nsetkey: x.conf,128: File exists\n"
            "setkey: x.conf,129: File exists\nsetkey: x.conf,500: File exists\n");
}

TEST_F(SetkeySession, ADaemonThatDiesMidwayIsNamedOnceWithTheLinesInDoubt) {
  kernel.dies_after = 200;
  EXPECT_EQ(session().run_script(many_adds(1000), "x.conf"), 1);
  EXPECT_EQ(kernel.sent.size(), 201U) << "nothing is sent any more";
  // 128 were sent and 64 of them answered, then 73 more.
  EXPECT_EQ(err.str(),
            "setkey: x.conf,129: send: closed; from here to line 201 nothing is known to be in force, and what follows "
            "was not sent\n");
}

TEST_F(SetkeySession, ADumpInAFileShowsWhatCameBeforeIt) {
  EXPECT_EQ(session().run_script("add A B esp 1000 -E null;\ndump;\nadd A B esp 1001 -E null;\n", "x.conf"), 0);
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Add, Type::Dump, Type::Add));
  EXPECT_EQ(kernel.most_waiting, 1U);
}

TEST_F(SetkeySession, KeyLengthsAreSaidInNetBsdsWords) {
  EXPECT_EQ(session().run_script("add A B esp 1000 -E rijndael-cbc 0x1122334455667788990011223344556677;", "x.conf"),
            1);
  EXPECT_EQ(out.str(), "Invalid key length\n");
  EXPECT_THAT(err.str(), StartsWith("136 128 256\n"));
  EXPECT_TRUE(kernel.sent.empty());
}

TEST_F(SetkeySession, ASessionRunsCommandByCommand) {
  std::istringstream in{"flush; # all of it\nadd A B\n  esp 1000 -E null; add x;\nspdflush;"};
  EXPECT_EQ(session().run_session(in), 0);
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Flush, Type::Add, Type::SpdFlush));
  EXPECT_THAT(out.str(), StartsWith("syntax error at [;] (line 3, column 26;"));
  EXPECT_EQ(err.str(), "");
}

TEST_F(SetkeySession, ASessionPrintsWhatTheKernelRefuses) {
  kernel.error = EINVAL;
  std::istringstream in{"add A B esp 1000 -E null;"};
  EXPECT_EQ(session().run_session(in), 0);
  EXPECT_EQ(out.str(), "Invalid argument.\n");
}

TEST_F(SetkeySession, ASessionSaysInvalidKeyLength) {
  std::istringstream in{"add A B ah 1000 -A hmac-md5 \"short\";\nflush;"};
  EXPECT_EQ(session().run_session(in), 0);
  EXPECT_THAT(out.str(), StartsWith("Invalid key length at [hmac-md5]"));
  EXPECT_EQ(err.str(), "40 128 128\n");
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Flush));
}

TEST_F(SetkeySession, ASessionEndsAtExitAndAtForeignCharacters) {
  std::istringstream bye{"flush; exit; spdflush;"};
  EXPECT_EQ(session().run_session(bye), 0);
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Flush));
  std::istringstream odd{"flush; @; spdflush;"};
  EXPECT_EQ(session().run_session(odd), 1);
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Flush, Type::Flush));
}

TEST_F(SetkeySession, ASessionsUnfinishedCommandIsNotRunInSilence) {
  std::istringstream in{"flush;\nspdflush\n"};
  EXPECT_EQ(session().run_session(in), 0);
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Flush));
  EXPECT_THAT(out.str(), StartsWith("syntax error at [] (line 3, column 1; expected `;'"));
}

TEST_F(SetkeySession, LinesHaveNoLimit) {
  std::istringstream in{"add A B ah 1000 " + std::string(5000, ' ') + "-A null;"};
  EXPECT_EQ(session().run_session(in), 0);
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Add));
}

TEST_F(SetkeySession, ADumpGoesOnUntilItsNumberIsZero) {
  Message first = dumped_esp();
  Message dead = dumped_esp();
  dead.sa->state = wire::pfkey::SaState::Dead;
  Message last = dumped_sa(wire::pfkey::SaType::Ah);
  last.sequence = 0;
  for (const Message* m : {&first, &dead, &last}) kernel.line_up(*m);
  EXPECT_EQ(session().dump(), 0);
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Dump));
  EXPECT_EQ(out.str(), print_sa(first, {false, kNow}) + print_sa(last, {false, kNow}));
}

TEST_F(SetkeySession, DeadAssociationsAreShownWhenAskedFor) {
  options.all = true;
  Message dead = dumped_esp();
  dead.sa->state = wire::pfkey::SaState::Dead;
  dead.sequence = 0;
  kernel.line_up(dead);
  session().dump();
  EXPECT_THAT(out.str(), HasSubstr("state=dead \n"));
}

TEST_F(SetkeySession, EmptyTablesAreNoError) {
  kernel.error = ENOENT;
  EXPECT_EQ(session().dump(), 0);
  EXPECT_EQ(out.str(), "No SAD entries.\n");
  options.policies = true;
  out.str("");
  EXPECT_EQ(session().dump(), 0);
  EXPECT_EQ(out.str(), "No SPD entries.\n");
  out.str("");
  std::istringstream in{"delete A B esp 1000;"};
  session().run_session(in);
  EXPECT_EQ(out.str(), "No entry.\n");
}

TEST_F(SetkeySession, FlushesWhatItIsAskedTo) {
  EXPECT_EQ(session().flush(), 0);
  options.policies = true;
  EXPECT_EQ(session().flush(), 0);
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Flush, Type::SpdFlush));
}

TEST_F(SetkeySession, ShortDumpsRepeat) {
  options.forever = true;
  rounds = 2;
  Message m = dumped_esp();
  m.sequence = 0;
  kernel.line_up(m);
  kernel.line_up(m);
  EXPECT_EQ(session().dump(), 0);
  EXPECT_EQ(out.str(), short_heading() + print_sa_short(m, kNow) + short_heading() + print_sa_short(m, kNow));
}

TEST_F(SetkeySession, OthersMessagesAreNotTakenForTheReply) {
  Message other;
  other.type = Type::Flush;
  other.pid = kPid + 1;
  other.error = EPERM;
  kernel.line_up(other);
  Message expire;
  expire.type = Type::Expire;
  kernel.line_up(expire);
  Message mine;
  mine.type = Type::Flush;
  mine.pid = kPid;
  kernel.line_up(mine);
  EXPECT_EQ(session().flush(), 0);
  EXPECT_EQ(out.str(), "");
  EXPECT_TRUE(kernel.lined_up.empty());
}

TEST_F(SetkeySession, ASilentKernelIsNamedAndIsAFailure) {
  kernel.silent = true;
  EXPECT_EQ(session().flush(), 1);
  EXPECT_THAT(err.str(), StartsWith("setkey: recv: "));
  EXPECT_EQ(session().dump(), 1);
}

TEST_F(SetkeySession, ASessionEndsWithTheDaemon) {
  kernel.silent = true;
  std::istringstream in{"flush;\nspdflush;\n"};
  EXPECT_EQ(session().run_session(in), 1);
  EXPECT_EQ(kernel.sent.size(), 1U);
}

TEST_F(SetkeySession, VerboseShowsBothDirections) {
  options.verbose = true;
  session().flush();
  const std::string one = "sadb_msg{ version=2 type=9 errno=0 satype=0\n  len=2 reserved=0 seq=0 pid=4711\n\n";
  EXPECT_EQ(out.str(), one + one);
}

TEST_F(SetkeySession, HexShowsWhatIsSent) {
  options.hex = true;
  session().flush();
  EXPECT_THAT(out.str(), StartsWith("00000000: 02 09 00 00 02 00 00 00 00 00 00 00 "));
}

TEST_F(SetkeySession, ADryRunSendsNothing) {
  options.dry = true;
  EXPECT_EQ(session().run_script("flush;", "x.conf"), 0);
  EXPECT_EQ(session().dump(), 0);
  EXPECT_TRUE(kernel.sent.empty());
}

TEST_F(SetkeySession, TheMonitorStampsAndUnwrapsMessages) {
  kernel.silent = true;
  Message inner;
  inner.type = Type::Flush;
  ByteVector wrapped = wire::pfkey::compose(inner);
  Message outer;
  outer.type = Type::Promisc;
  ByteVector bytes = wire::pfkey::compose(outer);
  bytes.insert(bytes.end(), wrapped.begin(), wrapped.end());
  bytes[4] = 4;
  kernel.lined_up.push_back(bytes);
  EXPECT_EQ(session().monitor(), 1) << "ends when the connection does";
  EXPECT_EQ(out.str(),
            "04:06:46.000042 \n"
            "sadb_msg{ version=2 type=9 errno=0 satype=0\n  len=2 reserved=0 seq=0 pid=0\n\n");
  options.unix_stamp = true;
  out.str("");
  kernel.lined_up.push_back(bytes);
  session().monitor();
  EXPECT_THAT(out.str(), StartsWith("946872406.000042 \n"));
}

TEST_F(SetkeySession, SavedMessagesAreShownAsADump) {
  Message sa = dumped_esp();
  Message policy;
  policy.type = Type::SpdDump;
  policy.source = end_at("1.2.3.4");
  policy.destination = end_at("5.6.7.8");
  policy.policy = *pfkey::parse_policy_text("out none");
  ByteVector saved = wire::pfkey::compose(sa);
  const ByteVector second = wire::pfkey::compose(policy);
  saved.insert(saved.end(), second.begin(), second.end());
  EXPECT_EQ(session().show_saved(saved, "saved"), 0);
  EXPECT_THAT(out.str(), StartsWith("20.0.0.1 20.0.0.2 \n\tesp mode=tunnel"));
  EXPECT_THAT(out.str(), HasSubstr("1.2.3.4[any] 5.6.7.8[any] 255(reserved)\n\tout none\n"));
}

TEST_F(SetkeySession, SavedBytesThatAreNoMessagesAreRefused) {
  const ByteVector saved = wire::pfkey::compose(dumped_esp());
  EXPECT_EQ(session().show_saved({}, "saved"), 1);
  EXPECT_EQ(session().show_saved(Bytes{saved}.first(15), "saved"), 1);
  EXPECT_EQ(session().show_saved(Bytes{saved}.first(saved.size() - 8), "saved"), 1);
  EXPECT_EQ(err.str(),
            "setkey: saved: Invalid argument\nsetkey: saved: Invalid argument\nsetkey: saved: Invalid argument\n");
}

TEST_F(SetkeySession, ADumpIsRestored) {
  Message larval = dumped_sa(wire::pfkey::SaType::Esp);
  larval.sa->state = wire::pfkey::SaState::Larval;
  const std::string text = print_sa(dumped_esp(), {false, kNow}) + print_sa(larval, {false, kNow});
  EXPECT_EQ(session().restore(text, "sad.txt"), 0);
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Add));
  EXPECT_EQ(err.str(), "setkey: sad.txt: esp SPI 0x00002694 of 20.0.0.1 20.0.0.2 is larval and cannot be restored\n");
  EXPECT_EQ(session().restore(text + "rubbish", "sad.txt"), 1);
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Add));
  EXPECT_THAT(err.str(), HasSubstr("nothing of the file was sent"));
}

TEST_F(SetkeySession, RestoringAnExtendedSequenceNumberThatHasMovedIsWarnedOf) {
  Message gcm = dumped_sa(wire::pfkey::SaType::Esp);
  gcm.sa->encrypt = 20;
  gcm.encrypt_key = key_of(20, 1);
  gcm.sa2->sequence = 5;
  EXPECT_EQ(session().restore(print_sa(gcm, {false, kNow}), "sad.txt"), 0);
  EXPECT_EQ(err.str(), "");
  gcm.sa->flags |= wire::pfkey::saflag::kEsn;
  EXPECT_EQ(session().restore(print_sa(gcm, {false, kNow}), "sad.txt"), 0);
  EXPECT_THAT(err.str(), HasSubstr("counts from 1 again"));
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Add, Type::Add));
}

TEST_F(SetkeySession, AnSaThatCannotBeRestoredIsNamedAndTheOthersAreAll) {
  const std::string one = print_sa(dumped_esp(), {false, kNow});
  kernel.error = EEXIST;
  kernel.refused = {1};
  EXPECT_EQ(session().restore(one + one, "sad.txt"), 1);
  EXPECT_THAT(kernel.sent, ElementsAre(Type::Add, Type::Add));
  EXPECT_EQ(out.str(), "");
  EXPECT_THAT(err.str(),
              testing::MatchesRegex("setkey: sad.txt: esp SPI 0x0000[0-9a-f]* of [^ ]* [^ ]*: File exists\n"));
}

}  // namespace
}  // namespace testudo::cli
