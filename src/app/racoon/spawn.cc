#include "app/racoon/spawn.h"

#include <fcntl.h>
#include <spawn.h>

#include <csignal>
#include <cstring>

namespace testudo::app {
namespace {

/// What posix_spawn(3) wants, from strings that live on.
std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> all;
  for (std::string& text : strings) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

class Form {
 public:
  Form(int input, int output) {
    ::posix_spawn_file_actions_init(&actions_);
    for (const int descriptor : {0, 1, 2}) {
      const int given = descriptor == 0 ? input : descriptor == 1 ? output : -1;
      if (given >= 0) {
        ::posix_spawn_file_actions_adddup2(&actions_, given, descriptor);
      } else {
        ::posix_spawn_file_actions_addopen(&actions_, descriptor, "/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY,
                                           0);
      }
    }
    ::posix_spawnattr_init(&attributes_);
    sigset_t none{}, all{};
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  Form(const Form&) = delete;
  Form& operator=(const Form&) = delete;
  ~Form() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

Result<pid_t, std::string> spawn(Program program) {
  const Form form{program.input, program.output};
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, program.path.c_str(), form.actions(), form.attributes(),
                                  pointers(program.words).data(), pointers(program.environment).data());
  if (error != 0) return Failure{std::string{std::strerror(error)}};
  return pid;
}

}  // namespace testudo::app
