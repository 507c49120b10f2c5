#pragma once
// What setkey does with its options: sends requests over a Channel, waits for the replies and prints them.  All that
// touches the system (socket, clock, names, streams) comes in from app/.  One thread.
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "cli/setkey/compile.h"
#include "cli/setkey/options.h"
#include "wire/pfkey/message.h"

namespace testudo::cli {

/// A PF_KEY socket: one message a call.
class Channel {
 public:
  virtual ~Channel() = default;
  virtual Status<std::string> send(Bytes message) = 0;
  /// Nothing when none came in time; no timeout waits for ever.
  virtual Result<std::optional<ByteVector>, std::string> receive(std::optional<std::chrono::milliseconds> timeout) = 0;
};

/// Wall-clock time.
struct Instant {
  std::int64_t seconds = 0;
  std::uint32_t microseconds = 0;
};

struct Surroundings {
  std::ostream& out;
  std::ostream& err;
  Resolver& resolver;
  std::function<Instant()> now;
  std::function<bool()> pause;  ///< between two rounds of -l; false ends it
  std::uint32_t pid = 0;
};

class Session {
 public:
  /// The channel may be missing with -n and for saved messages.
  Session(const SetkeyOptions& options, Surroundings surroundings, Channel* channel)
      : options_(options), with_(std::move(surroundings)), channel_(channel) {}

  // Each returns the exit status of the program.
  int dump();
  int flush();
  int monitor();
  int run_script(std::string_view text, const std::string& name);
  int run_session(std::istream& in);
  int restore(std::string_view text, const std::string& name);
  int show_saved(Bytes bytes, const std::string& name);

 private:
  /// Where a command stood, for errors of -f, or what it was to restore.
  struct Origin {
    std::string_view file;
    unsigned line = 0;
    std::string subject{};
  };

  /// A request whose reply has not come yet.
  struct Pending {
    wire::pfkey::Type type;
    std::optional<Origin> origin;
  };

  bool exchange(wire::pfkey::Message message, const std::optional<Origin>& origin);
  bool pipeline(wire::pfkey::Message message, const std::optional<Origin>& origin);
  bool submit(wire::pfkey::Message message, const std::optional<Origin>& origin);
  bool settle(std::size_t most);
  bool give_up(const std::string& why);
  bool answer(Bytes bytes, const std::optional<Origin>& origin);
  void show(const wire::pfkey::Message& message);
  void show_error(const wire::pfkey::Message& message, const std::optional<Origin>& origin);
  void trace(Bytes bytes, bool outgoing);
  void stamp();
  void complain_in_file(const Diagnostic& diagnostic, const std::string& name);
  void complain_in_session(const Diagnostic& diagnostic);
  bool run_command(std::string_view text, Position start, bool& go_on);

  const SetkeyOptions& options_;
  Surroundings with_;
  Channel* channel_;
  bool refused_ = false;         ///< the daemon answered with an error
  std::deque<Pending> pending_;  ///< in the order of sending, which is that of the replies
};

}  // namespace testudo::cli
