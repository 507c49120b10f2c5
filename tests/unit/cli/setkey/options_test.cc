#include "cli/setkey/options.h"

#include <gmock/gmock.h>

namespace testudo::cli {
namespace {

using Mode = SetkeyOptions::Mode;

SetkeyOptions parsed(std::vector<const char*> words) {
  return parse_setkey_options(words);
}

TEST(SetkeyOptions, LettersChooseTheMode) {
  EXPECT_EQ(parsed({}).mode, Mode::Usage);
  EXPECT_EQ(parsed({"-c"}).mode, Mode::Session);
  EXPECT_EQ(parsed({"-D"}).mode, Mode::Dump);
  EXPECT_EQ(parsed({"-F"}).mode, Mode::Flush);
  EXPECT_EQ(parsed({"-x"}).mode, Mode::Monitor);
  EXPECT_EQ(parsed({"-V"}).mode, Mode::Version);
  EXPECT_EQ(parsed({"-?"}).mode, Mode::Usage);
  EXPECT_EQ(parsed({"-d"}).mode, Mode::Usage);
  EXPECT_EQ(parsed({"-v"}).mode, Mode::Usage);
}

TEST(SetkeyOptions, LettersMayShareAWord) {
  const SetkeyOptions options = parsed({"-DPpav"});
  EXPECT_EQ(options.mode, Mode::Dump);
  EXPECT_TRUE(options.policies && options.ports && options.all && options.verbose);
  EXPECT_FALSE(options.hex || options.forever || options.dry || options.unix_stamp);
  EXPECT_TRUE(parsed({"-FP"}).policies);
  EXPECT_TRUE(parsed({"-D", "-l"}).forever);
  EXPECT_TRUE(parsed({"-H", "-x"}).hex);
  EXPECT_TRUE(parsed({"-hx"}).hex);
  EXPECT_TRUE(parsed({"-nc"}).dry);
  EXPECT_TRUE(parsed({"-rD"}).rfc_or_kernel_mode);
  EXPECT_TRUE(parsed({"-kD"}).rfc_or_kernel_mode);
}

TEST(SetkeyOptions, TwoOfXAskForUnixTime) {
  EXPECT_FALSE(parsed({"-x"}).unix_stamp);
  EXPECT_TRUE(parsed({"-xx"}).unix_stamp);
  EXPECT_TRUE(parsed({"-x", "-x"}).unix_stamp);
}

TEST(SetkeyOptions, TheFileIsTheRestOfTheWordOrTheNext) {
  EXPECT_EQ(parsed({"-f", "/etc/ipsec.conf"}).file, "/etc/ipsec.conf");
  EXPECT_EQ(parsed({"-vf/etc/ipsec.conf"}).file, "/etc/ipsec.conf");
  EXPECT_EQ(parsed({"-f", "-"}).file, "-");
  EXPECT_EQ(parsed({"-f", "x"}).mode, Mode::Script);
  EXPECT_EQ(parsed({"-f"}).mode, Mode::Usage);
  EXPECT_EQ(parsed({"-f"}).complaint, "option requires an argument -- f");
}

TEST(SetkeyOptions, OperandsAreSavedMessages) {
  const SetkeyOptions options = parsed({"-v", "a", "-D"});
  EXPECT_EQ(options.mode, Mode::Files);
  EXPECT_THAT(options.operands, testing::ElementsAre("a", "-D"));
  EXPECT_THAT(parsed({"--", "-D"}).operands, testing::ElementsAre("-D"));
}

TEST(SetkeyOptions, LongOptionsNameTheDaemonAndTheDumpToRestore) {
  EXPECT_EQ(parsed({"--run-dir", "/tmp/a", "-D"}).run_dir, "/tmp/a");
  EXPECT_EQ(parsed({"--run-dir=/tmp/a", "-D"}).run_dir, "/tmp/a");
  EXPECT_EQ(parsed({"--run-dir=/tmp/a", "-D"}).mode, Mode::Dump);
  EXPECT_EQ(parsed({"--restore", "dump.txt"}).mode, Mode::Restore);
  EXPECT_EQ(parsed({"--restore", "dump.txt"}).file, "dump.txt");
  EXPECT_EQ(parsed({"--restore"}).mode, Mode::Usage);
  EXPECT_EQ(parsed({"--nonsense"}).complaint, "unknown option --nonsense");
}

TEST(SetkeyOptions, UnknownLettersEndInTheUsage) {
  EXPECT_EQ(parsed({"-Dz"}).mode, Mode::Usage);
  EXPECT_EQ(parsed({"-Dz"}).complaint, "unknown option -- z");
}

TEST(SetkeyOptions, TheUsageStartsWithTheVersion) {
  EXPECT_THAT(setkey_usage(), testing::StartsWith(setkey_version() + "usage: setkey [-v] file ...\n"));
  EXPECT_THAT(setkey_version(), testing::StartsWith("setkey @(#) "));
}

}  // namespace
}  // namespace testudo::cli
