#pragma once
// A network device that only shows packets: whoever opens it, as tcpdump does, sees what is written here, and the
// kernel itself takes none of it, because every frame is addressed to somebody else.  Gone with this object.
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "io/fd.h"
#include "io/system_error.h"

namespace testudo::io {

class ShowDevice {
 public:
  /// Makes the device and brings it up, without ARP; EBUSY when there is one of that name.
  static Result<ShowDevice, SystemError> make(const std::string& name);

  /// An IP packet, from 02:00:00:00:00:`mark` to 02:00:00:00:00:00.
  void show(Bytes packet, std::uint8_t mark) const;

 private:
  explicit ShowDevice(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace testudo::io
