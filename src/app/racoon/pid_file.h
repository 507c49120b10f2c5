#pragma once
// The file that says which process to send signals to: `path pidfile` of racoon.conf(5).  It goes with the object.
#include <sys/types.h>

#include <string>
#include <utility>

#include "base/result.h"

namespace testudo::app {

/// Where it is; `named` as the configuration has it, a relative name below the directory of such files.  "": nowhere,
/// for without a name only who goes to the background needs one, as with racoon.
std::string pid_file_name(const std::string& named, const std::string& run_dir, bool foreground);

class PidFile {
 public:
  PidFile() = default;
  /// Mode 0644; what is there already is overwritten if it is a file, and never followed.  Failure: a sentence.
  static Result<PidFile, std::string> write(const std::string& path, pid_t pid);
  PidFile(PidFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  PidFile& operator=(PidFile&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;
  ~PidFile();

 private:
  explicit PidFile(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace testudo::app
