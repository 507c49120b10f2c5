#include "engine/passage.h"

#include "net/protocol.h"
#include "wire/reader.h"

namespace testudo::engine {
namespace {

using wire::Malformed;
using wire::Reader;

Result<Spi, Malformed> read_spi(std::uint8_t protocol, Reader in) {
  switch (protocol) {
    case net::protocol::kEsp:
      break;
    case net::protocol::kAh:  // next header, length, reserved
      TRY_DONE(in.skip(4));
      break;
    case net::protocol::kIpcomp: {  // next header, flags, and 16 bits of CPI
      TRY_DONE(in.skip(2));
      TRY(const std::uint16_t cpi, in.u16());
      return Spi{cpi};
    }
    default:
      return Failure{Malformed::Unsupported};
  }
  TRY(const std::uint32_t spi, in.u32());
  return Spi{spi};
}

}  // namespace

std::optional<sad::SaProtocol> sa_protocol(std::uint8_t number) {
  switch (number) {
    case net::protocol::kEsp:
      return sad::SaProtocol::Esp;
    case net::protocol::kAh:
      return sad::SaProtocol::Ah;
    case net::protocol::kIpcomp:
      return sad::SaProtocol::Ipcomp;
    default:
      return std::nullopt;
  }
}

std::optional<LayerName> read_layer(std::uint8_t protocol, Bytes upper) {
  const auto spi = read_spi(protocol, Reader{upper});
  if (!spi) return std::nullopt;
  return LayerName{protocol, *spi};
}

}  // namespace testudo::engine
