// Logins judged, and sessions kept, by PAM: judge_login.h.
#include <security/pam_appl.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "app/racoon/judge_login.h"
#include "base/secret.h"

namespace testudo::app {
namespace {

using namespace wire::racoon;

constexpr const char* kService = "racoon";

/// A copy as PAM frees it, made by malloc(3).
char* copy_of(Bytes text) {
  auto* const copy = static_cast<char*>(std::calloc(text.size() + 1, 1));  // NOLINT(*-no-malloc)
  if (copy != nullptr) std::ranges::copy(text, copy);
  return copy;
}

/// Who asks without an echo wants the password, who asks with one the name; what modules only say is for nobody.
int converse(int count, const pam_message** messages, pam_response** responses, void* task_of_caller) {
  const Task& task = *static_cast<const Task*>(task_of_caller);
  if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
  // NOLINTNEXTLINE(*-no-malloc)
  auto* const answers = static_cast<pam_response*>(std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
  if (answers == nullptr) return PAM_BUF_ERR;
  for (int i = 0; i < count; ++i) {
    const int style = messages[i]->msg_style;
    if (style == PAM_PROMPT_ECHO_OFF) answers[i].resp = copy_of(task.password.expose());
    if (style == PAM_PROMPT_ECHO_ON) answers[i].resp = copy_of(as_bytes(task.user));
  }
  *responses = answers;
  return PAM_SUCCESS;
}

/// One transaction of PAM for one user.
class Pam {
 public:
  Pam(const Task& task, const char* directory)
      : conversation_{converse, const_cast<Task*>(&task)} {  // NOLINT(*-const-cast): handed back as it is
    const bool own = *directory != '\0';
    status_ = own ? ::pam_start_confdir(kService, task.user.c_str(), &conversation_, directory, &handle_)
                  : ::pam_start(kService, task.user.c_str(), &conversation_, &handle_);
    const std::string line = "vpn" + std::to_string(task.slot);
    and_then([&] { return ::pam_set_item(handle_, PAM_RHOST, task.remote.to_string().c_str()); });
    and_then([&] { return ::pam_set_item(handle_, PAM_TTY, line.c_str()); });
  }
  Pam(const Pam&) = delete;
  Pam& operator=(const Pam&) = delete;
  ~Pam() {
    if (handle_ != nullptr) ::pam_end(handle_, status_);
  }

  pam_handle_t* handle() const { return handle_; }
  int status() const { return status_; }
  /// When all before went well.
  template <typename Step>
  void and_then(Step step) {
    if (status_ == PAM_SUCCESS) status_ = step();
  }

 private:
  pam_conv conversation_;
  pam_handle_t* handle_ = nullptr;
  int status_ = PAM_SUCCESS;
};

/// The service's own words follow what racoon's log says of others.
std::string reason_of(const Pam& pam) {
  switch (pam.status()) {
    case PAM_SUCCESS:
      return "";
    case PAM_AUTH_ERR:
    case PAM_USER_UNKNOWN:
      return "unknown, or not with this password";
    case PAM_ACCT_EXPIRED:
      return "the account has expired";
    case PAM_NEW_AUTHTOK_REQD:
      return "the password has expired";
    default:
      return std::string{"PAM: "} + ::pam_strerror(pam.handle(), pam.status());
  }
}

void judge_by_pam(Pam& pam) {
  pam.and_then([&] { return ::pam_authenticate(pam.handle(), PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK); });
  pam.and_then([&] { return ::pam_acct_mgmt(pam.handle(), PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK); });
}

/// pam_close_session(3): it may be another process than the one that opened it.  Credentials are those of a process of
/// the user's, which there is none of.
void account_by_pam(const Task& task, Pam& pam) {
  const bool begins = task.job == Job::OpenSession;
  pam.and_then([&] {
    return begins ? ::pam_open_session(pam.handle(), PAM_SILENT) : ::pam_close_session(pam.handle(), PAM_SILENT);
  });
}

}  // namespace

Outcome ask_pam(const Task& task, const char* directory) {
  Pam pam{task, directory};
  task.job == Job::Judge ? judge_by_pam(pam) : account_by_pam(task, pam);
  if (pam.status() != PAM_SUCCESS) return {false, reason_of(pam)};
  if (!is_in_groups(task.user, task.groups)) return {false, "in none of auth_groups"};
  return {true, ""};
}

}  // namespace testudo::app
