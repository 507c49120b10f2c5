// SADB_GETSPI, RFC 2367 section 3.1.1: an SPI for an SA that is still to be negotiated.
#include <algorithm>
#include <array>

#include "pfkey/server/context.h"
#include "pfkey/server/sa_message.h"

namespace testudo::pfkey::server {
namespace {

using wire::pfkey::Ext;
using wire::pfkey::Message;

constexpr std::uint32_t kLowestSpi = 256;  // RFC 4303 section 2.1: 1 to 255 are reserved
constexpr std::uint32_t kHighestCpi = 0xffff;
constexpr std::array kReply{Ext::Sa, Ext::AddressSrc, Ext::AddressDst};

sad::SpiRange default_range(const sad::KeySettings& settings) {
  return {static_cast<std::uint32_t>(settings.spi_min_value), static_cast<std::uint32_t>(settings.spi_max_value)};
}

Result<sad::SpiRange, Errno> range_of(const Message& message, const sad::KeySettings& settings) {
  sad::SpiRange range = default_range(settings);
  if (message.spi_range) range = {message.spi_range->min, message.spi_range->max};
  // IPcomp's SPI is a 16-bit CPI (RFC 3173 section 3.3).
  if (message.satype == wire::pfkey::SaType::Ipcomp) {
    range.min = std::min(range.min, kHighestCpi);
    range.max = std::min(range.max, kHighestCpi);
  }
  range.min = std::max(range.min, kLowestSpi);
  if (range.min > range.max) return Failure{Errno::Invalid};
  return range;
}

}  // namespace

Outcome get_spi(Context& context, const Request& request) {
  const Message& message = request.message;
  TRY(const auto group, group_of(message));
  TRY_DONE(nat_traversal_of(message));
  if (group.protocol == sad::SaProtocol::TcpSignature) return Failure{Errno::Invalid};
  TRY(const auto range, range_of(message, context.parts.settings));
  const auto larval = context.parts.sad.reserve(group, range, message.sequence, message.pid, request.now);
  if (!larval) return Failure{Errno::Invalid};

  Message reply = wire::pfkey::clone(message);
  reply.sa = wire::pfkey::SaExt{.spi = (*larval)->spi()};
  context.sessions.to_one(request.client, wire::pfkey::compose(reply, kReply));
  context.acquire_answered(message.sequence);
  return Done{};
}

}  // namespace testudo::pfkey::server
