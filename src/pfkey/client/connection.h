#pragma once
// A program's connection to testudod's PF_KEY socket (RUN_DIR/pfkey.sock), the counterpart of
// socket(PF_KEY, SOCK_RAW, PF_KEY_V2): one message a write, one message a read, whatever its size.
// Errors are sentences for people.  Blocking; one thread.
//
//   auto connection = Connection::open(run_dir({}));
//   if (!connection) return fail(connection.error());
//   connection->send(message);
//   auto reply = connection->receive(std::chrono::seconds{5});     // raw bytes, for wire::pfkey::parse
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/pfkey/message.h"

namespace testudo::pfkey::client {

/// Where the daemon's sockets are: the argument unless it is empty, else TESTUDO_RUN, else /run/testudo.
std::string run_dir(std::string_view argument);

class Connection {
 public:
  static Result<Connection, std::string> open(const std::string& run_dir);
  /// One that another process opened and released; it is closed here.
  static Connection adopt(int descriptor) { return Connection{descriptor}; }

  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  Status<std::string> send(const wire::pfkey::Message& message);
  /// Bytes of one message, as they are.
  Status<std::string> send(Bytes message);

  /// The next message; nothing when none came in time.  No timeout waits for ever.
  Result<std::optional<ByteVector>, std::string> receive(std::optional<std::chrono::milliseconds> timeout);

  /// Asks for this much room for messages on their way, in each direction, past the system's limits where this process
  /// may; the bytes that are granted, of the smaller of the two.
  std::size_t set_buffers(std::size_t bytes);

  /// For poll(); owned by the connection.
  int descriptor() const { return descriptor_; }
  /// Gives the descriptor away, to somebody who closes it.
  int release() { return std::exchange(descriptor_, -1); }

 private:
  explicit Connection(int descriptor) : descriptor_(descriptor) {}

  int descriptor_ = -1;
  ByteVector room_;  ///< for a message of any length; made at the first
};

}  // namespace testudo::pfkey::client
