#include "cli/setkey/script.h"

#include <gmock/gmock.h>

#include "unit/cli/setkey/support.h"

namespace testudo::cli {
namespace {

using testing::HasSubstr;

TEST(SetkeyScript, ReadsEveryCommandOfTheLanguage) {
  const Script script = parse_script(R"(
    # a comment; with a semicolon
    flush; flush esp; dump; dump ah; spdflush; spddump;
    add 10.0.0.1 10.0.0.2 esp 0x1000 -m tunnel -u 7 -E null;
    update A B ah 4096 -A null;
    getspi A B esp 0;
    delete A B esp-old 300;
    get A B ipcomp 300;
    deleteall A B tcp;
    spdadd A[any] B[110] tcp -P out none;
    spdupdate A/24 B any -P in discard;
    spddelete A B any -P out;
  )");
  for (const Diagnostic& d : script.diagnostics) ADD_FAILURE() << describe_in_session(d);
  EXPECT_EQ(script.commands.size(), 15U);
}

TEST(SetkeyScript, CommandsKnowTheirLines) {
  const Script script = parse_script("flush;\n\nadd A\n B esp 1000 -E null\n;");
  ASSERT_EQ(script.commands.size(), 2U);
  EXPECT_EQ(script.commands[0].start, (Position{1, 1}));
  EXPECT_EQ(script.commands[1].start, (Position{3, 1}));
  EXPECT_EQ(script.commands[1].end, (Position{5, 1}));
}

TEST(SetkeyScript, NothingBehindExitIsRead) {
  for (const char* word : {"exit", "quit", "bye"}) {
    const Script script = parse_script(std::string{"flush; "} + word + "; what is this");
    EXPECT_EQ(script.commands.size(), 1U);
    EXPECT_TRUE(script.diagnostics.empty());
    EXPECT_TRUE(script.ended);
  }
}

TEST(SetkeyScript, AnEmptyScriptIsNoError) {
  for (const char* text : {"", "  \n", "# nothing", ";;"}) {
    const Script script = parse_script(text);
    EXPECT_TRUE(script.commands.empty());
    EXPECT_TRUE(script.diagnostics.empty()) << text;
    EXPECT_FALSE(script.ended);
  }
}

struct ErrorRow {
  const char* text;
  Position where;
  const char* message;
  const char* token;
  const char* expected;  // a part of it
};

class SetkeyErrors : public testing::TestWithParam<ErrorRow> {};

TEST_P(SetkeyErrors, NamesPlaceTokenAndWhatWasExpected) {
  const ErrorRow& row = GetParam();
  const auto found = diagnostics_of(row.text);
  ASSERT_EQ(found.size(), 1U) << row.text;
  EXPECT_EQ(found[0].where.line, row.where.line) << row.text;
  EXPECT_EQ(found[0].where.column, row.where.column) << row.text;
  EXPECT_EQ(found[0].message, row.message) << row.text;
  EXPECT_EQ(found[0].token, row.token) << row.text;
  EXPECT_THAT(found[0].expected, HasSubstr(row.expected)) << row.text;
  EXPECT_TRUE(found[0].stops());
}

INSTANTIATE_TEST_SUITE_P(
    Grammar, SetkeyErrors,
    testing::Values(
        ErrorRow{"foo;", {1, 1}, "syntax error", "foo", "a command"},
        ErrorRow{"flush;\nadd A B foo 1000 -E null;", {2, 9}, "syntax error", "foo", "a protocol"},
        ErrorRow{"add -E null;", {1, 5}, "syntax error", "-E", "an IP address"},
        ErrorRow{"add A B esp -E null;", {1, 13}, "syntax error", "-E", "a number or a 0x number"},
        ErrorRow{"add A B esp 1000;", {1, 17}, "syntax error", ";", "-E"},
        ErrorRow{"flush esp\nadd A B esp 1000 -E null;", {2, 1}, "syntax error", "add", "`;'"},
        ErrorRow{"add A B esp 1000 -E null", {1, 25}, "syntax error", "", "`;'"},
        ErrorRow{"add A B esp 1000 -m both -E null;", {1, 21}, "syntax error", "both", "transport or tunnel"},
        ErrorRow{"add A B esp 1000 -r x -E null;", {1, 21}, "syntax error", "x", "a number"},
        ErrorRow{"spdadd A B any;", {1, 15}, "syntax error", ";", "-P"},
        ErrorRow{"spdadd A[ B any -P out none;", {1, 13}, "syntax error", "any", "`]'"},
        ErrorRow{"spdadd A/x B any -P out none;", {1, 10}, "syntax error", "x", "a number"},
        ErrorRow{"add A B tcp tcp;", {1, 13}, "syntax error", "tcp", "a number"},
        ErrorRow{"delete A B esp 1000 -E null;", {1, 21}, "syntax error", "-E", "`;'"},
        ErrorRow{"add A B esp 1000 -E null \"x\";", {1, 21}, "syntax error", "null", ""},
        ErrorRow{"add A B ah 1000 -A hmac-md5;", {1, 20}, "syntax error", "hmac-md5", "a key"},
        ErrorRow{"add A B ah 1000 -A hmac-md6 0x1234;", {1, 20}, "syntax error", "hmac-md6", "hmac-md5, hmac-sha1"},
        ErrorRow{"add A B esp 1000 -E idea-cbc 0x1234;", {1, 21}, "syntax error", "idea-cbc", "des-cbc, 3des-cbc"},
        ErrorRow{"add A B ipcomp 1000 -C zip;", {1, 24}, "syntax error", "zip", "deflate"},
        ErrorRow{"add A B esp 1000 -f big-pad -E null;", {1, 21}, "syntax error", "big-pad", "random-pad"}));

INSTANTIATE_TEST_SUITE_P(
    Meaning, SetkeyErrors,
    testing::Values(
        ErrorRow{"add -5 A B esp 1000 -E null;", {1, 5}, "invalid flag", "-5", "-4, -6 or -n"},
        ErrorRow{"add A B esp 4294967296 -E null;", {1, 13}, "SPI too big.", "4294967296", "0xffffffff"},
        ErrorRow{"add A B esp 0x100000000 -E null;", {1, 13}, "SPI too big.", "0x100000000", ""},
        ErrorRow{
            "add A B esp 0x1ffffffffffffffffffff -E null;", {1, 13}, "SPI too big.", "0x1ffffffffffffffffffff", ""},
        ErrorRow{"add nowhere B esp 1000 -E null;", {1, 5}, "Name or service not known", "nowhere", "an IP address"},
        ErrorRow{"add -n A B esp 1000 -E null;", {1, 8}, "Name or service not known", "A", ""},
        ErrorRow{"add -6 both B esp 1000 -E null;", {1, 13}, "No address associated with hostname", "B", ""},
        ErrorRow{"add A fd00::1 esp 1000 -E null;", {1, 7}, "Family mismatch", "fd00::1", ""},
        ErrorRow{"add A[70000] B esp 1000 -E null;", {1, 7}, "Servname not supported for ai_socktype", "70000", ""},
        ErrorRow{"add A[nope] B esp 1000 -E null;", {1, 7}, "Servname not supported for ai_socktype", "nope", ""},
        ErrorRow{"delete two B esp 1000;", {1, 8}, "multiple address specified", "two", ""},
        ErrorRow{"spdadd A two any -P out none;", {1, 10}, "multiple address specified", "two", ""},
        ErrorRow{"spdadd A/33 B any -P out none;", {1, 10}, "Invalid prefix length", "33", "up to 32"},
        ErrorRow{"spdadd A B nosuch -P out none;", {1, 12}, "invalid upper layer protocol", "nosuch", ""},
        ErrorRow{"spdadd A B 256 -P out none;", {1, 12}, "invalid upper layer protocol", "256", ""},
        ErrorRow{"spdadd A B icmp 8 -P out none;", {1, 17}, "invalid an upper layer protocol spec", "8", "TYPE,CODE"},
        ErrorRow{"spdadd A B icmp 8, -P out none;", {1, 17}, "invalid an upper layer protocol spec", "8,", "TYPE,CODE"},
        ErrorRow{"spdadd A B icmp 256,0 -P out none;", {1, 17}, "invalid an upper layer protocol spec", "256,0", ""},
        ErrorRow{"spdadd A B gre x -P out none;", {1, 16}, "invalid an upper layer protocol spec", "x", "GRE"},
        ErrorRow{"spdadd A B tcp 1,2 -P out none;", {1, 16}, "invalid an upper layer protocol spec", "1,2", ""},
        ErrorRow{
            "add A B esp-old 1000 -r 4 -E null;", {1, 25}, "replay prevention cannot be used with ah/esp-old", "4", ""},
        ErrorRow{"add A B esp 1000 -r 8193 -E null;", {1, 21}, "number too big", "8193", "up to 8192"},
        ErrorRow{
            "add A B esp 1000 -esp_frag 500 -E null;", {1, 28}, "esp fragment size only valid for NAT-T", "500", ""},
        ErrorRow{"add A B esp-old 1000 -E des-deriv 0x0102030405060708;",
                 {1, 25},
                 "algorithm mismatched",
                 "des-deriv",
                 "esp"},
        ErrorRow{
            "add A B esp 1000 -E des-32iv 0x0102030405060708;", {1, 21}, "algorithm mismatched", "des-32iv", "esp-old"},
        ErrorRow{"add A B ah 1000 -E null;", {1, 20}, "algorithm mismatched", "null", ""},
        ErrorRow{"add A B esp 1000 -A hmac-md5 \"1234567890123456\";", {1, 21}, "algorithm mismatched", "hmac-md5", ""},
        ErrorRow{"add A B esp 1000 -C deflate;", {1, 21}, "algorithm mismatched", "deflate", ""},
        ErrorRow{
            "add A B ah 1000 -A hmac-md5 \"123456789012345\";", {1, 20}, "Invalid key length", "hmac-md5", "128 bits"},
        ErrorRow{"spdtagged;", {1, 1}, "syntax error", "spdtagged", "a command"},
        ErrorRow{"spdadd tagged \"x\" -P out none;", {1, 8}, "Not supported", "tagged", ""},
        ErrorRow{"spdadd A B any -P up none;", {1, 19}, "Invalid argument", "up", "in or out"},
        ErrorRow{"spdadd A B any -P out;", {1, 22}, "Too few arguments", "", "discard, none or ipsec"},
        ErrorRow{"spdadd A B any -P out ipsec;", {1, 28}, "Too few arguments", "", "a request"},
        ErrorRow{"spdadd A B any -P out ipsec\n  esp/tunnel//require;",
                 {2, 3},
                 "Invalid address specification",
                 "esp/tunnel//require",
                 ""},
        ErrorRow{"spdadd A B any -P out none\nspdadd B A any -P in none;", {2, 1}, "Invalid argument", "spdadd", ""}));

TEST(SetkeyScript, AForeignCharacterIsFatal) {
  for (const char* text : {"add A B esp 1000 -E null @;", "flush; ?", "add A B ah 1000 -A hmac-md5 \"no end\n;"}) {
    const auto found = diagnostics_of(text);
    ASSERT_EQ(found.size(), 1U) << text;
    EXPECT_EQ(found[0].message, "Syntax error");
    EXPECT_EQ(found[0].severity, Diagnostic::Severity::Fatal);
  }
}

TEST(SetkeyScript, OneRunNamesEveryError) {
  const Script script = parse_script("foo;\nflush;\nadd A;\nspdflush;\nspdadd -P;\ndump;");
  ASSERT_EQ(script.diagnostics.size(), 3U);
  EXPECT_EQ(script.diagnostics[0].where.line, 1U);
  EXPECT_EQ(script.diagnostics[1].where.line, 3U);
  EXPECT_EQ(script.diagnostics[2].where.line, 5U);
  EXPECT_EQ(script.commands.size(), 3U);
  EXPECT_TRUE(script.failed());
}

TEST(SetkeyScript, AMissingSemicolonIsHintedAt) {
  const Script script = parse_script("flush\nadd A B esp 1000 -E null;");
  ASSERT_EQ(script.diagnostics.size(), 1U);
  EXPECT_THAT(script.diagnostics[0].hint, HasSubstr("missing"));
}

TEST(SetkeyScript, KeysDoNotAppearInErrors) {
  for (const char* text : {"add A B esp 1000 -E des-cbc \"topsecret\" \"topsecret\";",
                           "add A B esp 1000 -E des-cbc 0x746f70736563726574 0x746f70736563726574;"}) {
    const Script script = parse_script(text);
    ASSERT_EQ(script.diagnostics.size(), 1U);
    EXPECT_THAT(describe_in_session(script.diagnostics[0]), testing::Not(HasSubstr("secret")));
    EXPECT_THAT(describe_in_session(script.diagnostics[0]), testing::Not(HasSubstr("746f")));
  }
}

TEST(SetkeyScript, DescribesErrorsAsNetBsdDoesAndAddsTheColumn) {
  const auto found = diagnostics_of("\n\nadd A B foo 1000 -E null;");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(describe_in_file(found[0], "ipsec.conf"),
              testing::StartsWith("ipsec.conf,3: syntax error at [foo] (column 9; expected "));
  EXPECT_THAT(describe_in_session(found[0]), testing::StartsWith("syntax error at [foo] (line 3, column 9; expected "));
}

TEST(SetkeyScript, FindsTheEndOfACommandOutsideStringsAndComments) {
  struct Row {
    const char* text;
    std::optional<std::size_t> length;
  };
  for (const Row& row : {Row{"flush;", 6}, Row{"flush", std::nullopt}, Row{"a \";\" ;b", 7}, Row{"# ;\nx;", 6},
                         Row{"\"open\n;", 7}, Row{"", std::nullopt}, Row{";", 1}}) {
    EXPECT_EQ(command_length(row.text), row.length) << row.text;
  }
}

TEST(SetkeyScript, AdvancesOverLines) {
  EXPECT_EQ(advance({3, 5}, "ab"), (Position{3, 7}));
  EXPECT_EQ(advance({3, 5}, "ab\n\nc"), (Position{5, 2}));
}

}  // namespace
}  // namespace testudo::cli
