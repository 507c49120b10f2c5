#include "transform/ah.h"

#include <algorithm>
#include <array>

#include "base/endian.h"
#include "base/secret.h"
#include "net/protocol.h"
#include "transform/ah_mutable.h"
#include "transform/rewrite.h"
#include "wire/reader.h"

namespace testudo::transform {
namespace {

using sad::Sa;

constexpr std::size_t kFixed = 12, kOldFixed = 8;  // in front of the ICV
constexpr std::size_t kMaxIcv = 64;

std::size_t icv_offset(const Sa& sa) {
  return sa.parameters().flags.old_format ? kOldFixed : kFixed;
}

/// RFC 4302 section 2.2: in 32-bit words, minus 2.
std::uint8_t length_field(const sad::SaLayout& layout) {
  return static_cast<std::uint8_t>(layout.header / 4 - 2);
}

/// An SA, keyed for the worker.
struct Keyed {
  const Sa& sa;
  crypto::Mac& mac;
};

/// The ICV over the cooked header, the AH (its ICV zeroed by the caller), the payload and the high half of an ESN.
void compute(const Keyed& by, const CookedHeader& cooked, Bytes from_ah, std::uint64_t sequence, MutableBytes icv) {
  std::array<std::uint8_t, 4> high{};
  put_be32(high.data(), static_cast<std::uint32_t>(sequence >> 32));
  const std::array<Bytes, 3> pieces{cooked.bytes(), from_ah, high};
  const std::size_t used = by.sa.parameters().flags.extended_sequence ? 3 : 2;
  by.mac.compute(std::span{pieces}.first(used), icv);
}

Status<DropReason> make_room(PacketBuffer& packet, const IpView& ip, std::size_t header) {
  // "transport mode AH is applied only to whole IP datagrams (not to IP fragments)" (RFC 4302 section 3.3.4)
  if (ip.fragment) return Failure{DropReason::OutboundInvalid};
  if (ip.total_length + header > largest_packet(ip.is_v4())) return Failure{DropReason::TooBig};
  packet.trim_back(packet.size() - ip.total_length);
  if (!packet.insert(ip.transport_offset, header)) return Failure{DropReason::NoRoom};
  return Done{};
}

/// raw(7): an identification of 0 is "filled in when zero" (unless DF is set), behind our back, and AH covers it.
void never_zero_identification(MutableBytes header, const IpView& ip, Random& random) {
  if (!ip.is_v4() || ip.identification != 0 || ip.dont_fragment) return;
  put_be16(&header[4], static_cast<std::uint16_t>(random.between(1, 0xffff)));
}

Status<DropReason> sign(Sa& sa, const SealJob& job, const Context& context) {
  const IpView& ip = job.ip;
  PacketBuffer& packet = *job.packet;
  const sad::SaLayout& layout = sa.layout();
  const bool old = sa.parameters().flags.old_format;
  TRY_DONE(make_room(packet, ip, layout.header));
  crypto::Mac* const mac = sa.mac(sa.share(context.worker));
  if (mac == nullptr) return Failure{DropReason::OutboundInvalid};
  const std::optional<std::uint64_t> sequence = old ? 0 : sa.sequence.next();
  if (!sequence) return Failure{DropReason::SequenceExhausted};

  const MutableBytes ah = packet.bytes().subspan(ip.transport_offset, layout.header);
  std::ranges::fill(ah, std::uint8_t{0});
  ah[0] = ip.transport_protocol;
  ah[1] = length_field(layout);
  put_be32(&ah[4], sa.spi().value);
  never_zero_identification(packet.bytes(), ip, context.random);
  if (!old) put_be32(&ah[8], static_cast<std::uint32_t>(*sequence));
  announce(packet, ip, ip.transport_next_header_offset, net::protocol::kAh);

  CookedHeader cooked;
  if (!cook_header(packet.bytes().first(ip.transport_offset), ip, AhSide::Sender, context.settings, cooked)) {
    return Failure{DropReason::OutboundInvalid};
  }
  std::array<std::uint8_t, kMaxIcv> icv{};
  compute({sa, *mac}, cooked, packet.bytes().subspan(ip.transport_offset), *sequence,
          MutableBytes{icv}.first(layout.icv));
  std::ranges::copy(Bytes{icv}.first(layout.icv), ah.subspan(icv_offset(sa)).begin());
  return Done{};
}

struct Header {
  std::uint8_t next_header = 0;
  std::uint32_t sequence = 0;
};

/// The AH in front of us, if its length is exactly the one that the SA implies.
Result<Header, DropReason> read_header(const Sa& sa, Bytes packet, const IpView& ip) {
  wire::Reader reader{packet};
  if (!reader.skip(ip.upper_offset)) return Failure{DropReason::InboundMalformed};
  const auto ah = reader.take(icv_offset(sa));
  if (!ah) return Failure{DropReason::InboundMalformed};
  if ((*ah)[1] != length_field(sa.layout())) return Failure{DropReason::BadIcvLength};
  if (!reader.skip(sa.layout().header - icv_offset(sa))) return Failure{DropReason::InboundMalformed};
  const bool old = sa.parameters().flags.old_format;
  return Header{(*ah)[0], old ? 0 : be32(&(*ah)[8])};
}

bool icv_is_right(const Keyed& by, PacketBuffer& packet, const IpView& ip, const CookedHeader& cooked,
                  std::uint64_t sequence) {
  const MutableBytes field = packet.bytes().subspan(ip.upper_offset + icv_offset(by.sa), by.sa.layout().icv);
  std::array<std::uint8_t, kMaxIcv> received{}, expected{};
  std::ranges::copy(field, received.begin());
  std::ranges::fill(field, std::uint8_t{0});
  compute(by, cooked, packet.bytes().subspan(ip.upper_offset), sequence, MutableBytes{expected}.first(field.size()));
  return equal_constant_time(received, expected);
}

Result<Opened, DropReason> verify(Sa& sa, const OpenJob& job, const HeaderSettings& settings, crypto::Mac* mac) {
  const IpView& ip = job.ip;
  PacketBuffer& packet = *job.packet;
  const bool old = sa.parameters().flags.old_format;
  if (ip.fragment) return Failure{DropReason::InboundMalformed};
  packet.trim_back(packet.size() - ip.total_length);
  TRY(const Header header, read_header(sa, packet.bytes(), ip));
  const std::uint64_t sequence = old ? 0 : sa.window.reconstruct(header.sequence);
  if (!old && !sa.window.check(sequence)) return Failure{DropReason::Replayed};

  CookedHeader cooked;
  if (!cook_header(packet.bytes().first(ip.upper_offset), ip, AhSide::Receiver, settings, cooked)) {
    return Failure{DropReason::InboundMalformed};
  }
  if (mac == nullptr || !icv_is_right({sa, *mac}, packet, ip, cooked, sequence)) return Failure{DropReason::BadIcv};
  if (!old) sa.window.commit(sequence);
  if (header.next_header == net::protocol::kHopByHop) return Failure{DropReason::BadNextHeader};

  packet.erase(ip.upper_offset, sa.layout().header);
  announce(packet, ip, ip.next_header_offset, header.next_header);
  return Opened{header.next_header, sequence};
}

}  // namespace

void sign_ah(Sa& sa, std::span<SealJob> jobs, const Context& context) {
  for (SealJob& job : jobs) job.result = sign(sa, job, context);
}

void verify_ah(Sa& sa, std::span<OpenJob> jobs, const HeaderSettings& settings, sad::Worker worker) {
  crypto::Mac* const mac = sa.mac(sa.share(worker));
  for (OpenJob& job : jobs) job.result = verify(sa, job, settings, mac);
}

}  // namespace testudo::transform
