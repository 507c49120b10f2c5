#pragma once
// A server with empty databases and messages to send it.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "pfkey/server/server.h"
#include "support/random.h"
#include "wire/pfkey/message.h"

namespace testudo::pfkey::server {

using wire::pfkey::Ext;
using wire::pfkey::Message;
using wire::pfkey::SaType;
using wire::pfkey::Type;

inline constexpr std::uint8_t kAes = 12, kGcm16 = 20, kHmacMd5 = 2, kHmacSha1 = 3, kNullMac = 251, kNullCipher = 11;

class ServerTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kWall = 1'700'000'000;

  Time at(std::int64_t seconds) const { return Time{} + std::chrono::seconds{seconds}; }

  /// Sends, and gives the first message that comes back to the sender.
  Message ask(ClientId client, const Message& request) {
    server.receive(client, wire::pfkey::compose(request), now);
    return next(client);
  }
  Message ask(const Message& request) { return ask(user, request); }
  std::uint8_t error_of(const Message& request) { return ask(request).error; }

  Message next(ClientId client) {
    const auto bytes = server.next_output(client, now);
    EXPECT_TRUE(bytes) << "nothing came";
    if (!bytes) return {};
    auto parsed = wire::pfkey::parse(*bytes);
    EXPECT_TRUE(parsed) << "what came cannot be read";
    return parsed ? *std::move(parsed) : Message{};
  }
  std::vector<Message> all(ClientId client) {
    std::vector<Message> messages;
    while (server.has_output(client)) messages.push_back(next(client));
    return messages;
  }
  bool silent(ClientId client) const { return !server.has_output(client); }

  sad::KeySettings settings;
  test::SeededRandom random;
  sad::Database sad{settings, random};
  spd::Database spd;
  std::vector<std::uint32_t> answered;
  std::vector<std::string> refusals;
  int policy_changes = 0, key_daemons = 0;
  Time now = at(1000);
  WallReference wall{at(0), kWall};
  Server server{Server::Parts{.sad = sad,
                              .spd = spd,
                              .settings = settings,
                              .random = random,
                              .wall = [this] { return wall; },
                              .acquire_answered = [this](std::uint32_t s) { answered.push_back(s); },
                              .policies_changed = [this] { ++policy_changes; },
                              .key_daemon_came = [this] { ++key_daemons; },
                              .refused = [this](const std::string& why) { refusals.push_back(why); }}};
  ClientId user = server.connect(true);
};

inline Message message(Type type, SaType satype = SaType::Unspec) {
  Message m;
  m.type = type;
  m.satype = satype;
  m.sequence = 7;
  m.pid = 4711;
  return m;
}

inline wire::pfkey::AddressExt address(const char* text, std::uint8_t prefix = 32, std::uint16_t port = 0,
                                       std::uint8_t protocol = 255) {
  return {{*net::Address::parse(text), port}, protocol, prefix};
}

inline wire::pfkey::KeyExt key(std::size_t bytes, std::uint8_t fill = 0x61) {
  const ByteVector k(bytes, fill);
  return {static_cast<std::uint16_t>(bytes * 8), Secret{k}};
}

inline Message between(Type type, SaType satype, const char* source = "20.0.0.1",
                       const char* destination = "20.0.0.2") {
  Message m = message(type, satype);
  m.source = address(source);
  m.destination = address(destination);
  return m;
}

/// ESP with AES-CBC-128 and HMAC-SHA1, transport mode.
inline Message esp(std::uint32_t spi = 0x1000, Type type = Type::Add) {
  Message m = between(type, SaType::Esp);
  m.sa = {.spi = Spi{spi}, .replay = 4, .auth = kHmacSha1, .encrypt = kAes, .flags = 0x40};
  m.sa2 = {wire::pfkey::Mode::Transport, 0, ReqId{}};
  m.encrypt_key = key(16, 0x65);
  m.auth_key = key(20, 0x61);
  return m;
}

inline Message ah(std::uint32_t spi = 0x2000) {
  Message m = between(Type::Add, SaType::Ah);
  m.sa = {.spi = Spi{spi}, .auth = kHmacMd5};
  m.auth_key = key(16);
  return m;
}

inline Message ipcomp(std::uint32_t cpi = 0x3000) {
  Message m = between(Type::Add, SaType::Ipcomp);
  m.sa = {.spi = Spi{cpi}, .encrypt = 2};
  return m;
}

inline Message tcp_md5() {
  Message m = between(Type::Add, SaType::TcpSignature);
  m.sa = {.spi = Spi{0x1000}, .auth = 252};
  m.auth_key = key(10);
  return m;
}

inline Message with(Message m, const std::function<void(Message&)>& change) {
  change(m);
  return m;
}

inline wire::pfkey::RequestExt transport(std::uint16_t protocol = 50,
                                         wire::pfkey::Level level = wire::pfkey::Level::Require) {
  wire::pfkey::RequestExt r;
  r.protocol = protocol;
  r.mode = wire::pfkey::Mode::Transport;
  r.level = level;
  return r;
}

inline wire::pfkey::RequestExt tunnel(const char* source = "20.0.0.1", const char* destination = "20.0.0.2") {
  wire::pfkey::RequestExt r = transport();
  r.mode = wire::pfkey::Mode::Tunnel;
  r.source = net::Endpoint{*net::Address::parse(source), 0};
  r.destination = net::Endpoint{*net::Address::parse(destination), 0};
  return r;
}

/// spdadd 10.0.1.0/24 10.0.2.0/24 any -P out ipsec esp/tunnel/20.0.0.1-20.0.0.2/require.
inline Message policy(Type type = Type::SpdAdd) {
  Message m = message(type);
  m.source = address("10.0.1.0", 24);
  m.destination = address("10.0.2.0", 24);
  m.policy = wire::pfkey::PolicyExt{wire::pfkey::PolicyType::Ipsec, wire::pfkey::Direction::Out, 0, {}, 0, {tunnel()}};
  return m;
}

}  // namespace testudo::pfkey::server
