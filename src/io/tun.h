#pragma once
// The host's side of the engine: a TUN device, one packet a read or write, with a header in front that tells of
// super-packets (vnet_header.h).  Lives as long as this object, so that a killed daemon's device goes and its routes
// with it, unless it is told otherwise.
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "io/fd.h"
#include "io/system_error.h"
#include "io/vnet_header.h"

namespace testudo::io {

class Tun {
 public:
  /// Creates the device; EBUSY when another process has it.  Asks for super-packets of TCP and UDP when `offload`:
  /// what this kernel can do of it is in offload().
  static Result<Tun, SystemError> open(const std::string& name, bool offload);
  /// The same device with a queue for each of so many readers, at least one; the kernel gives all packets of a flow to
  /// one of them, that by which packets came back last.
  static Result<std::vector<Tun>, SystemError> open_queues(const std::string& name, bool offload, std::size_t count);

  int fd() const { return fd_.get(); }
  const std::string& name() const { return name_; }
  unsigned index() const { return index_; }
  Offload offload() const { return offload_; }

  Status<SystemError> set_mtu(std::size_t mtu) const;
  /// How many packets may wait here to be read; what comes when it is full, the kernel drops and counts.
  Status<SystemError> set_queue(std::size_t packets) const;
  Status<SystemError> bring_up() const;
  /// Whether the device and what is routed to it outlive this object, and packets to it go nowhere then.
  Status<SystemError> set_persistent(bool persistent) const;

  /// One packet or super-packet; its length, or 0 when none waits (or the device is down).
  std::size_t read(VnetHeader& header, MutableBytes into) const;
  /// The pieces as one packet or super-packet, at most kMaxPieces.  False when the kernel refuses it (the device is
  /// down, or the packet is not IP).
  static constexpr std::size_t kMaxPieces = 1000;  // UIO_MAXIOV is 1024
  bool write(const VnetHeader& header, std::span<const Bytes> pieces) const;

 private:
  static Result<Tun, SystemError> open(const std::string& name, bool offload, short flags);
  Tun(Fd fd, std::string name, unsigned index, Offload offload)
      : fd_(std::move(fd)), name_(std::move(name)), index_(index), offload_(offload) {}
  Fd fd_;
  std::string name_;
  unsigned index_ = 0;
  Offload offload_;
};

}  // namespace testudo::io
