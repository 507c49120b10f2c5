#pragma once
// What AH's integrity check sees of the headers in front of it: fields that routers change are zeroed, fields whose
// final value the sender knows are predicted.  RFC 4302 section 3.3.3.1 and appendix A, for both families; with IPv4
// options, IPv6 options, source routes and routing headers.  Works on a copy: never changes the packet.  No state.
#include <array>

#include "transform/settings.h"
#include "wire/packet/ip.h"

namespace testudo::transform {

enum class AhSide : std::uint8_t {
  Sender,    ///< source routes are still to be travelled: predict the end
  Receiver,  ///< the packet is as it is
};

/// Room for four extension headers of the largest size there is (2048 bytes); longer chains are refused.
inline constexpr std::size_t kMaxCooked = 4 * 2048 + 40;

struct CookedHeader {
  std::array<std::uint8_t, kMaxCooked> storage;
  std::size_t size = 0;

  Bytes bytes() const { return Bytes{storage}.first(size); }
};

/// `header` is everything in front of AH, with the lengths and the next header that announces AH already in place.
Status<wire::Malformed> cook_header(Bytes header, const wire::packet::IpView& ip, AhSide side,
                                    const HeaderSettings& settings, CookedHeader& out);

}  // namespace testudo::transform
