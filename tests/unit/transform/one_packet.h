#pragma once
// One packet through one transform, as a value: what went in, what came out or why nothing did.
#include <optional>
#include <vector>

#include "support/packets.h"
#include "support/random.h"
#include "support/sas.h"
#include "transform/ah.h"
#include "transform/esp_open.h"
#include "transform/esp_seal.h"
#include "transform/ipcomp.h"

namespace testudo::transform::test_support {

struct Outcome {
  std::optional<DropReason> drop;
  ByteVector bytes;  ///< the packet afterwards
  Opened opened;

  explicit operator bool() const { return !drop; }
};

inline std::string_view name_of(const Outcome& o) {
  return o.drop ? net::describe(*o.drop).name : "passed";
}

using Seal = void (*)(sad::Sa&, std::span<SealJob>, const Context&);
using Open = void (*)(sad::Sa&, std::span<OpenJob>, sad::Worker);

inline std::vector<Outcome> seal_all(Seal seal, sad::Sa& sa, const std::vector<ByteVector>& packets, Random& random,
                                     const HeaderSettings& settings = {}) {
  std::vector<PacketBuffer> buffers;
  std::vector<SealJob> jobs;
  buffers.reserve(packets.size());
  for (const ByteVector& packet : packets) {
    PacketBuffer& buffer = buffers.emplace_back(std::max<std::size_t>(packet.size(), 2048));
    buffer.assign(packet);
    jobs.push_back({.packet = &buffer, .ip = *wire::packet::parse_ip(packet)});
  }
  seal(sa, jobs, Context{settings, random});
  std::vector<Outcome> out;
  for (const SealJob& job : jobs) {
    const Bytes bytes = job.packet->bytes();
    Outcome& o = out.emplace_back(Outcome{{}, ByteVector(bytes.begin(), bytes.end()), {}});
    if (!job.result) o.drop = job.result.error();
  }
  return out;
}

inline std::vector<Outcome> open_all(Open open, sad::Sa& sa, const std::vector<ByteVector>& packets) {
  std::vector<PacketBuffer> buffers;
  std::vector<OpenJob> jobs;
  buffers.reserve(packets.size());
  std::vector<Outcome> out(packets.size());
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const auto ip = wire::packet::parse_ip(packets[i]);
    if (!ip) {  // the engine drops it before any transform sees it
      out[i].drop = DropReason::InboundMalformed;
      continue;
    }
    PacketBuffer& buffer = buffers.emplace_back(std::max<std::size_t>(packets[i].size(), 2048));
    buffer.assign(packets[i]);
    jobs.push_back({.packet = &buffer, .ip = *ip});
    places.push_back(i);
  }
  open(sa, jobs, {});
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    Outcome& o = out[places[j]];
    const Bytes bytes = jobs[j].packet->bytes();
    o.bytes.assign(bytes.begin(), bytes.end());
    if (jobs[j].result) {
      o.opened = *jobs[j].result;
    } else {
      o.drop = jobs[j].result.error();
    }
  }
  return out;
}

inline void verify_with_defaults(sad::Sa& sa, std::span<OpenJob> jobs, sad::Worker worker) {
  verify_ah(sa, jobs, HeaderSettings{}, worker);
}

inline Outcome seal(sad::Sa& sa, const ByteVector& packet, Random& random) {
  return seal_all(&seal_esp, sa, {packet}, random).front();
}
inline Outcome seal(sad::Sa& sa, const ByteVector& packet, std::uint64_t seed = 1) {
  test::SeededRandom random{seed};
  return seal(sa, packet, random);
}
inline Outcome open(sad::Sa& sa, const ByteVector& packet) {
  return open_all(&open_esp, sa, {packet}).front();
}

inline Outcome sign(sad::Sa& sa, const ByteVector& packet, const HeaderSettings& settings = {}) {
  test::SeededRandom random;
  return seal_all(&sign_ah, sa, {packet}, random, settings).front();
}
inline Outcome verify(sad::Sa& sa, const ByteVector& packet) {
  return open_all(&verify_with_defaults, sa, {packet}).front();
}

/// Whole bytes from hexadecimal digits; anything else separates.
inline ByteVector hex(std::string_view text) {
  ByteVector out;
  int high = -1;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) continue;
    if (high >= 0) out.push_back(static_cast<std::uint8_t>(high * 16 + digit));
    high = high >= 0 ? -1 : digit;
  }
  return out;
}

}  // namespace testudo::transform::test_support
