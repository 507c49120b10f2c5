#pragma once
// SOCK_SEQPACKET Unix sockets: one PF_KEY message or one control request a packet, as on the kernel's own socket.
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "io/fd.h"
#include "io/system_error.h"

namespace testudo::io {

/// One end of a connection.
class SeqPacket {
 public:
  explicit SeqPacket(Fd fd) : fd_(std::move(fd)) {}
  static Result<SeqPacket, SystemError> connect(const std::string& path);
  /// Both ends of a connection that has no name.
  static Result<std::pair<SeqPacket, SeqPacket>, SystemError> pair();

  int fd() const { return fd_.get(); }
  enum class Sent : std::uint8_t { Whole, WouldBlock, Broken };
  Sent send(Bytes message) const;
  /// With a descriptor beside it, of which the other side gets one of its own; -1: none.  Never waits.
  Sent send_with_descriptor(Bytes message, int descriptor) const;

  /// The next message whole, whatever its length.  Empty vector: nothing waits.  Nothing: the peer is gone.
  std::optional<ByteVector> receive() const;
  /// The same for a message of at most `most` bytes, with the descriptor that came beside it.
  struct WithDescriptor {
    ByteVector message;
    Fd descriptor;
  };
  std::optional<WithDescriptor> receive_with_descriptor(std::size_t most) const;
  /// Waits for it.
  std::optional<ByteVector> wait_and_receive() const;

  /// Who connected.
  unsigned peer_uid() const;
  /// Root, or a process with CAP_NET_ADMIN in effect, as /proc and SO_PEERCRED tell.
  bool peer_is_privileged() const;

 private:
  std::optional<ByteVector> receive(int flags) const;
  Fd fd_;
};

/// The listening end: a path with a mode.  Takes the path away again.
class SeqPacketListener {
 public:
  static Result<SeqPacketListener, SystemError> listen(const std::string& path, unsigned mode);
  /// By a name of the network namespace instead, for those who do not see our files (unix(7): abstract).  Anybody in it
  /// may connect; and anybody may have taken the name before.
  static Result<SeqPacketListener, SystemError> listen_by_name(const std::string& name);
  /// One that another process made, whose path is that process's to take away.
  static SeqPacketListener adopt(Fd fd) { return {std::move(fd), ""}; }
  SeqPacketListener(SeqPacketListener&&) = default;
  SeqPacketListener& operator=(SeqPacketListener&&) = default;
  ~SeqPacketListener();

  int fd() const { return fd_.get(); }
  std::optional<SeqPacket> accept() const;

 private:
  SeqPacketListener(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  std::string path_;
};

}  // namespace testudo::io
