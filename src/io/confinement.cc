#include "io/confinement.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "io/privileges.h"

namespace testudo::io {

Status<SystemError> become(const Identity& identity) {
  if (!identity.chroot.empty() && (::chroot(identity.chroot.c_str()) != 0 || ::chdir("/") != 0)) {
    return last_error("chroot " + identity.chroot);
  }
  const gid_t group = identity.group;
  if (identity.user != 0) {
    if (::setgroups(1, &group) != 0) return last_error("setgroups");
    if (::setresgid(group, group, group) != 0) return last_error("group " + std::to_string(group));
    // The right to empty it goes with root; without it no_new_privs closes the same door.
    for (int capability = 0; ::prctl(PR_CAPBSET_DROP, capability) == 0;) ++capability;
    if (::setresuid(identity.user, identity.user, identity.user) != 0) {
      return last_error("user " + std::to_string(identity.user));
    }
  }
  TRY_DONE(keep_only({}));
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return last_error("setrlimit");
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return last_error("PR_SET_DUMPABLE");
  return Done{};
}

Status<SystemError> end_with_parent(pid_t parent) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return last_error("PR_SET_PDEATHSIG");
  // It may have ended before that.
  if (::getppid() != parent) return Failure{SystemError{"the parent has ended", 0}};
  return Done{};
}

}  // namespace testudo::io
