// SADB_GETSPI: finding an SPI that nobody has.
#include <algorithm>

#include "sad/database.h"

namespace testudo::sad {
namespace {

constexpr std::uint32_t kFirstSpi = 256;      // RFC 4303 section 2.1: 1 to 255 are reserved, 0 is local
constexpr std::uint32_t kLastCpi = 0xffff;    // RFC 3173 section 3.3: a CPI has 16 bits
constexpr std::uint32_t kScanned = 1U << 16;  // ranges up to this are searched to the end

SpiRange effective_range(SaProtocol protocol, SpiRange range, const KeySettings& settings) {
  if (range.min == 0 && range.max == 0) {
    range.min = static_cast<std::uint32_t>(settings.spi_min_value);
    range.max = static_cast<std::uint32_t>(settings.spi_max_value);
  }
  if (protocol == SaProtocol::Ipcomp) {
    range.min = std::min(range.min, kLastCpi);
    range.max = std::min(range.max, kLastCpi);
  }
  range.min = std::max(range.min, kFirstSpi);
  return range;
}

}  // namespace

bool Database::collides(const net::Address& destination, Spi spi) const {
  using enum SaProtocol;
  return std::ranges::any_of(std::array{Ah, Esp, Ipcomp, TcpSignature}, [&](SaProtocol protocol) {
    return newest({destination.without_scope(), protocol, spi}) != nullptr;
  });
}

std::optional<Spi> Database::free_spi(const SaGroup& group, SpiRange asked) {
  const SpiRange range = effective_range(group.protocol, asked, settings_);
  if (range.min > range.max) return std::nullopt;
  // Without sign, as netipsec keeps it, and as many as anybody can wait for.
  const std::uint32_t tries = std::min(static_cast<std::uint32_t>(settings_.spi_try), 100'000U);
  const bool one_spi = range.min == range.max;
  if (tries == 0 && !one_spi) return std::nullopt;
  for (std::uint32_t i = 0; i < std::max(tries, 1U); ++i) {
    const Spi spi{random_.between(range.min, range.max)};
    if (!collides(group.destination, spi)) return spi;
    if (one_spi) return std::nullopt;
  }
  const std::uint64_t width = std::uint64_t{range.max} - range.min + 1;
  if (width > kScanned) return std::nullopt;
  // Nearly full, and chance did not find the gap; where the search starts stays random, so that SPIs stay hard to
  // guess.
  const std::uint32_t start = random_.between(0, static_cast<std::uint32_t>(width - 1));
  for (std::uint64_t i = 0; i < width; ++i) {
    const Spi spi{range.min + static_cast<std::uint32_t>((start + i) % width)};
    if (!collides(group.destination, spi)) return spi;
  }
  return std::nullopt;
}

Result<Sa*, DatabaseError> Database::reserve(const SaGroup& group, SpiRange range, std::uint32_t message_sequence,
                                             std::uint32_t pid, Time now) {
  const auto spi = free_spi(group, range);
  if (!spi) return Failure{DatabaseError::NoFreeSpi};
  return insert(Sa::larval(group, *spi, message_sequence, pid, now));
}

}  // namespace testudo::sad
