#include "transform/outer_template.h"

#include <algorithm>
#include <cstring>

#include "transform/ecn.h"

namespace testudo::transform {
namespace {

namespace packet = wire::packet;
constexpr std::uint16_t kDontFragment = 0x4000;

packet::OuterHeader fields_of(const sad::Sa& sa, const HeaderSettings& settings) {
  packet::OuterHeader fields;
  fields.source = sa.group().source;
  fields.destination = sa.group().destination;
  fields.ttl = static_cast<std::uint8_t>(std::clamp(settings.default_ttl, 1, 255));
  return fields;
}

}  // namespace

OuterTemplate::OuterTemplate(const sad::Sa& sa, const HeaderSettings& settings) {
  const packet::OuterHeader fields = fields_of(sa, settings);
  length_ = packet::outer_length(fields);
  packet::write_outer(bytes_, fields, 0);
  packet::set_total_length(bytes_, is_v4() ? 0 : packet::kIpv6Header);
  if (is_v4()) {
    put_be16(bytes_.data() + 10, 0);
    for (std::size_t i = 0; i < length_; i += 2) sum_ += be16(bytes_.data() + i);
  }
  // net.inet.ipsec.dfbit
  dont_fragment_ = copies_df(settings)        ? DontFragment::Copy
                   : settings.dfbit == kSetDf ? DontFragment::Set
                                              : DontFragment::Clear;
  copied_class_bits_ = outer_traffic_class(ecn_mode(is_v4() ? settings.ecn_v4 : settings.ecn_v6), 0xff);
}

void OuterTemplate::write(std::uint8_t* at, std::size_t payload, std::uint8_t protocol, const Inside& inside,
                          std::uint16_t identification) const {
  if (is_v4()) return write_v4(at, payload, protocol, inside, identification);
  std::memcpy(at, bytes_.data(), packet::kIpv6Header);
  const unsigned traffic_class = inside.traffic_class & copied_class_bits_;
  put_be16(at, static_cast<std::uint16_t>(0x6000 | traffic_class << 4));
  put_be16(at + 4, static_cast<std::uint16_t>(payload));
  at[6] = protocol;
}

void OuterTemplate::write_v4(std::uint8_t* at, std::size_t payload, std::uint8_t protocol, const Inside& inside,
                             std::uint16_t identification) const {
  const bool whole =
      dont_fragment_ == DontFragment::Set || (dont_fragment_ == DontFragment::Copy && inside.dont_fragment);
  const auto length = static_cast<std::uint16_t>(packet::kIpv4Header + payload);
  const auto traffic_class = static_cast<std::uint8_t>(inside.traffic_class & copied_class_bits_);
  const std::uint16_t flags = whole ? kDontFragment : std::uint16_t{0};
  std::uint64_t sum = sum_ + length + traffic_class + identification + flags + protocol;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);

  std::memcpy(at, bytes_.data(), packet::kIpv4Header);
  at[1] = traffic_class;
  put_be16(at + 2, length);
  put_be16(at + 4, identification);
  put_be16(at + 6, flags);
  at[9] = protocol;
  put_be16(at + 10, static_cast<std::uint16_t>(~sum));
}

}  // namespace testudo::transform
