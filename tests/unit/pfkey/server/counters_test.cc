// pfkeystat, one event at a time: what grows, and that nothing else does.
#include <cerrno>
#include <map>
#include <string>

#include "unit/pfkey/server/fixture.h"

namespace testudo::pfkey::server {
namespace {

namespace pf = wire::pfkey;
using Counts = std::map<std::string, std::uint64_t>;

Counts counts(const Counters& c) {
  Counts out{{"out_total", c.from_user.total},
             {"out_invlen", c.invalid_length},
             {"out_invver", c.invalid_version},
             {"out_invmsgtype", c.invalid_type},
             {"out_tooshort", c.too_short},
             {"out_nomem", c.no_memory},
             {"out_dupext", c.duplicate_extension},
             {"out_invexttype", c.invalid_extension_type},
             {"out_invsatype", c.invalid_satype},
             {"out_invaddr", c.invalid_address},
             {"in_total", c.to_user.total},
             {"one", c.to_one},
             {"all", c.to_all},
             {"registered", c.to_registered},
             {"in_nomem", c.overflow}};
  for (std::size_t type = 0; type < std::size(c.from_user.by_type); ++type) {
    out["out_type." + std::to_string(type)] = c.from_user.by_type[type];
    out["in_type." + std::to_string(type)] = c.to_user.by_type[type];
  }
  return out;
}

class PfkeyCounters : public ServerTest {
 protected:
  Counts grown(const std::function<void()>& event) {
    Counts before = counts(server.counters()), out;
    event();
    for (const auto& [name, value] : counts(server.counters())) {
      if (value != before[name]) out[name] = value - before[name];
    }
    return out;
  }
  Counts receiving(const ByteVector& bytes) {
    return grown([&] { server.receive(user, bytes, now); });
  }
  /// What each request adds, with the answer to its sender.
  static Counts answered_by(std::uint8_t type, std::uint8_t answer_type, Counts more) {
    more.insert({{"out_total", 1},
                 {"out_type." + std::to_string(type), 1},
                 {"in_total", 1},
                 {"in_type." + std::to_string(answer_type), 1},
                 {"one", 1}});
    return more;
  }
};

TEST_F(PfkeyCounters, WhatIsWrongInAMessageCountsOnceAndAtItsPlace) {
  const ByteVector good = pf::compose(esp());
  const auto changed = [&](std::size_t offset, std::uint8_t value) {
    ByteVector bytes = good;
    bytes[offset] = value;
    return bytes;
  };
  constexpr std::size_t kVersion = 0, kType = 1, kSaType = 3, kExtLength = 16, kExtType = 18;
  constexpr std::size_t kPrefixLength = 16 + 16 + 16 + 5;  // behind header, SA and SA2
  EXPECT_EQ(receiving(changed(kVersion, 3)), answered_by(3, 3, {{"out_invver", 1}}));
  EXPECT_EQ(receiving(changed(kType, 99)), answered_by(99, 99, {{"out_invmsgtype", 1}}));
  EXPECT_EQ(receiving(changed(kSaType, 1)), answered_by(3, 3, {{"out_invsatype", 1}}));
  EXPECT_EQ(receiving(changed(kExtLength, 0)), answered_by(3, 3, {{"out_invlen", 1}}));
  EXPECT_EQ(receiving(changed(kExtType, 63)), answered_by(3, 3, {{"out_invexttype", 1}}));
  EXPECT_EQ(receiving(changed(kExtType, 19)), answered_by(3, 3, {{"out_dupext", 1}}));
  EXPECT_EQ(receiving(changed(kPrefixLength, 33)), answered_by(3, 3, {{"out_invaddr", 1}}));
  ByteVector longer = good;
  longer.resize(good.size() + 8);
  EXPECT_EQ(receiving(longer), answered_by(3, 3, {{"out_invlen", 1}})) << "than its header says";
}

// key_output() counts the call before it looks at the message.
TEST_F(PfkeyCounters, WhatIsTooShortIsARequestOfNoType) {
  EXPECT_EQ(receiving(ByteVector(15)),
            (Counts{{"out_total", 1}, {"out_tooshort", 1}, {"in_total", 1}, {"in_type.0", 1}, {"one", 1}}));
  EXPECT_EQ(server.counters().from_user.bytes, 15U);
}

TEST_F(PfkeyCounters, WhatIsRefusedForItsContentIsNoErrorOfForm) {
  EXPECT_EQ(receiving(pf::compose(esp(0x1000, Type::Get))), answered_by(5, 5, {})) << "ENOENT";
}

TEST_F(PfkeyCounters, TargetsCountEachReceiver) {
  server.connect(true);
  server.connect(true);
  EXPECT_EQ(receiving(pf::compose(message(Type::Flush))),
            (Counts{{"out_total", 1}, {"out_type.9", 1}, {"in_total", 1}, {"in_type.9", 1}, {"all", 3}}));
  EXPECT_EQ(receiving(pf::compose(message(Type::Register, SaType::Esp))),
            (Counts{{"out_total", 1}, {"out_type.7", 1}, {"in_total", 1}, {"in_type.7", 1}, {"registered", 1}}));
}

TEST_F(PfkeyCounters, APromiscuousCopyCountsByItsOwnType) {
  const ClientId listener = server.connect(true);
  server.receive(listener, pf::compose(message(Type::Promisc, SaType::PromiscOn)), now);
  EXPECT_EQ(receiving(pf::compose(message(Type::Dump))), answered_by(10, 10, {{"in_type.11", 1}})) << "ENOENT";
}

}  // namespace
}  // namespace testudo::pfkey::server
