#include "engine/need.h"

namespace testudo::engine {
namespace {

constexpr std::int32_t kDefaultIsRequire = 2;

std::int32_t default_level(const spd::Request& request, const FamilySettings& family) {
  const bool tunnel = request.mode == spd::RequestMode::Tunnel;
  if (request.protocol == spd::RequestProtocol::Ah) return tunnel ? family.ah_net_deflev : family.ah_trans_deflev;
  return tunnel ? family.esp_net_deflev : family.esp_trans_deflev;
}

}  // namespace

Need need_of(const spd::Request& request, const spd::Policy& policy, const Settings& settings) {
  // RFC 3173 section 2.2: what does not shrink "MUST be sent in the original non-compressed form", so nobody can
  // require to see an IPcomp header.
  if (request.protocol == spd::RequestProtocol::Ipcomp) return Need::Optional;
  switch (request.level) {
    case spd::Level::Use:
      return Need::Optional;
    case spd::Level::Require:
    case spd::Level::Unique:
      return Need::Required;
    case spd::Level::Default:
      break;
  }
  const FamilySettings& family = policy.selector.destination.address.is_v4() ? settings.v4 : settings.v6;
  return default_level(request, family) == kDefaultIsRequire ? Need::Required : Need::Optional;
}

sad::SaProtocol protocol_of(const spd::Request& request) {
  switch (request.protocol) {
    case spd::RequestProtocol::Ah:
      return sad::SaProtocol::Ah;
    case spd::RequestProtocol::Ipcomp:
      return sad::SaProtocol::Ipcomp;
    case spd::RequestProtocol::Esp:
      break;
  }
  return sad::SaProtocol::Esp;
}

sad::Ports ports_of(const spd::Request& request) {
  return {request.source ? request.source->port : std::uint16_t{0},
          request.destination ? request.destination->port : std::uint16_t{0}};
}

}  // namespace testudo::engine
