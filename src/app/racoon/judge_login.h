#pragma once
// The process that Logins starts: reads a user's name, a password and the groups that are allowed, each ended by a zero
// byte, from its standard input; its exit status is the answer.  Unknown users take as long as known ones.
namespace testudo::app {

inline constexpr int kLoginRight = 0, kLoginWrong = 3, kLoginExpired = 4, kLoginOutside = 5, kLoginBroken = 6;
inline constexpr const char* kJudgeLogin = "--judge-login";

int judge_login();

}  // namespace testudo::app
