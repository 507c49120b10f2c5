#pragma once
// Users and groups of this host, by the names or numbers that racoon.conf(5) uses.  Failure: a sentence.
#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "config/racoon/conf.h"
#include "wire/racoon_question.h"

namespace testudo::app {

/// "": root.
Result<uid_t, std::string> user_of(const std::string& name);
Result<gid_t, std::string> group_of(const std::string& name);

/// Of the unprivileged process: what `privsep` names; else the package's user _racoon, else nobody.
Result<wire::racoon::Account, std::string> account_of(const config::Privsep& conf);

}  // namespace testudo::app
