#pragma once
#include <cstdint>

namespace testudo::sad {

/// net.key.*: names, defaults and ranges are those of NetBSD's sysctl; observe/ gives them their names.  Any number may
/// be written; those of SPIs, tries and larval_lifetime are then taken without sign.
struct KeySettings {
  std::int32_t debug = 0;
  std::int32_t spi_try = 1000;  ///< tries for a free SPI
  std::int32_t spi_min_value = 256;
  std::int32_t spi_max_value = 0x0fffffff;
  std::int32_t random_int = 60;       ///< historic, without effect
  std::int32_t larval_lifetime = 30;  ///< seconds
  std::int32_t blockacq_count = 10;
  std::int32_t blockacq_lifetime = 20;  ///< seconds
  std::int32_t esp_keymin = 256;        ///< bits proposed in an ACQUIRE
  std::int32_t esp_auth = 0;
  std::int32_t ah_keymin = 128;
  std::int32_t prefered_oldsa = 0;  ///< 1: the oldest SA serves outbound packets, not the newest
  std::int32_t allow_different_idtype = 0;
};

}  // namespace testudo::sad
