#pragma once
// SAs for tests, made from the names that setkey uses.  Keys are drawn from the algorithm rows (longest length) with a
// fixed seed, so that two calls with the same arguments give the two ends of one association.
//
//   auto out = sa(esp(ip("10.0.0.1"), ip("10.0.0.2"), "aes-cbc", "hmac-sha1"));
//   auto in  = sa(esp(ip("10.0.0.1"), ip("10.0.0.2"), "aes-cbc", "hmac-sha1"));
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "sad/sa.h"
#include "support/random.h"

namespace testudo::test {

inline Secret key(std::size_t bytes, std::uint64_t seed = 7) {
  return Secret{SeededRandom{seed}.bytes(bytes)};
}

inline sad::SaParameters esp(const net::Address& source, const net::Address& destination, std::string_view cipher,
                             std::string_view mac = "", const sad::SaFlags& flags = {}) {
  sad::SaParameters p;
  p.group = {.protocol = sad::SaProtocol::Esp, .source = source, .destination = destination};
  p.spi = Spi{0x1000};
  p.flags = flags;
  p.cipher = crypto::cipher_by_name(cipher);
  if (p.cipher != nullptr) p.cipher_key = key(p.cipher->kind == crypto::CipherKind::Null ? 0 : p.cipher->key.max, 11);
  if (!mac.empty()) p.mac = crypto::mac_by_name(mac);
  if (p.mac != nullptr) p.mac_key = key(p.mac->kind == crypto::MacKind::Null ? 0 : p.mac->key.max, 12);
  p.replay_packets = 64;
  return p;
}

inline sad::SaParameters ah(const net::Address& source, const net::Address& destination, std::string_view mac,
                            const sad::SaFlags& flags = {}) {
  sad::SaParameters p = esp(source, destination, "", mac, flags);
  p.group.protocol = sad::SaProtocol::Ah;
  return p;
}

inline sad::SaParameters ipcomp(const net::Address& source, const net::Address& destination, std::uint32_t spi = 0x1000,
                                bool raw_cpi = false) {
  sad::SaParameters p;
  p.group = {.protocol = sad::SaProtocol::Ipcomp, .source = source, .destination = destination};
  p.spi = Spi{spi};
  p.flags.raw_cpi = raw_cpi;
  p.compression = crypto::compression_by_name("deflate");
  return p;
}

/// The SA, or the end of the test program.
inline std::unique_ptr<sad::Sa> sa(sad::SaParameters parameters) {
  auto made = sad::Sa::make(std::move(parameters), Time{});
  if (!made) {
    std::fprintf(stderr, "Sa::make refused the parameters of a test: %d\n", static_cast<int>(made.error()));
    std::abort();
  }
  return *std::move(made);
}

}  // namespace testudo::test
