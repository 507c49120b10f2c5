#include "cli/racoonctl/command_line.h"

#include <gtest/gtest.h>

namespace testudo::cli {
namespace {

std::optional<net::Address> resolve(const std::string& name, int family) {
  if (name == "gw.example") return net::Address::parse(family == 6 ? "2001:db8::1" : "192.0.2.1");
  const auto address = net::Address::parse(name);
  if (!address || (family == 4 && !address->is_v4()) || (family == 6 && address->is_v4())) return std::nullopt;
  return address;
}

Result<RacoonctlCommand, std::string> parse(std::vector<std::string> words) {
  return parse_racoonctl(std::move(words),
                         {resolve, [](const net::Address&) { return net::Address::parse("192.0.2.7"); }});
}

struct Row {
  std::vector<std::string> words;
  const char* request;
};

TEST(Racoonctl, WordsAndAliasesBecomeRequests) {
  const Row rows[] = {
      {{"rc"}, R"({"cmd":"reload-config"})"},
      {{"show-schedule"}, R"({"cmd":"show-schedule"})"},
      {{"ss", "isakmp"}, R"({"cmd":"show-sa","what":"isakmp"})"},
      {{"gc", "inet", "192.0.2.7", "gw.example"}, R"({"cmd":"get-cert","src":"192.0.2.7","dst":"192.0.2.1"})"},
      {{"fs", "ipsec"}, R"({"cmd":"flush-sa","what":"ipsec"})"},
      {{"ds", "isakmp", "inet", "192.0.2.7", "192.0.2.1"},
       R"({"cmd":"delete-sa","what":"isakmp","src":"192.0.2.7","dst":"192.0.2.1"})"},
      {{"es", "-w", "isakmp", "inet6", "2001:db8::7", "gw.example"},
       R"({"cmd":"establish-sa","what":"isakmp","src":"2001:db8::7","dst":"2001:db8::1","wait":true})"},
      {{"es", "esp", "inet", "10.0.1.0/24/0", "10.0.2.5[80]", "tcp"},
       R"({"cmd":"establish-sa","what":"esp","src":"10.0.1.0/24","src_port":0,"dst":"10.0.2.5","dst_port":80,)"
       R"("protocol":"tcp"})"},
      {{"vc", "gw.example"}, R"({"cmd":"connect","src":"192.0.2.7","dst":"192.0.2.1","wait":true})"},
      {{"vc", "-n", "office", "-u", "berta", "192.0.2.1"},
       R"({"cmd":"connect","src":"192.0.2.7","dst":"192.0.2.1","wait":true,"block":"office","user":"berta"})"},
      {{"vd", "192.0.2.1"}, R"({"cmd":"disconnect","src":"192.0.2.7","dst":"192.0.2.1"})"},
      {{"se"}, R"({"cmd":"show-event"})"},
      {{"explain"}, R"({"cmd":"explain"})"},
      {{"explain", "gw.example"}, R"({"cmd":"explain","peer":"192.0.2.1"})"},
  };
  for (const Row& row : rows) {
    const auto command = parse(row.words);
    ASSERT_TRUE(command) << row.request << command.error();
    EXPECT_EQ(command->request, nlohmann::json::parse(row.request)) << command->request.dump();
  }
}

TEST(Racoonctl, WhatMakesNoSenseIsRefused) {
  const std::vector<std::string> rows[] = {{},
                                           {"dance"},
                                           {"ss"},
                                           {"ss", "everything"},
                                           {"rc", "now"},
                                           {"gc", "inet", "192.0.2.7"},
                                           {"gc", "ipx", "192.0.2.7", "192.0.2.1"},
                                           {"ds", "isakmp", "inet", "192.0.2.7"},
                                           {"ds", "isakmp", "inet6", "192.0.2.7", "192.0.2.1"},
                                           {"es", "esp", "inet", "10.0.1.0/33/0", "10.0.2.0/24/0", "any"},
                                           {"es", "esp", "inet", "10.0.1.0/24/70000", "10.0.2.0/24/0", "any"},
                                           {"es", "esp", "inet", "10.0.1.0[80", "10.0.2.0/24/0", "any"},
                                           {"es", "-u"},
                                           {"es", "-x", "isakmp", "inet", "192.0.2.7", "192.0.2.1"},
                                           {"ds", "-u", "berta", "isakmp", "inet", "192.0.2.7", "192.0.2.1"},
                                           {"vc", "-w", "192.0.2.1"},
                                           {"vd", "-n", "office", "192.0.2.1"},
                                           {"vc"},
                                           {"vc", "nowhere.example"},
                                           {"explain", "a", "b"}};
  for (const auto& words : rows) {
    EXPECT_FALSE(parse(words)) << (words.empty() ? "" : words[0]);
  }
  EXPECT_EQ(parse({"dance"}).error(), "Invalid command [dance]");
}

TEST(Racoonctl, SocketFollowsTheRunDirectory) {
  EXPECT_EQ(admin_socket("", "/run/testudo"), "/var/run/racoon/racoon.sock");
  EXPECT_EQ(admin_socket("", "/tmp/a"), "/tmp/a/racoon.sock");
  EXPECT_EQ(admin_socket("/x.sock", "/tmp/a"), "/x.sock");
}

}  // namespace
}  // namespace testudo::cli
