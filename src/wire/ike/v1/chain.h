#pragma once
// The chain of payloads of one message: RFC 2408 section 3.2.  walk() splits, ChainWriter joins; neither looks into a
// payload.  An encrypted message carries padding behind the last payload: `used` tells how many bytes the payloads
// took, since RFC 2409 section 5.5 hashes them "excluding any padding".
//
//   | next | 0 | length, 2 | body … |  next | 0 | length, 2 | body … |  padding
#include <utility>
#include <vector>

#include "wire/ike/v1/constants.h"
#include "wire/reader.h"

namespace testudo::wire::ike::v1 {

struct PayloadView {
  Payload type = Payload::None;
  Bytes body;              ///< without the generic header
  std::size_t offset = 0;  ///< of the generic header, from the start of the chain
};

struct Chain {
  std::vector<PayloadView> payloads;
  std::size_t used = 0;

  /// The first payload of this type.
  const PayloadView* find(Payload type) const;
  std::size_t count(Payload type) const;
};

/// More payloads than this are TooDeep: a certificate chain and a dozen vendor ids stay far below.
inline constexpr std::size_t kMaxPayloads = 48;

/// A reserved byte that is not zero is BadValue: RFC 2408 section 5.3, and the surest sign of a wrong key.
Result<Chain, Malformed> walk(Payload first, Bytes bytes);

class ChainWriter {
 public:
  ChainWriter& add(Payload type, ByteVector body) {
    payloads_.emplace_back(type, std::move(body));
    return *this;
  }
  Payload first() const { return payloads_.empty() ? Payload::None : payloads_.front().first; }
  ByteVector bytes() const;

 private:
  std::vector<std::pair<Payload, ByteVector>> payloads_;
};

}  // namespace testudo::wire::ike::v1
