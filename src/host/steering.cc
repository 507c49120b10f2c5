#include "host/steering.h"

#include "host/filter.h"

namespace testudo::host {
namespace {

constexpr std::uint16_t kIkePort = 500;

/// Matches of what is the engine's.  A UDP header is 64 bits; what follows it is ESP's SPI, the non-ESP marker of IKE
/// (32 zero bits), or the non-IKE marker of ESP (64 zero bits, which as IKE would be a cookie of 0, and there is none).
std::vector<std::string> engine_matches(std::uint16_t port) {
  std::vector<std::string> matches{"udp length 9", "@th,64,64 0"};
  // On IKE's own port its messages carry no marker, and a cookie looks like an SPI.
  if (port != kIkePort) matches.emplace_back("@th,64,32 != 0");
  return matches;
}

}  // namespace

std::string nft_steer(const std::string& table, const std::vector<Steer>& steers) {
  std::string text = nft_remove(table);
  if (steers.empty()) return text;
  text += "add table inet " + table + "\n";
  // Behind the helpers of connection tracking (300).
  text += "add chain inet " + table + " input { type filter hook input priority 400; policy accept; }\n";
  // In front of connection tracking (-200), which then sees one port in both directions.
  text += "add chain inet " + table + " output { type filter hook output priority -400; policy accept; }\n";
  for (const Steer& s : steers) {
    const bool v4 = s.family == net::Family::V4;
    // nft would carry the change of port over into a checksum of 0, which over IPv4 says that there is none (and has to
    // be 0: RFC 3948 section 2.1).
    const std::string rewrite = "udp dport set " + std::to_string(s.to) + (v4 ? " udp checksum set 0" : "") + " accept";
    const std::string family = std::string{" meta nfproto "} + (v4 ? "ipv4" : "ipv6");
    const std::string input = "add rule inet " + table + " input" + family + " udp dport ";
    text += "add rule inet " + table + " output" + family + " udp sport " + std::to_string(s.to) + " udp sport set " +
            std::to_string(s.port) + "\n";
    // A firewall knows the port that the world sees; by the engine's own one nobody may pass it by.
    text += input + std::to_string(s.to) + " counter drop\n";
    for (const std::string& match : engine_matches(s.port)) {
      text += input + std::to_string(s.port) + " " + match + " " + rewrite + "\n";
    }
  }
  return text;
}

}  // namespace testudo::host
