// Logins and sessions as this system keeps them: judge_login.h.
#include <crypt.h>
#include <grp.h>
#include <paths.h>
#include <pwd.h>
#include <shadow.h>
#include <unistd.h>
#include <utmpx.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "app/racoon/judge_login.h"
#include "base/secret.h"

namespace testudo::app {
namespace {

using namespace wire::racoon;

bool is_over(const spwd& account) {
  static constexpr std::time_t kDay = 86400;
  return account.sp_expire > 0 && std::time(nullptr) / kDay >= account.sp_expire;
}

/// A hash of no password, by the system's usual method.
std::string nobodys_hash() {
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
  const char* const made = ::crypt_gensalt_rn(nullptr, 0, nullptr, 0, setting.data(), static_cast<int>(setting.size()));
  return made == nullptr ? "$6$0123456789abcdef$" : made;
}

bool is_right(const char* password, const std::string& hash) {
  const auto data = std::make_unique<crypt_data>();
  const char* const made = ::crypt_r(password, hash.c_str(), data.get());
  const bool right =
      made != nullptr && *made != '*' && equal_constant_time(as_bytes(std::string_view{made}), as_bytes(hash));
  ::explicit_bzero(data.get(), sizeof *data);
  return right;
}

/// Members of a group that the system has no entry for are named in the group's.
bool is_named_in(const group& known, const std::string& user) {
  for (char** each = known.gr_mem; each != nullptr && *each != nullptr; ++each) {
    if (user == *each) return true;
  }
  return false;
}

void write_utmp(utmpx entry) {
  ::setutxent();
  ::pututxline(&entry);
  ::endutxent();
  ::updwtmpx(_PATH_WTMP, &entry);
}

/// Fields of utmpx(5) are full or end with a zero byte.
template <std::size_t size>
void put_field(char (&field)[size], std::string_view text) {  // NOLINT(*-avoid-c-arrays)
  std::memcpy(field, text.data(), std::min(size, text.size()));
}

}  // namespace

bool is_in_groups(const std::string& user, const std::vector<std::string>& groups) {
  if (groups.empty()) return true;
  const passwd* const entry = ::getpwnam(user.c_str());
  std::array<gid_t, 1024> ids{};
  int count = static_cast<int>(ids.size());
  if (entry == nullptr || ::getgrouplist(user.c_str(), entry->pw_gid, ids.data(), &count) < 0) count = 0;
  return std::ranges::any_of(groups, [&](const std::string& name) {
    const group* const known = ::getgrnam(name.c_str());
    if (known == nullptr) return false;
    return is_named_in(*known, user) ||
           std::find(ids.begin(), ids.begin() + count, known->gr_gid) != ids.begin() + count;
  });
}

Outcome judge_by_shadow(const Task& task) {
  const spwd* const account = ::getspnam(task.user.c_str());
  // No account, an empty hash and a locked one are computed for as any other.
  const std::string known = account == nullptr ? "" : account->sp_pwdp;
  const bool usable = !known.empty() && known.front() != '!' && known.front() != '*';
  const bool over = account != nullptr && is_over(*account);
  std::string password{task.password.expose().begin(), task.password.expose().end()};
  const bool right = is_right(password.c_str(), usable ? known : nobodys_hash());
  wipe(as_mutable_bytes(password));
  if (!right || !usable) return {false, "unknown, or not with this password"};
  if (over) return {false, "the account has expired"};
  if (!is_in_groups(task.user, task.groups)) return {false, "in none of auth_groups"};
  return {true, ""};
}

Outcome account_in_utmp(const Task& task) {
  utmpx entry{};
  const bool begins = task.job == Job::OpenSession;
  const std::string line = "vpn" + std::to_string(task.slot);
  entry.ut_type = begins ? USER_PROCESS : DEAD_PROCESS;
  put_field(entry.ut_line, line);
  put_field(entry.ut_id, "v" + std::to_string(task.slot));
  // As who logs out of a line leaves it: no name.
  if (begins) put_field(entry.ut_user, task.user);
  if (begins) put_field(entry.ut_host, task.remote.to_string());
  // A session of another process that is gone would be taken for a dead one.
  entry.ut_pid = ::getppid();
  entry.ut_tv.tv_sec = static_cast<decltype(entry.ut_tv.tv_sec)>(std::time(nullptr));
  if (task.remote.is_v4()) std::memcpy(&entry.ut_addr_v6[0], task.remote.bytes().data(), 4);
  if (!task.remote.is_v4()) std::memcpy(&entry.ut_addr_v6[0], task.remote.bytes().data(), 16);
  write_utmp(entry);
  return {true, ""};
}

}  // namespace testudo::app
