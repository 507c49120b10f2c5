#include "wire/racoon_task.h"

#include <gtest/gtest.h>

namespace testudo::wire::racoon {
namespace {

Task a_task() {
  Task task;
  task.job = Job::CloseSession;
  task.source = Source::Radius;
  task.user = "anna";
  task.password = Secret{as_bytes("tulip")};
  task.remote = *net::Address::parse("2001:db8::2");
  task.groups = {"vpn", "staff"};
  task.servers.push_back({"radius.example.org", 1812, Secret{as_bytes("xyzzy5461")}});
  task.timeout = 4;
  task.tries = 2;
  task.proof_required = false;
  task.session = 0x0123456789abcdef;
  task.slot = 3;
  task.seconds = 90;
  task.address = net::Address::parse("10.77.0.9");
  task.token = {1, 0, 2};
  return task;
}

TEST(RacoonTask, IsReadAsItWasMeant) {
  const auto task = parse_task(compose(a_task()));
  ASSERT_TRUE(task);
  EXPECT_EQ(task->job, Job::CloseSession);
  EXPECT_EQ(task->source, Source::Radius);
  EXPECT_EQ(task->user, "anna");
  EXPECT_TRUE(equal_constant_time(task->password.expose(), as_bytes("tulip")));
  EXPECT_EQ(task->remote.to_string(), "2001:db8::2");
  EXPECT_EQ(task->groups, (std::vector<std::string>{"vpn", "staff"}));
  ASSERT_EQ(task->servers.size(), 1U);
  EXPECT_EQ(task->servers[0].host, "radius.example.org");
  EXPECT_EQ(task->servers[0].port, 1812);
  EXPECT_TRUE(equal_constant_time(task->servers[0].secret.expose(), as_bytes("xyzzy5461")));
  EXPECT_EQ(task->timeout, 4);
  EXPECT_EQ(task->tries, 2);
  EXPECT_FALSE(task->proof_required);
  EXPECT_EQ(task->session, 0x0123456789abcdefU);
  EXPECT_EQ(task->slot, 3U);
  EXPECT_EQ(task->seconds, 90U);
  EXPECT_EQ(task->address, net::Address::parse("10.77.0.9"));
  EXPECT_EQ(task->token, (ByteVector{1, 0, 2}));
}

Task a_task_of_ldap() {
  Task task;
  task.source = Source::Ldap;
  task.user = "anna";
  task.password = Secret{as_bytes("tulip")};
  task.directory.url = "ldaps://ldap.example.org";
  task.directory.base = "dc=example";
  task.directory.bind_dn = "cn=seeker";
  task.directory.bind_password = Secret{as_bytes("swordfish")};
  task.directory.attr_user = "uid";
  task.directory.attr_address = "a";
  task.directory.attr_mask = "b";
  task.directory.attr_group = "c";
  task.directory.attr_member = "d";
  task.directory.version = 2;
  task.directory.timeout = 300;
  task.directory.subtree = task.directory.has_groups = true;
  return task;
}

TEST(RacoonTask, OfADirectoryIsReadAsItWasMeant) {
  const auto task = parse_task(compose(a_task_of_ldap()));
  ASSERT_TRUE(task);
  EXPECT_EQ(task->source, Source::Ldap);
  const Directory& d = task->directory;
  EXPECT_EQ(d.url + " " + d.base + " " + d.bind_dn, "ldaps://ldap.example.org dc=example cn=seeker");
  EXPECT_TRUE(equal_constant_time(d.bind_password.expose(), as_bytes("swordfish")));
  EXPECT_EQ(d.attr_user + d.attr_address + d.attr_mask + d.attr_group + d.attr_member, "uidabcd");
  EXPECT_EQ(d.version, 2);
  EXPECT_EQ(d.timeout, 300);
  EXPECT_TRUE(d.subtree && d.has_groups);
  EXPECT_FALSE(d.start_tls);
}

TEST(RacoonTask, CutAnywhereOrLongerItIsNone) {
  for (Task (*make)() : {a_task, a_task_of_ldap}) {
    ByteVector message = compose(make());
    for (std::size_t length = 0; length < message.size(); ++length)
      EXPECT_FALSE(parse_task(Bytes{message}.first(length)));
    message.push_back(0);
    EXPECT_FALSE(parse_task(message));
  }
  EXPECT_FALSE(parse_task(ByteVector{3})) << "a job that is none";
  EXPECT_FALSE(parse_task(ByteVector(kLongestTask + 1)));
}

TEST(RacoonTask, ItsOutcomeIsReadAsItWasMeant) {
  const Outcome right{true, "", net::Address::parse("10.77.0.9"), net::Address::parse("255.255.255.0"), {7}};
  ByteVector message = compose(right);
  const auto read = parse_outcome(message);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->right);
  EXPECT_EQ(read->address, right.address);
  EXPECT_EQ(read->netmask, right.netmask);
  EXPECT_EQ(read->token, right.token);
  for (std::size_t length = 0; length < message.size(); ++length) {
    EXPECT_FALSE(parse_outcome(Bytes{message}.first(length)));
  }
  EXPECT_EQ(parse_outcome(compose(Outcome{false, "why"}))->why, "why");
}

}  // namespace
}  // namespace testudo::wire::racoon
