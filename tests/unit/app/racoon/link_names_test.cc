#include "app/racoon/link_names.h"

#include <gtest/gtest.h>

#include "io/socket_address.h"

namespace testudo::app {
namespace {

/// Of the one interface that every host has.
net::Endpoint at_loopback(const char* address) {
  const std::string scoped = std::string{address} + "%" + std::to_string(io::link_index("lo"));
  return {*net::Address::parse(scoped), 500};
}

TEST(LinkNames, ARefusalIsReadWithTheNamesOfInterfaces) {
  ike::Refusal refusal;
  refusal.local = at_loopback("fe80::1");
  refusal.remote = at_loopback("fe80::2");
  const std::string local = refusal.local.address.to_string(), remote = refusal.remote.address.to_string();
  refusal.why = {"identifier", local, remote, "none for " + remote, "add a line \"" + remote + " KEY\" for " + local};
  EXPECT_EQ(sentence_of(refusal),
            "phase 1 with fe80::2%lo[500]: identifier does not match; ours: fe80::1%lo; theirs: fe80::2%lo; nearest: "
            "none for fe80::2%lo; add a line \"fe80::2%lo KEY\" for fe80::1%lo");
  const ike::Refusal named = with_link_names(refusal);
  EXPECT_EQ(named.why.ours, "fe80::1%lo");
  EXPECT_EQ(named.why.theirs, "fe80::2%lo");
  EXPECT_EQ(named.why.nearest, "none for fe80::2%lo");
  EXPECT_EQ(named.why.hint, "add a line \"fe80::2%lo KEY\" for fe80::1%lo");
  EXPECT_EQ(named.remote, refusal.remote) << "what programs compare stays";
}

TEST(LinkNames, WhatIsNoAddressOfTheTwoHostsStays) {
  const net::Endpoint local = at_loopback("fe80::1"), remote = at_loopback("fe80::2");
  const std::string text = "fe80::3%1 and " + remote.address.to_string() + "7, 50%1 of 192.0.2.1";
  EXPECT_EQ(with_link_names(text, local, remote), text);
  EXPECT_EQ(with_link_names("", local, remote), "");
  const net::Endpoint plain{*net::Address::parse("192.0.2.1"), 500};
  EXPECT_EQ(with_link_names("192.0.2.1%1", plain, plain), "192.0.2.1%1");
}

TEST(LinkNames, WhatIsToldIsReadSoToo) {
  ike::Told told;
  told.local = at_loopback("fe80::1");
  told.remote = at_loopback("fe80::2");
  told.text = told.remote.address.to_string() + " " + told.remote.address.to_string();
  EXPECT_EQ(with_link_names(told).text, "fe80::2%lo fe80::2%lo");
}

}  // namespace
}  // namespace testudo::app
