#include "observe/variables.h"

#include <algorithm>
#include <array>
#include <limits>

namespace testudo::observe {
namespace {

using engine::Settings;

// As far as an int goes: what NetBSD stores unchecked.
constexpr std::int32_t kMin = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();

// NOLINTNEXTLINE(bugprone-macro-parentheses): the name of a member
#define AT(member) [](Settings& s) -> std::int32_t& { return s.member; }
// clang-format off
constexpr std::array kVariables{
    Variable{"net.inet.ipsec.def_policy", AT(v4.def_policy), 0, 1, true, "what happens to packets no policy matches: 0 discard, 1 none"},
    Variable{"net.inet.ipsec.esp_trans_deflev", AT(v4.esp_trans_deflev), 1, 2, true, "level `default` of ESP transport requests: 1 use, 2 require"},
    Variable{"net.inet.ipsec.esp_net_deflev", AT(v4.esp_net_deflev), 1, 2, true, "level `default` of ESP tunnel requests: 1 use, 2 require"},
    Variable{"net.inet.ipsec.ah_trans_deflev", AT(v4.ah_trans_deflev), 1, 2, true, "level `default` of AH transport requests: 1 use, 2 require"},
    Variable{"net.inet.ipsec.ah_net_deflev", AT(v4.ah_net_deflev), 1, 2, true, "level `default` of AH tunnel requests: 1 use, 2 require"},
    Variable{"net.inet.ipsec.ah_cleartos", AT(headers.ah_cleartos), kMin, kMax, true, "AH takes the TOS as zero (RFC 4302)"},
    Variable{"net.inet.ipsec.ah_offsetmask", AT(headers.ah_offsetmask), kMin, kMax, true, "AH takes ip_off masked by this"},
    Variable{"net.inet.ipsec.dfbit", AT(headers.dfbit), kMin, kMax, true, "DF of the outer IPv4 header: 0 clear, 1 set, 2 copied from the inner one (IPv6 above 1280 bytes: set)"},
    Variable{"net.inet.ipsec.ecn", AT(headers.ecn_v4), kMin, kMax, true, "ECN of IPv4 tunnels: 0 forbidden, 1 allowed (RFC 6040), -1 and all others as in RFC 2401"},
    Variable{"net.inet.ipsec.debug", AT(v4.debug), kMin, kMax, true, "log every drop with its reason"},
    Variable{"net.inet.ipsec.ipip_spoofcheck", AT(ipip_spoofcheck), kMin, kMax, true, "drop tunnelled packets that claim one of our addresses as source"},
    Variable{"net.inet.ipsec.enabled", AT(enabled), 0, 2, true, "0 never, 1 when policies exist, 2 always"},
    Variable{"net.inet.ipsec.used", AT(used), 0, 1, false, "1 since the first policy was installed, or since enabled was 2"},
    Variable{"net.inet.ipsec.ah_enable", AT(ah_enable), kMin, kMax, true, "0 switches AH off"},
    Variable{"net.inet.ipsec.esp_enable", AT(esp_enable), kMin, kMax, true, "0 switches ESP off"},
    Variable{"net.inet.ipsec.ipcomp_enable", AT(ipcomp_enable), kMin, kMax, true, "0 switches IPcomp off"},
    Variable{"net.inet.ipsec.crypto_support", AT(crypto_support), kMin, kMax, true, "hardware crypto: kept, without effect"},
    Variable{"net.inet.ipsec.test_replay", AT(test_replay), 0, 1, true, "kept, without effect: checks are never skipped"},
    Variable{"net.inet.ipsec.test_integrity", AT(test_integrity), 0, 1, true, "kept, without effect: checks are never skipped"},
    Variable{"net.inet6.ipsec6.def_policy", AT(v6.def_policy), 0, 1, true, "what happens to IPv6 packets no policy matches: 0 discard, 1 none"},
    Variable{"net.inet6.ipsec6.esp_trans_deflev", AT(v6.esp_trans_deflev), 1, 2, true, "level `default` of ESP transport requests: 1 use, 2 require"},
    Variable{"net.inet6.ipsec6.esp_net_deflev", AT(v6.esp_net_deflev), 1, 2, true, "level `default` of ESP tunnel requests: 1 use, 2 require"},
    Variable{"net.inet6.ipsec6.ah_trans_deflev", AT(v6.ah_trans_deflev), 1, 2, true, "level `default` of AH transport requests: 1 use, 2 require"},
    Variable{"net.inet6.ipsec6.ah_net_deflev", AT(v6.ah_net_deflev), 1, 2, true, "level `default` of AH tunnel requests: 1 use, 2 require"},
    Variable{"net.inet6.ipsec6.ecn", AT(headers.ecn_v6), kMin, kMax, true, "ECN of IPv6 tunnels: 0 forbidden, 1 allowed (RFC 6040), -1 and all others as in RFC 2401"},
    Variable{"net.inet6.ipsec6.debug", AT(v6.debug), kMin, kMax, true, "log every drop of an IPv6 packet with its reason"},
    Variable{"net.inet6.ipsec6.enabled", AT(enabled), 0, 2, true, "the same as net.inet.ipsec.enabled"},
    Variable{"net.inet6.ipsec6.used", AT(used), 0, 1, false, "the same as net.inet.ipsec.used"},
    Variable{"net.ipsecif.use_fixed_reqid", AT(tunnels.use_fixed_reqid), 0, 1, true, "1: a tunnel interface's reqids are reqid_base + 2 * unit (IPv4 inside) and + 1 (IPv6)"},
    Variable{"net.ipsecif.reqid_base", AT(tunnels.reqid_base), 1, 0x3fff, true, "the first reqid that use_fixed_reqid gives"},
    Variable{"net.ipsecif.reqid_last", AT(tunnels.reqid_last), 1, 0x3fff, true, "the last reqid that use_fixed_reqid gives"},
    Variable{"net.key.debug", AT(key.debug), kMin, kMax, true, "log mask: 0x10 logs each PF_KEY request; 0x1 stamp, 0x2 data, 0x4 dump, 0x20 algorithms, 0x40 ipsec are kept"},
    Variable{"net.key.spi_try", AT(key.spi_try), kMin, kMax, true, "tries for a free SPI in SADB_GETSPI; 0: it fails unless one SPI is asked for; below 0: 100000"},
    Variable{"net.key.spi_min_value", AT(key.spi_min_value), kMin, kMax, true, "lowest SPI that is allocated, as 32 bits without sign; below 256: 256"},
    Variable{"net.key.spi_max_value", AT(key.spi_max_value), kMin, kMax, true, "highest SPI that is allocated, as 32 bits without sign"},
    Variable{"net.key.random_int", AT(key.random_int), kMin, kMax, true, "kept, without effect: the kernel's generator is used"},
    Variable{"net.key.larval_lifetime", AT(key.larval_lifetime), kMin, kMax, true, "seconds before an unfinished SA is dropped; below 0: never"},
    Variable{"net.key.blockacq_count", AT(key.blockacq_count), kMin, kMax, true, "needs that are suppressed after an ACQUIRE before the next one is sent"},
    Variable{"net.key.blockacq_lifetime", AT(key.blockacq_lifetime), kMin, kMax, true, "seconds during which repeated needs are suppressed"},
    Variable{"net.key.esp_keymin", AT(key.esp_keymin), kMin, kMax, true, "fewest key bits proposed for ESP in an ACQUIRE"},
    Variable{"net.key.esp_auth", AT(key.esp_auth), kMin, kMax, true, "propose authentication for ESP in an ACQUIRE"},
    Variable{"net.key.ah_keymin", AT(key.ah_keymin), kMin, kMax, true, "fewest key bits proposed for AH in an ACQUIRE"},
    Variable{"net.key.prefered_oldsa", AT(key.prefered_oldsa), kMin, kMax, true, "1: outbound packets use the oldest SA, not the newest"},
    Variable{"net.key.allow_different_idtype", AT(key.allow_different_idtype), kMin, kMax, true, "1: identities of source and destination may be of different types"},
};
// clang-format on
#undef AT

}  // namespace

std::span<const Variable> variables() {
  return kVariables;
}

const Variable* find_variable(std::string_view name) {
  const auto row = std::ranges::find(kVariables, name, &Variable::name);
  return row == kVariables.end() ? nullptr : &*row;
}

std::optional<WriteError> write_variable(Settings& settings, std::string_view name, std::int64_t value,
                                         std::size_t policies) {
  const Variable* variable = find_variable(name);
  if (variable == nullptr) return WriteError::NoSuchName;
  if (!variable->writable) return WriteError::ReadOnly;
  if (value < variable->minimum || value > variable->maximum) return WriteError::OutOfRange;
  std::int32_t& place = variable->in(settings);
  if (&place == &settings.enabled && value == 0 && policies > 0) return WriteError::Busy;
  place = static_cast<std::int32_t>(value);
  constexpr std::int32_t kAlways = 2;
  if (settings.enabled == kAlways) settings.used = 1;
  return std::nullopt;
}

}  // namespace testudo::observe
