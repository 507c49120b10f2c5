#pragma once
// What racoon's privileged process grants: the judgements of parent.h that need no system.  The asker may be anybody
// who has broken into the other process.  Pure.
#include <optional>
#include <set>
#include <span>
#include <string>

#include "config/racoon/conf.h"
#include "ike/event.h"
#include "wire/racoon_question.h"

namespace testudo::app {

/// The scripts that a configuration names.
std::set<std::string> scripts_of(const ike::Policy& policy);

/// The hook, when its script is one of these, its variables are those that hooks have, and all is printable text.
std::optional<ike::Hook> permitted(const wire::racoon::AskHook& question, const std::set<std::string>& scripts);

/// Whether racoon may listen there: where `listen` says, or, without it, on the host's own addresses.
bool permitted(const wire::racoon::AskSocket& question, const config::RacoonConf& conf,
               std::span<const net::Address> own);

/// Who is to judge a login, as the configuration says, with the secrets that this takes.
wire::racoon::Task task_of(const wire::racoon::AskLogin& question, const config::RacoonConf& conf);
/// The same for an entry of accounting; nothing when there is none.
std::optional<wire::racoon::Task> task_of(const wire::racoon::AskAccounting& question, const config::RacoonConf& conf);

/// For a log line, whatever a stranger calls itself.
std::string printable(std::string text);

}  // namespace testudo::app
