#pragma once
// XAUTH, draft-ietf-ipsec-isakmp-xauth-06, with plain passwords (type generic), as attributes of transactions:
//
//        client                                    server
//                       <--  REQUEST(TYPE, USER_NAME, USER_PASSWORD)
//        REPLY(TYPE, USER_NAME, USER_PASSWORD)  -->
//                       <--  SET(STATUS [, MESSAGE])
//        ACK(STATUS)    -->
//
// A client that cannot answer says REPLY(STATUS = fail).  Challenges, one-time passwords and new PINs are not spoken.
// Nothing here knows whether a password is right.  Pure.
#include "base/result.h"
#include "ike/event.h"
#include "ike/policy.h"
#include "ike/refusal.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike::v1 {

using wire::ike::v1::Configuration;

/// No more of either is believed to be a name or a password.
inline constexpr std::size_t kLongestUser = 255, kLongestPassword = 1024;

bool is_about_xauth(const Configuration& configuration);

/// Server: what is asked.
Configuration login_question();
/// Client: the answer, or why there is none.
Result<Configuration, Mismatch> login_answer(const Configuration& question, const UserPassword& login);
/// Client: it gives up.
Configuration login_refusal();
/// Server: what the client answered.
Result<UserPassword, Mismatch> read_login(const Configuration& answer);

/// Server: the end of it; `words` are for the user.
Configuration verdict(bool passed, std::string_view words);
struct Verdict {
  bool passed = false;
  std::string words;
};
/// Client: nothing when it is none.
std::optional<Verdict> read_verdict(const Configuration& set);

/// The attributes of a SET as its receiver takes them: without values.
Configuration acknowledgement(const Configuration& set);

/// Of XAUTH_MESSAGE, when it can be shown; else "".
std::string message_of(const Configuration& configuration);

/// Overwrites what the attributes hold.
void wipe_values(Configuration& configuration);

}  // namespace testudo::ike::v1
