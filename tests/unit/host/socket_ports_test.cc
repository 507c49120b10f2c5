#include "host/socket_ports.h"

#include <gtest/gtest.h>

namespace testudo::host {
namespace {

using Ports = std::set<std::uint16_t>;

/// Each by a user of his own.
std::vector<SocketPort> asked(std::uint16_t first, std::size_t count, bool privileged) {
  std::vector<SocketPort> list;
  for (std::size_t i = 0; i < count; ++i) {
    list.push_back({static_cast<std::uint16_t>(first + i), privileged, static_cast<std::uint32_t>(1000 + i)});
  }
  return list;
}

TEST(SocketPorts, AreThoseThatAreAskedFor) {
  EXPECT_EQ(choose_ports({{5500, true, 0}, {5501, false, 1}, {5500, false, 1}}, {}), (Ports{5500, 5501}));
  EXPECT_EQ(choose_ports({{0, true, 0}, {0, false, 1}}, {}), Ports{}) << "a socket that is not bound has none";
  EXPECT_EQ(choose_ports({}, {5500}), Ports{}) << "what nobody asks for any more";
}

TEST(SocketPorts, OfTheUnprivilegedAreFewAndStay) {
  const auto many = asked(1000, 100, false);
  EXPECT_EQ(choose_ports(many, {}).size(), kForUnprivilegedPorts);
  const Ports served{1050, 1051, 1052, 1053, 1054, 1055, 1056, 1057};
  EXPECT_EQ(choose_ports(many, served), served) << "a smaller port does not push out a larger one";
}

TEST(SocketPorts, OfOneUserAreFewerSoThatOthersHaveSome) {
  std::vector<SocketPort> all;
  for (std::uint16_t port = 1000; port < 1100; ++port) all.push_back({port, false, 7});
  EXPECT_EQ(choose_ports(all, {}), (Ports{1000, 1001}));
  EXPECT_EQ(choose_ports(all, {1050, 1051}), (Ports{1050, 1051})) << "who is served stays so";
  all.push_back({2000, false, 8});
  all.push_back({1002, false, 8});
  EXPECT_EQ(choose_ports(all, {1000, 1001}), (Ports{1000, 1001, 1002, 2000}))
      << "a port of two users is the other's too";
  all.push_back({1003, true, 7});
  EXPECT_TRUE(choose_ports(all, {1000, 1001}).contains(1003)) << "a privileged program of that user is apart";
}

TEST(SocketPorts, OfThePrivilegedHaveRoomWhateverTheOthersAsk) {
  auto all = asked(1000, 100, false);
  const auto privileged = asked(2000, 100, true);
  all.insert(all.end(), privileged.begin(), privileged.end());
  const Ports chosen = choose_ports(all, {});
  EXPECT_EQ(chosen.size(), kMostSocketPorts);
  EXPECT_TRUE(chosen.contains(2000));
  EXPECT_TRUE(chosen.contains(2023));
  EXPECT_FALSE(chosen.contains(2024));
}

TEST(SocketPorts, APortThatBothAskForIsThePrivilegeds) {
  auto all = asked(1000, kForUnprivilegedPorts, false);
  all.push_back({900, false, 1});
  all.push_back({900, true, 0});
  EXPECT_EQ(choose_ports(all, {}).size(), kForUnprivilegedPorts + 1);
}

}  // namespace
}  // namespace testudo::host
