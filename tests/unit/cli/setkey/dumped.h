#pragma once
// Dump replies as a PF_KEY server sends them, for the printers' tests.  Times are shown in UTC.
#include <cstdlib>
#include <ctime>

#include "net/protocol.h"
#include "wire/pfkey/message.h"

namespace testudo::cli {

/// Dates are printed in the local zone; the tests' zone is UTC.
inline void use_utc() {
  setenv("TZ", "UTC", 1);
  tzset();
}

inline wire::pfkey::AddressExt end_at(const char* address, std::uint16_t port = 0) {
  const auto parsed = *net::Address::parse(address);
  return {{parsed, port}, net::protocol::kAny, static_cast<std::uint8_t>(parsed.width())};
}

inline wire::pfkey::KeyExt key_of(std::size_t bytes, std::uint8_t first) {
  ByteVector key(bytes);
  for (std::size_t i = 0; i < bytes; ++i) key[i] = static_cast<std::uint8_t>(first + i);
  return {static_cast<std::uint16_t>(bytes * 8), Secret{key}};
}

inline wire::pfkey::Message dumped_sa(wire::pfkey::SaType type) {
  wire::pfkey::Message m;
  m.type = wire::pfkey::Type::Dump;
  m.satype = type;
  m.sequence = 1;
  m.pid = 4711;
  m.source = end_at("20.0.0.1");
  m.destination = end_at("20.0.0.2");
  m.sa = wire::pfkey::SaExt{};
  m.sa->spi = Spi{9876};
  m.sa->state = wire::pfkey::SaState::Mature;
  m.sa->flags = 0x40;
  m.sa2 = wire::pfkey::Sa2Ext{};
  return m;
}

/// ESP with 3DES and HMAC-SHA1, all lifetimes set, in use.
inline wire::pfkey::Message dumped_esp() {
  auto m = dumped_sa(wire::pfkey::SaType::Esp);
  m.sa->encrypt = 3;
  m.sa->auth = 3;
  m.sa->replay = 4;
  m.encrypt_key = key_of(24, 0);
  m.auth_key = key_of(20, 0xa0);
  m.sa2->mode = wire::pfkey::Mode::Tunnel;
  m.sa2->reqid = ReqId{7};
  m.sa2->sequence = 0x1a;
  // 2000-01-03 04:05:06 UTC, and used nine seconds later.
  m.current = wire::pfkey::LifetimeExt{26, 2600, 946872306, 946872315};
  m.hard = wire::pfkey::LifetimeExt{0, 5000000000, 3600, 0};
  m.soft = wire::pfkey::LifetimeExt{0, 4000000000, 2880, 0};
  return m;
}

inline constexpr std::int64_t kNow = 946872406;  ///< 100 seconds after creation

}  // namespace testudo::cli
