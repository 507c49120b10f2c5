#include "wire/packet/icmp.h"

#include <gtest/gtest.h>

#include <memory>

#include "net/protocol.h"
#include "support/packets.h"
#include "support/random.h"

namespace testudo::wire::packet {
namespace {

namespace protocol = net::protocol;

const net::Address a4 = test::ip("10.0.0.1"), b4 = test::ip("10.0.0.2"), router4 = test::ip("10.0.0.254");
const net::Address a6 = test::ip("fd00::1"), b6 = test::ip("fd00::2"), router6 = test::ip("fd00::fe");

ByteVector esp(bool v4, std::size_t size) {
  ByteVector payload{0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 9};
  payload.resize(size, 0x33);
  return v4 ? test::packet(a4, b4, protocol::kEsp, payload) : test::packet(a6, b6, protocol::kEsp, payload);
}

ByteVector first(const ByteVector& bytes, std::size_t n) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(n, bytes.size()))};
}

std::optional<ByteVector> too_big(const ByteVector& packet, std::size_t mtu = 1400) {
  const auto ip = parse_ip(packet);
  EXPECT_TRUE(ip);
  return compose_too_big(ip->is_v4() ? router4 : router6, packet, *ip, mtu);
}

std::optional<ByteVector> time_exceeded(const ByteVector& packet) {
  const auto ip = parse_ip(packet);
  EXPECT_TRUE(ip);
  return compose_time_exceeded(ip->is_v4() ? router4 : router6, packet, *ip);
}

/// What the test's own builder makes of type, code, the four bytes behind the checksum, and a quotation.
ByteVector expected(bool v4, std::pair<std::uint8_t, std::uint8_t> type_and_code, std::uint32_t rest,
                    const ByteVector& quoted) {
  ByteVector body;
  test::detail::put32(body, rest);
  body.insert(body.end(), quoted.begin(), quoted.end());
  return v4 ? test::icmp(router4, a4, type_and_code, body, {.traffic_class = 0xc0, .identification = 0})
            : test::icmp(router6, a6, type_and_code, body);
}

Result<IcmpError, Malformed> parse(const ByteVector& bytes) {
  const auto ip = parse_ip(bytes);
  EXPECT_TRUE(ip);
  return parse_icmp_error(*ip, bytes);
}

// RFC 1812 section 4.3.2.3: "as much of the original datagram as possible without the length of the ICMP datagram
// exceeding 576 bytes"; RFC 4443 section 2.4 (c): "without making the error message packet exceed the minimum IPv6
// MTU".
TEST(ComposeIcmp, TooBigTellsTheMtuAndQuotesAsMuchAsIsAllowed) {
  for (const std::size_t size : {8U, 500U, 1500U, 9000U}) {
    const ByteVector p4 = esp(true, size), p6 = esp(false, size);
    EXPECT_EQ(too_big(p4, 1400), expected(true, {3, 4}, 1400, first(p4, 576 - 28)));
    EXPECT_EQ(too_big(p6, 1400), expected(false, {2, 0}, 1400, first(p6, 1280 - 48)));
  }
}

TEST(ComposeIcmp, TimeExceededQuotesThePacket) {
  const ByteVector p4 = esp(true, 30), p6 = esp(false, 30);
  EXPECT_EQ(time_exceeded(p4), expected(true, {11, 0}, 0, p4));
  EXPECT_EQ(time_exceeded(p6), expected(false, {3, 0}, 0, p6));
}

TEST(ComposeIcmp, KeepsTheMtuInsideItsField) {
  const ByteVector p4 = esp(true, 8), p6 = esp(false, 8);
  EXPECT_EQ(too_big(p4, 70000), expected(true, {3, 4}, 0xffff, p4));
  EXPECT_EQ(too_big(p6, 70000), expected(false, {2, 0}, 70000, p6));
}

