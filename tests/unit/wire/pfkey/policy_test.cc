// sadb_x_policy and its request records, whose lengths are bytes and whose addresses stand back to back.
#include <gtest/gtest.h>
#include <linux/pfkeyv2.h>
#include <netinet/in.h>

#include <cstring>
#include <vector>

#include "wire/pfkey/message.h"

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

sadb_x_policy policy_header(std::size_t record_bytes) {
  sadb_x_policy p{};
  p.sadb_x_policy_len = static_cast<std::uint16_t>((16 + record_bytes) / 8);
  p.sadb_x_policy_exttype = SADB_X_EXT_POLICY;
  p.sadb_x_policy_type = 2;
  p.sadb_x_policy_dir = 2;
  p.sadb_x_policy_id = 9;
  p.sadb_x_policy_priority = 77;
  return p;
}

sadb_x_ipsecrequest record(std::uint16_t length) {
  sadb_x_ipsecrequest r{};
  r.sadb_x_ipsecrequest_len = length;
  r.sadb_x_ipsecrequest_proto = 50;
  r.sadb_x_ipsecrequest_mode = 2;
  r.sadb_x_ipsecrequest_level = 3;
  r.sadb_x_ipsecrequest_reqid = 0x12345;
  return r;
}

sockaddr_in v4(std::uint32_t address, std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(address);
  return a;
}

sockaddr_in6 v6(std::uint8_t last) {
  sockaddr_in6 a{};
  a.sin6_family = AF_INET6;
  a.sin6_addr.s6_addr[0] = 0xfd;
  a.sin6_addr.s6_addr[15] = last;
  return a;
}

PolicyExt policy(std::vector<RequestExt> requests) {
  return {PolicyType::Ipsec, Direction::Out, 0, PolicyId{9}, 77, std::move(requests)};
}

RequestExt request() {
  RequestExt r;
  r.protocol = 50;
  r.mode = Mode::Tunnel;
  r.level = Level::Unique;
  r.reqid = ReqId{0x12345};
  return r;
}

net::Endpoint endpoint(const char* text, std::uint16_t port = 0) {
  return {*net::Address::parse(text), port};
}

TEST(PfkeyPolicy, ARequestWithoutAddressesIs16Bytes) {
  const ByteVector expected = bytes_of(policy_header(16), record(16));
  EXPECT_EQ(compose_policy(policy({request()})), expected);
  const auto back = parse_policy(expected);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->id, PolicyId{9});
  EXPECT_EQ(back->requests.at(0).reqid, ReqId{0x12345}) << "a reqid has 32 bits on Linux";
  EXPECT_FALSE(back->requests.at(0).source);
}

TEST(PfkeyPolicy, ARequestBetweenIpv4AddressesIs48Bytes) {
  RequestExt r = request();
  r.source = endpoint("10.0.0.1", 4500);
  r.destination = endpoint("10.0.0.2");
  const ByteVector expected = bytes_of(policy_header(48), record(48), v4(0x0a000001, 4500), v4(0x0a000002, 0));
  EXPECT_EQ(compose_policy(policy({r})), expected);
  EXPECT_EQ(parse_policy(expected)->requests.at(0).source, endpoint("10.0.0.1", 4500));
}

TEST(PfkeyPolicy, ARequestBetweenIpv6AddressesIs72BytesWithoutAGap) {
  RequestExt r = request();
  r.source = endpoint("fd00::1");
  r.destination = endpoint("fd00::2");
  const ByteVector expected = bytes_of(policy_header(72), record(72), v6(1), v6(2));
  EXPECT_EQ(compose_policy(policy({r})), expected);
  EXPECT_EQ(parse_policy(expected)->requests.at(0).destination, endpoint("fd00::2"));
}

TEST(PfkeyPolicy, RequestsKeepTheirOrder) {
  RequestExt first = request(), second = request();
  first.protocol = 51;
  const auto back = parse_policy(compose_policy(policy({first, second})));
  ASSERT_TRUE(back);
  ASSERT_EQ(back->requests.size(), 2U);
  EXPECT_EQ(back->requests[0].protocol, 51);
  EXPECT_EQ(back->requests[1].protocol, 50);
}

TEST(PfkeyPolicy, BrokenRecordsAreRefused) {
  const auto a = v4(0x0a000001, 0);
  auto strange = a;
  strange.sin_family = AF_UNIX;
  struct Case {
    const char* what;
    ByteVector bytes;
    ParseError error;
  };
  const std::uint64_t eight = 0;
  const std::vector<Case> cases{
      {"length 0", bytes_of(policy_header(16), record(0)), ParseError::BadPolicy},
      {"length 8", bytes_of(policy_header(16), record(8)), ParseError::BadPolicy},
      {"length 15", bytes_of(policy_header(16), record(15)), ParseError::BadPolicy},
      {"beyond the extension", bytes_of(policy_header(16), record(24)), ParseError::BadPolicy},
      {"units instead of bytes", bytes_of(policy_header(48), record(6), a, a), ParseError::BadPolicy},
      {"no multiple of 8", bytes_of(policy_header(24), record(20), eight), ParseError::BadPolicy},
      {"half a record left over", bytes_of(policy_header(24), record(16), eight), ParseError::BadPolicy},
      {"one address only", bytes_of(policy_header(32), record(32), a), ParseError::BadAddress},
      {"an unknown family", bytes_of(policy_header(48), record(48), strange, a), ParseError::UnknownFamily},
      {"two families", bytes_of(policy_header(64), record(64), a, v6(1), std::uint32_t{0}), ParseError::BadPolicy},
      {"bytes behind the addresses", bytes_of(policy_header(56), record(56), a, a, eight), ParseError::BadPolicy},
      {"no header", ByteVector(8, 0), ParseError::BadExtensionLength},
      {"nothing", {}, ParseError::BadExtensionLength},
  };
  for (const Case& c : cases) {
    const auto result = parse_policy(c.bytes);
    ASSERT_FALSE(result) << c.what;
    EXPECT_EQ(result.error(), c.error) << c.what;
  }
}

TEST(PfkeyPolicy, AnotherExtensionIsNotAPolicy) {
  ByteVector bytes = compose_policy(policy({}));
  bytes[2] = SADB_EXT_SA;
  EXPECT_EQ(parse_policy(bytes).error(), ParseError::UnknownExtension);
}

TEST(PfkeyPolicy, EveryPrefixAndEveryChangedByteIsParsedOrRefused) {
  RequestExt r = request();
  r.source = endpoint("fd00::1");
  r.destination = endpoint("fd00::2");
  const ByteVector bytes = compose_policy(policy({r, request()}));
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(parse_policy(Bytes{bytes}.first(n))) << n;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      ByteVector changed = bytes;
      changed[at] = static_cast<std::uint8_t>(value);
      const auto parsed = parse_policy(changed);
      if (!parsed) continue;
      ASSERT_TRUE(parse_policy(compose_policy(*parsed))) << "byte " << at << " = " << value;
    }
  }
}

}  // namespace
}  // namespace testudo::wire::pfkey
