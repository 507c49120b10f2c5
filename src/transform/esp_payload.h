#pragma once
// ESP itself, from the SPI to the ICV: numbers, IVs, trailers, and the suite's work on a run of packets of one SA.
// RFC 4303 sections 2 and 3.  Knows nothing of the IP header in front, chooses nothing, never allocates.
//
//   SPI | sequence | IV | payload | pad | pad length | next header | ICV
//   '----- front -------'         '------------- back -----------------'
#include <span>

#include "transform/transform.h"

namespace testudo::transform {

/// How many bytes a payload gains at both ends; `pad` is a part of `back`.
struct EspGrowth {
  std::size_t front = 0, pad = 0, back = 0;
};

inline EspGrowth esp_growth(const sad::SaLayout& layout, std::size_t payload) {
  constexpr std::size_t kTrailer = 2;                                     // pad length, next header
  const std::size_t pad = (0 - (payload + kTrailer)) & (layout.pad - 1);  // blocks are powers of two
  return {.front = layout.header + layout.iv, .pad = pad, .back = pad + kTrailer + layout.icv};
}

/// One packet to seal: `esp` is grown already, the payload stands in its place.
struct EspToSeal {
  MutableBytes esp{};
  std::size_t pad = 0;
  std::uint8_t next_header = 0;
  Status<DropReason> result = Done{};  ///< or SequenceExhausted, or OutboundInvalid when the suite refuses
};

/// Takes sequence numbers in order, writes everything but the payload, encrypts and signs.
void seal_payloads(sad::Sa& sa, std::span<EspToSeal> run, const Context& context);

/// One packet to open, and what was in it.
struct EspToOpen {
  MutableBytes esp{};
  Status<DropReason> result = Done{};
  std::uint8_t next_header = 0;
  std::uint64_t sequence = 0;
  std::size_t front = 0, back = 0;  ///< bytes around the payload
};

/// Replay check, ICV, replay commit, decryption, trailer: RFC 4303 section 3.4.  The window is committed for each
/// packet before the next is looked at.
void open_payloads(sad::Sa& sa, std::span<EspToOpen> run, sad::Worker worker = {});

}  // namespace testudo::transform