TEST(ComposeIcmp, IsSilentAboutErrorsButNotAboutOtherIcmp) {
  const ByteVector body(20, 0);
  for (unsigned type = 0; type < 256; ++type) {
    const auto t = static_cast<std::uint8_t>(type);
    // RFC 1122 section 3.2.2 lists the IPv4 errors; RFC 4443 section 2.4 (e.1) and (e.2): errors and redirects.
    const bool error4 = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    const bool error6 = type < 128 || type == 137;
    EXPECT_EQ(too_big(test::icmp(a4, b4, {t, 0}, body)).has_value(), !error4) << type;
    EXPECT_EQ(too_big(test::icmp(a6, b6, {t, 0}, body)).has_value(), !error6) << type;
  }
  EXPECT_FALSE(too_big(test::packet(a4, b4, protocol::kIcmp, {}))) << "cannot be told from an error";
}

TEST(ComposeIcmp, IsSilentAboutLaterFragments) {
  const ByteVector data(16, 1);
  EXPECT_TRUE(too_big(test::packet(a4, b4, 17, data, {.more_fragments = true})));
  EXPECT_FALSE(too_big(test::packet(a4, b4, 17, data, {.fragment_offset = 8})));
  EXPECT_FALSE(too_big(test::packet(a6, b6, 17, data, {.options = {17, 0, 0, 8, 0, 0, 0, 1}, .first_extension = 44})));
}

TEST(ComposeIcmp, IsSilentTowardsAddressesThatAreNoSingleNode) {
  const ByteVector data(16, 1);
  for (const char* source : {"0.0.0.0", "224.0.0.1", "127.0.0.1", "240.0.0.1", "255.255.255.255"})
    EXPECT_FALSE(too_big(test::packet(test::ip(source), b4, 17, data))) << source;
  for (const char* source : {"::", "ff02::1", "::1"})
    EXPECT_FALSE(too_big(test::packet(test::ip(source), b6, 17, data))) << source;
}

TEST(ComposeIcmp, IsSilentAboutGroupsExceptThatIpv6TellsThemWhatIsTooBig) {
  const ByteVector data(16, 1);
  for (const char* group : {"224.0.0.1", "239.1.1.1", "255.255.255.255"}) {
    EXPECT_FALSE(too_big(test::packet(a4, test::ip(group), 17, data))) << group;
    EXPECT_FALSE(time_exceeded(test::packet(a4, test::ip(group), 17, data))) << group;
  }
  EXPECT_TRUE(too_big(test::packet(a6, test::ip("ff0e::1"), 17, data)));
  EXPECT_FALSE(time_exceeded(test::packet(a6, test::ip("ff0e::1"), 17, data)));
}

TEST(ComposeIcmp, NeedsAnAddressOfTheSameFamily) {
  const ByteVector packet = esp(true, 8);
  EXPECT_FALSE(compose_too_big(router6, packet, *parse_ip(packet), 1400));
}

