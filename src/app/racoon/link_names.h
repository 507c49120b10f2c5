#pragma once
// What people read calls interfaces by their names, as racoon.conf(5) does: "fe80::1%eth0".  The IKE machine knows only
// their numbers, "fe80::1%2", which mean nothing after the next boot; so its texts are put into words here, on their
// way to the log and to racoonctl.
#include <string>

#include "ike/event.h"
#include "ike/refusal.h"

namespace testudo::app {

/// Of a text about these two hosts; what is not an address of theirs stays as it is.
std::string with_link_names(std::string text, const net::Endpoint& local, const net::Endpoint& remote);
/// All texts of it.
ike::Told with_link_names(ike::Told told);
ike::Refusal with_link_names(ike::Refusal refusal);

/// ike::sentence() with the peer's interface by name.
std::string sentence_of(const ike::Refusal& refusal);

}  // namespace testudo::app
