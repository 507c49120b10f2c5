#pragma once
// The other way round than segment.h: packets of one flow that follow each other become one super-packet for one write
// into the TUN device.  What may be joined are the rules of the kernel's own GRO: TCP data in sequence with the same
// acknowledgement, window, flags and options, or UDP datagrams of one size; IP headers equal in everything but length
// and identification.  Cutting the super-packet again gives the same packets, but for the identification of packets
// that must not be fragmented (RFC 6864: it means nothing there).
//
// The kernel does not check a super-packet's checksum, so those of the packets are checked here; a packet that fails
// goes alone, as it came.  Packets of one flow stay in order.  Pure; borrows the packets; one thread.
#include <array>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "io/vnet_header.h"

namespace testudo::io {

class Coalescer {
 public:
  explicit Coalescer(Offload allowed) : allowed_(allowed) {}

  /// The bytes must hold still until clear(); packets are added in the order in which they came.
  void add(MutableBytes packet);
  /// One of our own making, of which a datagram without a checksum (RFC 768: zero) may as well get one: ESP in UDP
  /// (RFC 3948 section 2.1).
  void add_own(MutableBytes packet);
  void clear();

  std::size_t count() const { return groups_.size(); }
  /// What to write for group `index`: the header and the pieces, one for each packet of the group.  Writes the headers
  /// of the group's first packet: once for each group.  The pieces are valid until the next call.
  std::span<const Bytes> finish(std::size_t index, VnetHeader& header);

 private:
  struct Candidate;
  struct Group {
    std::uint64_t key = 0;  ///< of the flow; 0: nothing joins
    std::size_t first = 0, last = 0, count = 1;
    std::size_t upper = 0, headers = 0, step = 0, payload = 0;
    std::uint32_t next_sequence = 0;
    bool tcp = false, pushed = false;
    bool checked = false;  ///< the first packet's checksum
  };
  struct Packet {
    MutableBytes bytes;
    std::size_t next = 0;
  };

  enum class Unsummed : std::uint8_t { Apart, Joined };
  void add(MutableBytes packet, Unsummed unsummed);
  Candidate look(MutableBytes packet, Unsummed unsummed) const;
  Group* group_for(const Candidate& candidate);
  bool joins(Group& group, const Candidate& candidate);
  void append(Group& group, const Candidate& candidate);
  void open(const Candidate& candidate);

  Offload allowed_;
  std::vector<Packet> packets_;
  std::vector<Group> groups_;
  std::vector<Bytes> pieces_;
};

}  // namespace testudo::io