TEST(ParseIcmpError, ReadsWhatEspAhAndIpcompQuotationsSay) {
  struct Row {
    std::uint8_t protocol;
    ByteVector payload;
    std::optional<Spi> spi;
  };
  for (const Row& row :
       {Row{50, {0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 9}, Spi{0xdeadbeef}},
        Row{51, {6, 4, 0, 0, 1, 2, 3, 4}, Spi{0x01020304}}, Row{108, {6, 0, 0x12, 0x34, 9, 9, 9, 9}, Spi{0x1234}},
        Row{17, {0x11, 0x94, 0x11, 0x94, 0, 99, 0, 0}, std::nullopt}, Row{50, {0xde, 0xad, 0xbe}, std::nullopt},
        Row{51, {6, 4, 0, 0, 1, 2, 3}, std::nullopt}, Row{108, {6, 0, 0x12}, std::nullopt}}) {
    for (const bool v4 : {true, false}) {
      // 1000 bytes were sent; RFC 792 quotes "the first 64 bits" only.
      ByteVector sent = row.payload;
      sent.resize(1000);
      const ByteVector quoted =
          first(v4 ? test::packet(a4, b4, row.protocol, sent) : test::packet(a6, b6, row.protocol, sent),
                (v4 ? 20U : 40U) + row.payload.size());
      const std::pair<std::uint8_t, std::uint8_t> type_and_code{v4 ? 3 : 2, v4 ? 4 : 0};
      const ByteVector received = expected(v4, type_and_code, 1300, quoted);
      const auto error = parse(received);
      ASSERT_TRUE(error);
      EXPECT_TRUE(error->too_big());
      EXPECT_EQ(error->mtu, 1300U);
      EXPECT_EQ(error->protocol, row.protocol);
      EXPECT_EQ(error->spi, row.spi);
      EXPECT_EQ(error->ip.ip.source, v4 ? a4 : a6);
      EXPECT_EQ(error->ip.ip.destination, v4 ? b4 : b6);
      EXPECT_EQ(error->ip.stated_length, v4 ? 1020U : 1040U);
      EXPECT_EQ(error->ip.ip.total_length, quoted.size());
      EXPECT_EQ(ByteVector(error->quoted.begin(), error->quoted.end()), quoted);
    }
  }
}

TEST(ParseIcmpError, HasAnMtuOnlyInTooBigMessages) {
  EXPECT_EQ(parse(expected(true, {3, 4}, 0, esp(true, 8)))->mtu, 0U) << "a router older than RFC 1191";
  EXPECT_FALSE(parse(expected(true, {3, 3}, 1300, esp(true, 8)))->mtu);
  EXPECT_FALSE(parse(expected(true, {11, 0}, 0, esp(true, 8)))->mtu);
  EXPECT_FALSE(parse(expected(false, {1, 4}, 0, esp(false, 8)))->mtu);
  EXPECT_EQ(parse(expected(false, {2, 0}, 70000, esp(false, 8)))->mtu, 70000U);
}

TEST(ParseIcmpError, EndsTheQuotationWhereExtensionsBegin) {
  const ByteVector quoted = esp(true, 108);
  ByteVector with_extension = quoted;
  with_extension.insert(with_extension.end(), {0x20, 0, 0xdf, 0xff});
  const auto error4 = parse(expected(true, {11, 0}, 32U << 16, with_extension));
  ASSERT_TRUE(error4);
  EXPECT_EQ(error4->quoted.size(), quoted.size());
  const auto error6 = parse(expected(false, {3, 0}, 10U << 24, esp(false, 100)));
  ASSERT_TRUE(error6);
  EXPECT_EQ(error6->quoted.size(), 80U);
  const auto redirect = parse(expected(true, {5, 1}, 0x0a010203, quoted));
  ASSERT_TRUE(redirect);
  EXPECT_EQ(redirect->quoted.size(), quoted.size()) << "a redirect has a gateway there, not a length";
}

TEST(ParseIcmpError, FindsTheSpiBehindIpv6ExtensionHeaders) {
  const ByteVector sent = test::packet(a6, b6, 50, ByteVector{0, 0, 0x10, 0, 0, 0, 0, 1, 9, 9, 9, 9},
                                       {.options = {50, 0, 1, 4, 0, 0, 0, 0}, .first_extension = 60});
  const auto error = parse(expected(false, {2, 0}, 1280, first(sent, 40 + 8 + 8)));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->spi, Spi{0x1000});
}

TEST(ParseIcmpError, HasNoSpiForALaterFragment) {
  const ByteVector sent = test::packet(a4, b4, 50, ByteVector(16, 1), {.fragment_offset = 8});
  const auto error = parse(expected(true, {11, 1}, 0, sent));
  ASSERT_TRUE(error);
  EXPECT_FALSE(error->spi);
}

