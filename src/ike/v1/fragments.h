#pragma once
// IKE messages in pieces, as Microsoft and Cisco brought them and racoon and charon speak them: each piece is a
// datagram of its own, a header and one FRAGMENT payload, so that a long certificate passes where IP fragments are
// dropped. Nothing in a piece is proved; what they make together is judged as a datagram is.  Never holds more bytes,
// or longer, than it is told to.  Pure: time comes in.
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "wire/ike/v1/chain.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike::v1 {

struct IkeSa;

/// The longest datagram that racoon sends in one, which every path takes (RFC 791: 576 bytes of IP).
inline constexpr std::size_t kFragmentDatagram = 552;

/// The datagrams for a message that is longer; empty when one is enough, or no number of them.
std::vector<ByteVector> split(Bytes message);

/// The pieces of one message, until all are there.
class Reassembly {
 public:
  /// The whole message, once; nothing while pieces are missing.  Failure, and all are forgotten: beyond `most` bytes.
  /// Nearly everybody calls all messages by one number, so of pieces that contradict each other the newer ones count.
  Result<std::optional<ByteVector>, std::string_view> add(const wire::ike::v1::FragmentView& piece, Time now,
                                                          std::size_t most);
  void forget() { pieces_.clear(); }
  /// When the first piece came; nothing: there is none.
  std::optional<Time> since() const { return pieces_.empty() ? std::nullopt : std::optional{since_}; }

 private:
  struct Piece {
    std::uint8_t index;
    bool last;
    ByteVector data;
  };
  static bool contradict(const Piece& old, const wire::ike::v1::FragmentView& piece);
  std::optional<ByteVector> join();

  std::uint16_t id_ = 0;
  Time since_{};
  std::vector<Piece> pieces_;  ///< in the order in which they came
};

/// The vendor id says that we take pieces; of a responder only to who says so itself.
void add_fragment_vendor(wire::ike::v1::ChainWriter& out, const IkeSa& sa);
/// Whether the peer does; then we may send some.
void note_fragment_vendor(IkeSa& sa, const wire::ike::v1::Chain& chain);

}  // namespace testudo::ike::v1
