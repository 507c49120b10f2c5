#pragma once
// A daemon in the background whose starter learns how the start went: the first process waits, with the exit status
// that the start deserves, until the one that goes on says that it is up.  What there is to complain about until then
// is said on stderr.
#include "base/result.h"
#include "io/fd.h"
#include "io/system_error.h"

namespace testudo::app {

class Background {
 public:
  /// In the foreground.
  Background() = default;
  /// Returns in the process that goes on, in a session of its own; the first one ends inside.
  static Result<Background, io::SystemError> enter();

  /// The start is over and was good; nothing is read or written any more but the log.
  void up();
  /// For a process started by this one, which has nothing to say to the starter: up to now it has stderr, too.
  void leave_the_word_to_the_other() { starter_.reset(); }

 private:
  io::Fd starter_, nothing_;
};

}  // namespace testudo::app
