#pragma once
// The control socket from the client's side: one JSON request, one reply (or, for trace, a stream of lines).
#include <optional>
#include <string>

#include "base/result.h"

namespace testudo::app {

/// --run-dir, else TESTUDO_RUN, else /run/testudo.
std::string run_dir(const std::string& option);

class ControlClient {
 public:
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;
  ControlClient(ControlClient&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  ControlClient& operator=(ControlClient&&) = delete;
  ~ControlClient();

  /// Connects to RUN_DIR/control.sock; the error says what to do.
  static Result<ControlClient, std::string> connect(const std::string& run_dir);

  bool send(const std::string& request);
  /// The next reply; nothing when the daemon has gone.
  std::optional<std::string> receive();
  /// For poll().
  int descriptor() const { return fd_; }

 private:
  explicit ControlClient(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace testudo::app
