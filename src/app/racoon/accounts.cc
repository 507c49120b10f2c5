#include "app/racoon/accounts.h"

#include <grp.h>
#include <pwd.h>

#include <charconv>
#include <optional>

namespace testudo::app {
namespace {

constexpr std::uint32_t kNobody = 65534;

std::optional<std::uint32_t> number_of(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  // The greatest means "as it is" to setresuid(2).
  if (code != std::errc{} || end != text.data() + text.size() || number == ~std::uint32_t{0}) return std::nullopt;
  return number;
}

/// With the group that the user's entry names.
Result<wire::racoon::Account, std::string> account_of_user(const std::string& name) {
  const auto number = number_of(name);
  const passwd* const entry = number ? ::getpwuid(*number) : ::getpwnam(name.c_str());
  if (entry != nullptr) return wire::racoon::Account{entry->pw_uid, entry->pw_gid, true, ""};
  if (number) return wire::racoon::Account{*number, *number, true, ""};
  return Failure{"privsep: unknown user \"" + name + "\""};
}

wire::racoon::Account usual_account() {
  for (const char* name : {"_racoon", "nobody"}) {
    const passwd* const entry = ::getpwnam(name);
    if (entry != nullptr && entry->pw_uid != 0) return {entry->pw_uid, entry->pw_gid, false, ""};
  }
  return {kNobody, kNobody, false, ""};
}

}  // namespace

Result<uid_t, std::string> user_of(const std::string& name) {
  if (name.empty()) return uid_t{0};
  if (const auto number = number_of(name)) return uid_t{*number};
  const passwd* const entry = ::getpwnam(name.c_str());
  if (entry == nullptr) return Failure{"User \"" + name + "\" does not exist"};
  return entry->pw_uid;
}

Result<gid_t, std::string> group_of(const std::string& name) {
  if (name.empty()) return gid_t{0};
  if (const auto number = number_of(name)) return gid_t{*number};
  const group* const entry = ::getgrnam(name.c_str());
  if (entry == nullptr) return Failure{"Group \"" + name + "\" does not exist"};
  return entry->gr_gid;
}

Result<wire::racoon::Account, std::string> account_of(const config::Privsep& conf) {
  wire::racoon::Account account = usual_account();
  if (!conf.user.empty()) {
    TRY(account, account_of_user(conf.user));
  }
  if (!conf.group.empty()) {
    const auto group = group_of(conf.group);
    if (!group) return Failure{"privsep: unknown group \"" + conf.group + "\""};
    account.group = *group;
  }
  account.chroot = conf.chroot;
  account.required = conf != config::Privsep{};
  return account;
}

}  // namespace testudo::app
