// A super-packet is what the kernel says, and the kernel forwards what others made: cutting stays inside the packet,
// and no segment is longer than announced.  Input: the ten bytes of the header, the packet.
#include <cstdlib>
#include <cstring>

#include "io/segment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testudo;
  io::VnetHeader header;
  if (size < sizeof header || size > 4096) return 0;
  std::memcpy(&header, data, sizeof header);
  ByteVector packet(data + sizeof header, data + size);
  if (const auto segments = io::Segments::of(header, packet)) {
    for (std::size_t i = 0; i < segments->count(); ++i) {
      ByteVector room(segments->longest());
      if (segments->write(i, room) > room.size()) std::abort();
    }
  }
  static_cast<void>(io::finish_checksum(header, packet));
  return 0;
}
