#include "sad/spi_index.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <tuple>

#include "sad/sa.h"
#include "support/packets.h"
#include "support/random.h"
#include "support/sas.h"

namespace testudo::sad {
namespace {

using test::ip;
using Name = SpiIndex::Name;

/// Some SAs, for their addresses.
struct Some {
  Some() {
    for (auto& one : sas) one = test::sa(test::esp(ip("20.0.0.1"), ip("20.0.0.2"), "aes-gcm-16"));
  }
  std::array<std::unique_ptr<Sa>, 4> sas;
};

TEST(SpiIndex, FindsNothingInNothing) {
  const SpiIndex index;
  const SpiIndex::Found found = index.find(Name{ip("20.0.0.2"), SaProtocol::Esp, Spi{0}});
  EXPECT_EQ(found.one, nullptr);
  EXPECT_FALSE(found.several);
}

TEST(SpiIndex, TellsDestinationsProtocolsAndFamiliesApart) {
  const Some some;
  SpiIndex index;
  index.put({ip("20.0.0.2"), SaProtocol::Esp, Spi{7}}, {some.sas[0].get()});
  index.put({ip("20.0.0.3"), SaProtocol::Esp, Spi{7}}, {some.sas[1].get()});
  index.put({ip("20.0.0.2"), SaProtocol::Ah, Spi{7}}, {some.sas[2].get()});
  index.put({ip("::"), SaProtocol::Esp, Spi{7}}, {some.sas[3].get()});
  EXPECT_EQ(index.find(Name{ip("20.0.0.2"), SaProtocol::Esp, Spi{7}}).one, some.sas[0].get());
  EXPECT_EQ(index.find(Name{ip("20.0.0.3"), SaProtocol::Esp, Spi{7}}).one, some.sas[1].get());
  EXPECT_EQ(index.find(Name{ip("20.0.0.2"), SaProtocol::Ah, Spi{7}}).one, some.sas[2].get());
  EXPECT_EQ(index.find(Name{ip("::"), SaProtocol::Esp, Spi{7}}).one, some.sas[3].get());
  EXPECT_EQ(index.find(Name{ip("0.0.0.0"), SaProtocol::Esp, Spi{7}}).one, nullptr);
  EXPECT_EQ(index.find(Name{ip("20.0.0.2"), SaProtocol::Esp, Spi{8}}).one, nullptr);
}

TEST(SpiIndex, SaysThatThereAreSeveral) {
  const Some some;
  SpiIndex index;
  const Name name{ip("20.0.0.2"), SaProtocol::Esp, Spi{7}};
  index.put(name, {some.sas[0].get()});
  index.put(name, {nullptr, true});
  EXPECT_TRUE(index.find(name).several);
  index.put(name, {some.sas[1].get()});
  EXPECT_FALSE(index.find(name).several);
  EXPECT_EQ(index.find(name).one, some.sas[1].get());
  index.remove(name);
  EXPECT_EQ(index.find(name).one, nullptr);
}

// Few SPIs and destinations, so that chains are long and numbers of destinations are given again.
TEST(SpiIndex, IsAMapWhateverComesAndGoes) {
  const Some some;
  SpiIndex index;
  std::map<std::tuple<net::Address, SaProtocol, std::uint32_t>, Sa*> expected;
  test::SeededRandom random{3};
  const auto any_name = [&] {
    const std::string host = std::to_string(random.below(6));
    return Name{ip(random.chance(50) ? "20.0.0." + host : "fd00::" + host), static_cast<SaProtocol>(random.below(4)),
                Spi{random.below(3)}};
  };
  for (int step = 0; step < 20000; ++step) {
    const Name name = any_name();
    const std::tuple key{name.destination, name.protocol, name.spi.value};
    if (random.chance(step / 2000 % 2 == 0 ? 60 : 5)) {
      Sa* const sa = some.sas.at(random.below(4)).get();
      index.put(name, {sa});
      expected[key] = sa;
    } else {
      index.remove(name);
      expected.erase(key);
    }
    std::array<Name, 3> names{any_name(), any_name(), any_name()};
    names[1].destination = names[0].destination;
    std::array<SpiIndex::Found, 3> found;
    index.find(names, found);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto there = expected.find({names[i].destination, names[i].protocol, names[i].spi.value});
      ASSERT_EQ(found[i].one, there == expected.end() ? nullptr : there->second) << "step " << step;
      ASSERT_EQ(index.find(names[i]).one, found[i].one);
    }
  }
}

}  // namespace
}  // namespace testudo::sad
