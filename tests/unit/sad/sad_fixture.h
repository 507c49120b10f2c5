#pragma once
// What the tests of the SAD's parts share: one database, and SAs with null algorithms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "sad/database.h"
#include "support/packets.h"
#include "support/random.h"

namespace testudo::sad {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::ip;
using testing::ElementsAre;

constexpr Time at(std::int64_t second) {
  return Time{seconds{second}};
}

inline SaGroup group(std::uint32_t reqid = 0, Mode mode = Mode::Transport, SaProtocol protocol = SaProtocol::Esp) {
  return {protocol, mode, ip("10.0.0.1"), ip("10.0.0.2"), ReqId{reqid}};
}

inline SaParameters parameters(const SaGroup& g, std::uint32_t spi) {
  SaParameters p;
  p.group = g;
  p.spi = Spi{spi};
  p.cipher = g.protocol == SaProtocol::Esp ? crypto::cipher_by_name("null") : nullptr;
  p.mac = g.protocol == SaProtocol::Ah ? crypto::mac_by_name("null") : nullptr;
  p.compression = g.protocol == SaProtocol::Ipcomp ? crypto::compression_by_name("deflate") : nullptr;
  return p;
}

inline std::unique_ptr<Sa> make(SaParameters p, std::int64_t second = 0) {
  auto sa = Sa::make(std::move(p), at(second));
  EXPECT_TRUE(sa.has_value());
  return sa ? *std::move(sa) : nullptr;
}

inline std::unique_ptr<Sa> make(const SaGroup& g, std::uint32_t spi, std::int64_t second = 0) {
  return make(parameters(g, spi), second);
}

class SadDatabase : public testing::Test {
 protected:
  /// Adds and says whether that worked.
  bool add(const SaGroup& g, std::uint32_t spi, std::int64_t second = 0) {
    return sad.add(make(g, spi, second)).has_value();
  }
  Sa* add_living(const SaGroup& g, std::uint32_t spi, const Lifetime& soft, const Lifetime& hard) {
    SaParameters p = parameters(g, spi);
    p.lifetimes = Lifetimes{hard, soft};
    return *sad.add(make(std::move(p)));
  }
  std::uint32_t outbound_spi(std::uint32_t reqid = 0, Mode mode = Mode::Transport) const {
    const Sa* sa = sad.outbound({SaProtocol::Esp, mode, ip("10.0.0.1"), ip("10.0.0.2"), ReqId{reqid}});
    return sa == nullptr ? 0 : sa->spi().value;
  }
  std::vector<std::uint32_t> dump() const {
    std::vector<std::uint32_t> spis;
    sad.for_each([&](const Sa& sa) { spis.push_back(sa.spi().value); });
    return spis;
  }
  std::vector<std::pair<Expiry::Kind, std::uint32_t>> tick(Time now) {
    std::vector<std::pair<Expiry::Kind, std::uint32_t>> out;
    for (const Expiry& e : sad.tick(now)) out.emplace_back(e.kind, e.sa->spi().value);
    return out;
  }

  KeySettings settings;
  test::SeededRandom random{7};
  Database sad{settings, random};
};

}  // namespace testudo::sad
