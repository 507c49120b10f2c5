#include "app/racoon/judge_login.h"

#include <crypt.h>
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "base/secret.h"

namespace testudo::app {
namespace {

constexpr std::size_t kLongestInput = 8192;

/// What the writer sent until it closed; empty when that is too much.
std::string read_input() {
  std::string text(kLongestInput, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = ::read(STDIN_FILENO, text.data() + filled, text.size() - filled);
    if (got < 0) return {};
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled == text.size()) return {};
  text.resize(filled);
  return text;
}

/// Each ended by a zero byte; none when the last is not.
std::vector<const char*> split(const std::string& text) {
  std::vector<const char*> words;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\0', begin);
    if (end == std::string::npos) return {};
    words.push_back(text.data() + begin);
    begin = end + 1;
  }
  return words;
}

bool is_in_one_of(const passwd& user, const std::vector<const char*>& groups) {
  std::array<gid_t, 1024> ids{};
  int count = static_cast<int>(ids.size());
  if (::getgrouplist(user.pw_name, user.pw_gid, ids.data(), &count) < 0) return false;
  return std::ranges::any_of(groups, [&](const char* name) {
    const group* const known = ::getgrnam(name);
    return known != nullptr && std::find(ids.begin(), ids.begin() + count, known->gr_gid) != ids.begin() + count;
  });
}

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

int judge(const std::vector<const char*>& words) {
  if (words.size() < 2) return kLoginBroken;
  const spwd* const account = ::getspnam(words[0]);
  // No account, an empty hash and a locked one are computed for as any other.
  const std::string known = account == nullptr ? "" : account->sp_pwdp;
  const bool usable = !known.empty() && known.front() != '!' && known.front() != '*';
  const bool over = account != nullptr && is_over(*account);
  if (!is_right(words[1], usable ? known : nobodys_hash()) || !usable) return kLoginWrong;
  if (over) return kLoginExpired;
  const std::vector<const char*> groups{words.begin() + 2, words.end()};
  if (groups.empty()) return kLoginRight;
  const passwd* const user = ::getpwnam(words[0]);
  return user != nullptr && is_in_one_of(*user, groups) ? kLoginRight : kLoginOutside;
}

}  // namespace

int judge_login() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  std::string input = read_input();
  const int answer = judge(split(input));
  wipe(as_mutable_bytes(input));
  return answer;
}

}  // namespace testudo::app
