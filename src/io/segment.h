#pragma once
// A super-packet of the kernel (TSO, USO) becomes the packets that the wire would have seen without offload: each with
// its own lengths, identification, sequence number, flags and checksum.  RFC 9293 section 3.1, RFC 768; which flags
// only the first or the last segment keeps: RFC 3168 section 6.1.2 (CWR), PSH and FIN.
// Pure; borrows the packet; thread-free.
#include <algorithm>

#include "base/bytes.h"
#include "io/vnet_header.h"
#include "wire/reader.h"

namespace testudo::io {

class Segments {
 public:
  /// Malformed: the packet is not what the header says of it.
  static Result<Segments, wire::Malformed> of(const VnetHeader& header, Bytes super_packet);

  std::size_t count() const { return count_; }
  /// Bytes of the longest one.
  std::size_t longest() const { return headers_.size() + std::min(step_, payload_.size()); }
  /// Writes segment `index` and says how long it is; `into` has room for longest().
  std::size_t write(std::size_t index, MutableBytes into) const;

 private:
  Segments(Bytes packet, std::size_t upper, std::size_t headers, const VnetHeader& header);
  void finish_ip(MutableBytes segment, std::size_t index) const;
  void finish_tcp(MutableBytes segment, std::size_t index) const;

  Bytes headers_, payload_;
  std::size_t upper_;  ///< where TCP or UDP begins
  std::size_t step_;   ///< payload of each segment but the last
  std::size_t count_;
  std::uint32_t addresses_;  ///< the pseudo header's sum without the length
  std::uint8_t protocol_;    ///< TCP or UDP
};

/// The checksum that the kernel left to us; Malformed when it lies outside the packet.
Status<wire::Malformed> finish_checksum(const VnetHeader& header, MutableBytes packet);

}  // namespace testudo::io
