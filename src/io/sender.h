#pragma once
// Sends whole IP packets as they are (IP_HDRINCL, IPV6_HDRINCL), marked as the daemon's own so that the host's rules
// leave them alone.  The kernel only chooses the route; nothing is cut: what is longer than the link's MTU fails with
// EMSGSIZE. One thread.
#include <functional>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "io/fd.h"
#include "io/system_error.h"

namespace testudo::io {

class Sender {
 public:
  /// `mark` is set on every packet (SO_MARK).
  static Result<Sender, SystemError> open(std::uint32_t mark);
  Sender(Sender&&) noexcept;
  Sender& operator=(Sender&&) noexcept;
  ~Sender();

  /// Calls `failed` with index and errno for each packet that the kernel refused; the others were sent.
  void send(std::span<const Bytes> packets, const std::function<void(std::size_t, int)>& failed);

 private:
  struct Buffers;
  Sender(Fd v4, Fd v6);
  std::size_t send_run(std::span<const Bytes> run);

  Fd v4_, v6_;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace testudo::io
