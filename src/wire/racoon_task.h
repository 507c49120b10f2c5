#pragma once
// What racoon's privileged process hands to a process of its own that judges a login or keeps accounts of one
// (docs/adr/0019), by its standard input, and what that one answers by its standard output.  Pure.
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "net/flow.h"
#include "wire/reader.h"

namespace testudo::wire::racoon {

enum class Job : std::uint8_t { Judge, OpenSession, CloseSession };
enum class Source : std::uint8_t { System, Radius, Pam, Ldap };

struct RadiusServer {
  std::string host;
  std::uint16_t port = 0;
  Secret secret;
};

/// A directory of users: RFC 4511.
struct Directory {
  std::string url, base, bind_dn;  ///< "" as bind_dn: asked as nobody
  Secret bind_password;
  std::string attr_user, attr_address, attr_mask, attr_group, attr_member;
  std::uint8_t version = 3;
  std::uint16_t timeout = 15;  ///< seconds, for each answer
  bool subtree = false, start_tls = false;
  bool has_groups = false;  ///< Task::groups are its, not the system's
};

struct Task {
  Job job = Job::Judge;
  Source source = Source::System;
  std::string user;
  Secret password;
  net::Address remote;              ///< the client's host
  std::vector<std::string> groups;  ///< of which the user must be in one; none: no matter

  // RADIUS
  std::vector<RadiusServer> servers;
  std::uint16_t timeout = 3;  ///< seconds
  std::uint8_t tries = 3;
  bool proof_required = true;  ///< Message-Authenticator

  Directory directory;  ///< with Source::Ldap

  // accounting
  std::uint64_t session = 0;
  std::uint32_t slot = 0;     ///< of the sessions under way, this one alone
  std::uint32_t seconds = 0;  ///< how long it has lasted
  std::optional<net::Address> address{};
  ByteVector token{};  ///< of the judgement: what accounting is to say again
};
/// All of it goes into a pipe at once.
inline constexpr std::size_t kLongestTask = 32768, kLongestToken = 1024, kMostServers = 5, kMostGroups = 256;
ByteVector compose(const Task& task);
Result<Task, Malformed> parse_task(Bytes message);

struct Outcome {
  bool right = false;
  std::string why;  ///< for the log, when it is not
  std::optional<net::Address> address{}, netmask{};
  ByteVector token{};
};
inline constexpr std::size_t kLongestOutcome = 4096;
ByteVector compose(const Outcome& outcome);
Result<Outcome, Malformed> parse_outcome(Bytes message);

}  // namespace testudo::wire::racoon
