#include "ike/negotiate/phase2.h"

#include <gtest/gtest.h>

namespace testudo::ike::negotiate {
namespace {

using v1wire::Protocol;
using v1wire::SaPayload;

Sainfo sainfo() {
  Sainfo made;
  made.name = "anonymous";
  made.encryption = {{crypto::cipher_by_name("aes-cbc"), 128}};
  made.authentication = {crypto::mac_by_name("hmac-sha1")};
  return made;
}

SaPayload offer(const std::vector<ChildItem>& items, std::uint32_t spi = 0x1000) {
  return phase2_offer(sainfo(), items, std::vector<Spi>(items.size(), Spi{spi}));
}

bool is_taken(const SaPayload& offered, const std::vector<ChildItem>& wanted) {
  const Sainfo ours = sainfo();
  return choose_phase2(offered, {ours, wanted}).has_value();
}

const ChildItem kEsp{Protocol::Esp, Encapsulation::Transport, {}};
const ChildItem kAh{Protocol::Ah, Encapsulation::Transport, {}};

TEST(Phase2, OneProposalCannotStandForTwoItems) {
  EXPECT_TRUE(is_taken(offer({kEsp, kAh}), {kEsp, kAh}));
  EXPECT_TRUE(is_taken(offer({kAh, kEsp}), {kEsp, kAh})) << "their order is the peer's";
  EXPECT_FALSE(is_taken(offer({kEsp, kEsp}), {kEsp, kAh})) << "AH would be agreed upon without a key";
  EXPECT_FALSE(is_taken(offer({kAh, kAh}), {kEsp, kAh}));
}

struct SpiRow {
  Protocol protocol;
  ByteVector spi;
  bool fine;
};

// RFC 2406 section 2.1: "values in the range 1 through 255 are reserved …  the SPI value of zero (0) is reserved".
// RFC 3173 section 4.1: a CPI has 16 bits, and 0 to 255 are not for negotiation.
TEST(Phase2, SpisOfThePeerAreJudged) {
  for (const auto& [protocol, spi, fine] :
       {SpiRow{Protocol::Esp, {0, 0, 0, 0}, false}, SpiRow{Protocol::Esp, {0, 0, 0, 255}, false},
        SpiRow{Protocol::Esp, {0, 0, 1, 0}, true}, SpiRow{Protocol::Esp, {1, 0}, false},
        SpiRow{Protocol::Esp, {}, false}, SpiRow{Protocol::Ah, {0, 0, 0, 255}, false},
        SpiRow{Protocol::Ah, {255, 255, 255, 255}, true}, SpiRow{Protocol::Ipcomp, {0, 255}, false},
        SpiRow{Protocol::Ipcomp, {1, 0}, true}, SpiRow{Protocol::Ipcomp, {0, 0, 1, 0}, true},
        SpiRow{Protocol::Ipcomp, {0, 1, 1, 0}, false}}) {
    const ChildItem item{protocol, Encapsulation::Transport, {}};
    SaPayload offered = offer({item});
    offered.proposals[0].spi = spi;
    EXPECT_EQ(is_taken(offered, {item}), fine) << v1wire::name_of(protocol) << " " << testing::PrintToString(spi);
  }
}

TEST(Phase2, AnAnswerMustBeWhatWasOffered) {
  Sainfo ours = sainfo();
  const std::vector<ChildItem> items{kEsp};
  const SaPayload plain = phase2_offer(ours, items, {Spi{0x1000}});
  EXPECT_TRUE(accept_phase2(plain, {ours, items, Check::Obey}));

  ours.pfs_group = crypto::ike::group_by_name("modp2048");
  const SaPayload with_group = phase2_offer(ours, items, {Spi{0x1000}});
  EXPECT_TRUE(accept_phase2(with_group, {ours, items, Check::Obey}));
  EXPECT_FALSE(accept_phase2(plain, {ours, items, Check::Obey})) << "without the group";

  const Sainfo none = sainfo();
  EXPECT_FALSE(accept_phase2(with_group, {none, items, Check::Obey})) << "with a group that was not offered";
  ours.pfs_group = crypto::ike::group_by_name("modp1024");
  EXPECT_FALSE(accept_phase2(with_group, {ours, items, Check::Obey})) << "with another group";

  Sainfo shorter = sainfo();
  shorter.lifetime /= 2;
  EXPECT_FALSE(accept_phase2(plain, {shorter, items, Check::Obey})) << "a longer lifetime";
}

}  // namespace
}  // namespace testudo::ike::negotiate
