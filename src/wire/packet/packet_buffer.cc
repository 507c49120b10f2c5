#include "wire/packet/packet_buffer.h"

#include <cstring>

namespace testudo::wire::packet {

bool PacketBuffer::assign(Bytes content) {
  if (content.size() + kHeadRoom + kTailRoom > capacity_) return false;
  reset();
  set_size(content.size());
  if (!content.empty()) std::memmove(data(), content.data(), content.size());
  return true;
}

bool PacketBuffer::insert(std::size_t offset, std::size_t n) {
  if (!prepend(n)) return false;
  std::memmove(data(), data() + n, offset);
  return true;
}

void PacketBuffer::erase(std::size_t offset, std::size_t n) {
  std::memmove(data() + n, data(), offset);
  trim_front(n);
}

}  // namespace testudo::wire::packet