TEST(ParseIcmpError, RefusesWhatIsNoErrorOrNotWhole) {
  const auto why = [](const ByteVector& bytes) {
    const auto error = parse(bytes);
    EXPECT_FALSE(error);
    return error ? Malformed{255} : error.error();
  };
  EXPECT_EQ(why(test::icmp_echo(a4, b4, 1, 1, {})), Malformed::Unsupported);
  EXPECT_EQ(why(test::icmp_echo(a6, b6, 1, 1, {})), Malformed::Unsupported);
  EXPECT_EQ(why(test::icmp(a6, b6, {137, 0}, ByteVector(60, 0))), Malformed::Unsupported)
      << "redirects quote elsewhere";
  EXPECT_EQ(why(esp(true, 40)), Malformed::Unsupported);
  EXPECT_EQ(why(test::packet(a4, b4, 1, ByteVector{3, 4, 0, 0, 0, 0, 0})), Malformed::Truncated);
  EXPECT_EQ(why(expected(true, {3, 4}, 1300, {})), Malformed::Truncated);
  EXPECT_EQ(why(expected(true, {3, 4}, 1300, first(esp(true, 8), 19))), Malformed::Truncated);
  EXPECT_EQ(why(expected(true, {3, 4}, 1300, esp(false, 8))), Malformed::BadVersion);
  for (const bool v4 : {true, false}) {
    ByteVector wrong =
        expected(v4, v4 ? std::pair<std::uint8_t, std::uint8_t>{3, 4} : std::pair<std::uint8_t, std::uint8_t>{2, 0},
                 1300, esp(v4, 8));
    wrong.back() ^= 1;
    EXPECT_EQ(why(wrong), Malformed::BadValue) << "the checksum";
  }
}

TEST(ParseQuotedIp, AcceptsEveryCutBehindTheHeadersAndNoneInThem) {
  const ByteVector v4 = test::packet(a4, b4, 50, ByteVector(30, 1), {.options = {1, 1, 1, 1}});
  const ByteVector v6 =
      test::packet(a6, b6, 50, ByteVector(30, 1), {.options = {50, 0, 1, 4, 0, 0, 0, 0}, .first_extension = 60});
  for (const auto& [packet, headers] : {std::pair{v4, 24U}, std::pair{v6, 48U}}) {
    for (std::size_t n = 0; n <= packet.size(); ++n) {
      const auto copy = std::make_unique<std::uint8_t[]>(n);
      std::copy_n(packet.begin(), n, copy.get());
      const auto quoted = parse_quoted_ip({copy.get(), n});
      EXPECT_EQ(quoted.has_value(), n >= headers) << n;
      if (!quoted) continue;
      EXPECT_EQ(quoted->stated_length, packet.size());
      EXPECT_EQ(quoted->ip.total_length, n);
      EXPECT_EQ(quoted->ip.upper_offset, headers);
    }
  }
}

TEST(ParseIcmpError, StaysInsideWhateverTheBytesSay) {
  test::SeededRandom random{8};
  std::size_t accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    const bool v4 = random.chance(50);
    ByteVector quoted = esp(v4, random.below(40));
    for (std::uint32_t n = random.below(3); n > 0; --n)
      quoted[random.below(static_cast<std::uint32_t>(quoted.size()))] = static_cast<std::uint8_t>(random.below(256));
    quoted = first(quoted, random.below(80));
    const auto type = static_cast<std::uint8_t>(random.below(13));
    const ByteVector bytes = expected(v4, {type, 4}, random.below(70000), quoted);
    const auto copy = std::make_unique<std::uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), copy.get());
    const Bytes exact{copy.get(), bytes.size()};
    const auto error = parse_icmp_error(*parse_ip(exact), exact);
    if (!error) continue;
    ++accepted;
    EXPECT_LE(error->ip.ip.upper_offset, error->quoted.size());
    EXPECT_GE(error->quoted.data(), exact.data());
    EXPECT_LE(error->quoted.data() + error->quoted.size(), exact.data() + exact.size());
  }
  EXPECT_GT(accepted, 1000U);
}

}  // namespace
}  // namespace testudo::wire::packet
