#pragma once
// The host's side of the engine: a TUN device without packet information, one IP packet a read or write.  Lives as long
// as this object (not persistent), so that a killed daemon's device goes and its routes with it.
#include <string>

#include "base/bytes.h"
#include "io/fd.h"
#include "io/system_error.h"

namespace testudo::io {

class Tun {
 public:
  /// Creates the device; EBUSY when another process has it.
  static Result<Tun, SystemError> open(const std::string& name);

  int fd() const { return fd_.get(); }
  const std::string& name() const { return name_; }
  unsigned index() const { return index_; }

  Status<SystemError> set_mtu(std::size_t mtu) const;
  Status<SystemError> bring_up() const;

  /// One packet; its length, or 0 when none waits (or the device is down).
  std::size_t read(MutableBytes into) const;
  /// False when the kernel refuses it (the device is down, or the packet is not IP).
  bool write(Bytes packet) const;

 private:
  Tun(Fd fd, std::string name, unsigned index) : fd_(std::move(fd)), name_(std::move(name)), index_(index) {}
  Fd fd_;
  std::string name_;
  unsigned index_ = 0;
};

}  // namespace testudo::io
