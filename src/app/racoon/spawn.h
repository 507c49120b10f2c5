#pragma once
// Starts a program without a shell and without waiting for it: in a group of its own, so that what it starts ends with
// it, with nothing open but /dev/null and what it is to read and write, with signals as a program expects them.
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace testudo::app {

struct Program {
  std::string path;
  std::vector<std::string> words, environment;
  int input = -1, output = -1;  ///< its standard input and output; -1: /dev/null
};
/// Its process id; reaping it is the caller's.
Result<pid_t, std::string> spawn(Program program);

}  // namespace testudo::app
