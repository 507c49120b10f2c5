// setkey against the PF_KEY server, without a socket between them: what its users type, and what they see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <sstream>

#include "cli/setkey/session.h"
#include "crypto/algorithms.h"
#include "pfkey/server/server.h"
#include "support/random.h"

namespace testudo {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class NumericResolver final : public cli::Resolver {
 public:
  Result<std::vector<net::Address>, std::string> host(const std::string& name, const Query&) override {
    const auto address = net::Address::parse(name);
    if (!address) return Failure{std::string{"Name or service not known"}};
    return std::vector{*address};
  }
  std::optional<std::uint16_t> service(const std::string&) override { return std::nullopt; }
};

/// A host's databases, served; and setkey's connection to them.
class Host final : public cli::Channel {
 public:
  Host() : client_(server.connect(true)) {
    setenv("TZ", "UTC", 1);
    tzset();
  }

  Status<std::string> send(Bytes message) override {
    server.receive(client_, message, now);
    return Done{};
  }
  Result<std::optional<ByteVector>, std::string> receive(std::optional<std::chrono::milliseconds>) override {
    return server.next_output(client_, now);
  }

  /// Runs setkey in one of its ways; returns what it wrote to both streams.
  template <typename Way>
  std::string setkey(Way way, const cli::SetkeyOptions& options = {}) {
    std::ostringstream out;
    cli::Session session{options, {out, out, resolver_, [] { return cli::Instant{kWall, 0}; }, {}, 4711}, this};
    way(session);
    return out.str();
  }
  std::string script(const std::string& text) {
    return setkey([&](cli::Session& s) { s.run_script(text, "test.conf"); });
  }
  std::string dump() {
    return setkey([](cli::Session& s) { s.dump(); });
  }
  std::string policies() {
    cli::SetkeyOptions options;
    options.policies = true;
    return setkey([](cli::Session& s) { s.dump(); }, options);
  }

  static constexpr std::int64_t kWall = 946872306;  // 2000-01-03 04:05:06 UTC
  Time now{};
  sad::KeySettings settings;
  test::SeededRandom random{7};
  sad::Database sad{settings, random};
  spd::Database spd;
  pfkey::server::Server server{{sad, spd, settings, random, [] { return WallReference{{}, kWall}; }, {}, {}}};

