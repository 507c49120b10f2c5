#pragma once
// The process that Logins starts, for one login or one entry of accounting (docs/adr/0019): reads a Task from its
// standard input, does what it says as the source wants it, which may take long, and writes the Outcome to its standard
// output.  What goes wrong in it, or in a library or module that it loads, ends there.
#include "wire/racoon_task.h"

namespace testudo::app {

inline constexpr const char* kJudgeLogin = "--judge-login";
/// The exit status; main() of that process.
int judge_login();

// One for each source.

/// The shadow file and crypt(3): unknown users take as long as known ones.
wire::racoon::Outcome judge_by_shadow(const wire::racoon::Task& task);
/// utmpx(5) and wtmp, as racoon kept them: a line vpnN for each session.
wire::racoon::Outcome account_in_utmp(const wire::racoon::Task& task);
/// RFC 2865 and 2866.  Reads what the network sends: so no file and no capability is left before the first byte.
wire::racoon::Outcome ask_radius(const wire::racoon::Task& task);
/// PAM's service `racoon`, with its definition in `directory`; "": the system's.
wire::racoon::Outcome ask_pam(const wire::racoon::Task& task, const char* directory = "");
/// RFC 4511, by OpenLDAP's library and its ldap.conf(5): finds the user's entry as the directory's own user, then binds
/// as it.  Reads what the network sends: so no file and no capability is left before the first byte.
wire::racoon::Outcome ask_ldap(const wire::racoon::Task& task);

/// Whether a user is in one of these groups of the system; none: no matter.
bool is_in_groups(const std::string& user, const std::vector<std::string>& groups);

}  // namespace testudo::app
