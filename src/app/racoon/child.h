#pragma once
// racoon's unprivileged process, from its birth: gives up what it has, and is the Daemon.  Never returns.
#include <sys/types.h>

#include "app/racoon/background.h"
#include "app/racoon/log.h"
#include "app/racoon/options.h"
#include "io/unix_socket.h"

namespace testudo::app {

struct ChildEnds {
  pid_t parent = -1;
  io::SeqPacket questions, signatures, news;
};
[[noreturn]] void be_child(const Options& options, Log& log, Background& background, ChildEnds ends);

}  // namespace testudo::app