 private:
  NumericResolver resolver_;
  pfkey::server::ClientId client_;
};

TEST(SetkeyAndServer, ShowTheEspOfTheFaqAsNetBsdDoes) {
  Host host;
  EXPECT_EQ(host.script("add 20.0.0.1 20.0.0.2 esp 9876 -E 3des-cbc \"hogehogehogehogehogehoge\";"), "");
  EXPECT_EQ(host.dump(),
            "20.0.0.1 20.0.0.2 \n"
            "\tesp mode=any spi=9876(0x00002694) reqid=0(0x00000000)\n"
            "\tE: 3des-cbc  686f6765 686f6765 686f6765 686f6765 686f6765 686f6765\n"
            "\tseq=0x00000000 replay=0 flags=0x00000040 state=mature \n"
            "\tcreated: Jan  3 04:05:06 2000\tcurrent: Jan  3 04:05:06 2000\n"
            "\tdiff: 0(s)\thard: 0(s)\tsoft: 0(s)\n"
            "\tlast:                     \thard: 0(s)\tsoft: 0(s)\n"
            "\tcurrent: 0(bytes)\thard: 0(bytes)\tsoft: 0(bytes)\n"
            "\tallocated: 0\thard: 0\tsoft: 0\n"
            "\tsadb_seq=0 pid=4711 refcnt=0\n");
}

TEST(SetkeyAndServer, ShowPoliciesAsNetBsdDoes) {
  Host host;
  EXPECT_EQ(
      host.script("spdadd 10.0.1.0/24[any] 10.0.2.0/24[any] any -P out ipsec esp/tunnel/20.0.0.1-20.0.0.2/require;\n"
                  "spdadd 20.0.0.1[110] 0.0.0.0/0 tcp -P out none;"),
      "");
  const std::string text = host.policies();
  EXPECT_THAT(text, StartsWith("10.0.1.0/24[any] 10.0.2.0/24[any] 255(reserved)\n"
                               "\tout ipsec\n"
                               "\tesp/tunnel/20.0.0.1-20.0.0.2/require\n"
                               "\tspid="));
  EXPECT_THAT(text, HasSubstr(" seq=1 pid=4711\n\trefcnt=0\n"
                              "20.0.0.1[110] 0.0.0.0/0[any] 6(tcp)\n"
                              "\tout none\n"
                              "\tspid="));
}

TEST(SetkeyAndServer, EmptyTablesAndMissingEntriesHaveNetBsdsWords) {
  Host host;
  EXPECT_EQ(host.dump(), "No SAD entries.\n");
  EXPECT_EQ(host.policies(), "No SPD entries.\n");
  EXPECT_EQ(host.script("\ndelete 20.0.0.1 20.0.0.2 esp 9876;"), "setkey: test.conf,2: No entry\n");
  host.script("add 20.0.0.1 20.0.0.2 esp 9876 -E null;");
  EXPECT_EQ(host.script("add 20.0.0.1 20.0.0.2 esp 9876 -E null;"), "setkey: test.conf,1: File exists\n");
  EXPECT_EQ(host.script("add 20.0.0.1 20.0.0.2 esp 255 -E null;"), "setkey: test.conf,1: Invalid argument\n");
}

TEST(SetkeyAndServer, AFileWithAnErrorLeavesTheTablesAlone) {
  Host host;
  EXPECT_THAT(host.script("add 20.0.0.1 20.0.0.2 esp 9876 -E null;\nadd 20.0.0.2 20.0.0.1 esp 9877 -E nul;"),
              HasSubstr("nothing of the file was sent"));
  EXPECT_EQ(host.dump(), "No SAD entries.\n");
}

TEST(SetkeyAndServer, AnSpiIsReservedAndFilled) {
  Host host;
  EXPECT_EQ(host.script("getspi 20.0.0.1 20.0.0.2 esp 0x1234 -m transport;"), "");
  EXPECT_THAT(host.dump(), HasSubstr("spi=4660(0x00001234) reqid=0(0x00000000)\n\tseq=0x00000000 replay=0 "
                                     "flags=0x00000000 state=larval \n"));
  EXPECT_EQ(host.script("update 20.0.0.1 20.0.0.2 esp 0x1234 -m transport -E null -A hmac-md5 \"1234567890123456\";"),
            "");
  EXPECT_THAT(host.dump(), HasSubstr("state=mature"));
  EXPECT_EQ(host.script("get 20.0.0.1 20.0.0.2 esp 0x1234;"), host.dump());
  EXPECT_EQ(host.script("deleteall 20.0.0.1 20.0.0.2 esp;"), "");
  EXPECT_EQ(host.dump(), "No SAD entries.\n");
}

/// A script with every algorithm, each at its shortest key, and every extension.
std::string a_full_script() {
  std::ostringstream script;
  unsigned spi = 0x1000;
  const auto key = [](std::size_t bytes) { return bytes == 0 ? std::string{} : " 0x" + std::string(2 * bytes, 'a'); };
  for (const auto& row : crypto::ciphers()) {
    script << "add 20.0.0.1 20.0.0.2 esp " << spi++ << " -E " << row.name << key(row.key.min) << ";\n";
  }
  for (const auto& row : crypto::macs()) {
    if (row.kind == crypto::MacKind::TcpMd5) continue;
    script << "add fd00::1 fd00::2 ah " << spi++ << " -r 32 -A " << row.name << key(row.key.min) << ";\n";
  }
  script << "add 20.0.0.1 20.0.0.2 ipcomp 0x1000 -C deflate;\n"
            "add 20.0.0.1 20.0.0.2 ipcomp 0x12345678 -C deflate -R;\n"
            "add 20.0.0.1 20.0.0.2 tcp 0x1000 -A tcp-md5 \"secret\";\n"
            "add 20.0.0.1[4500] 20.0.0.2[12345] esp-udp 192.168.1.1 5000 -esp_frag 552 -E null -A hmac-sha1 "
            "\"12345678901234567890\";\n"
            "add 20.0.0.1 20.0.0.2 esp 5001 -m tunnel -u 7 -r 8192 -lh 3600 -ls 2880 -bh 10000000 -bs 8000000 -f esn "
            "-f zero-pad -E aes-cbc \"1234567890123456\" -A hmac-sha256 \"12345678901234567890123456789012\";\n"
            "add 20.0.0.1 20.0.0.2 esp 5002 -f nocyclic-seq -E des-deriv \"12345678\";\n"
            "add 20.0.0.1 20.0.0.2 esp-old 5003 -E des-32iv \"12345678\";\n"
            "add 20.0.0.1 20.0.0.2 ah-old 5004 -A keyed-md5 \"1234567890123456\";\n";
  return script.str();
}

TEST(SetkeyAndServer, ADumpFedBackRestoresTheSameSad) {
  Host host;
  ASSERT_EQ(host.script(a_full_script()), "");
  const std::string before = host.dump();
  EXPECT_EQ(host.sad.size(), crypto::ciphers().size() + crypto::macs().size() - 1 + 8);
  Host other;
  EXPECT_EQ(other.setkey([&](cli::Session& s) { s.restore(before, "sad.txt"); }), "");
  EXPECT_EQ(other.dump(), before);
  other.script("flush;");
  EXPECT_EQ(other.dump(), "No SAD entries.\n");
}

}  // namespace
}  // namespace testudo
