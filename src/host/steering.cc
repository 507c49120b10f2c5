#include "host/steering.h"

#include <array>
#include <set>

#include "base/hex.h"
#include "host/filter.h"

namespace testudo::host {
namespace {

constexpr std::uint16_t kIkePort = 500;

constexpr const char* kSpi = "@th,64,32 != 0";

/// Matches of what is the engine's, beside kSpi.  A UDP header is 64 bits; what follows it is ESP's SPI, the non-ESP
/// marker of IKE (32 zero bits), or the non-IKE marker of ESP (64 zero bits, which as IKE would be a cookie of 0, and
/// there is none).
constexpr std::array kSeldom{"udp length 9", "@th,64,64 0"};

/// On IKE's own port its messages carry no marker, and a cookie looks like an SPI.
bool knows_spis(const Steer& s) {
  return s.port != kIkePort;
}

std::string socket_with(std::uint32_t mask, const std::vector<std::uint32_t>& marks) {
  std::string list;
  for (const std::uint32_t mark : marks) list += (list.empty() ? "" : ", ") + to_hex(mark);
  return " socket mark & " + to_hex(mask) + " { " + list + " }";
}

/// Commands about one port and family.
class Rules {
 public:
  Rules(const std::string& table, const Steer& s)
      : family_(std::string{" meta nfproto "} + (s.family == net::Family::V4 ? "ipv4" : "ipv6")),
        start_("add rule inet " + table + " "),
        port_(std::to_string(s.port)),
        to_(std::to_string(s.to)) {
    // nft would carry the change of port over into a checksum of 0, which over IPv4 says that there is none (and has to
    // be 0: RFC 3948 section 2.1).
    rewrite_ = "udp dport set " + to_ + (s.family == net::Family::V4 ? " udp checksum set 0" : "") + " accept";
  }

  std::string outbound() const {
    return start_ + "output" + family_ + " udp sport " + to_ + " udp sport set " + port_ + "\n";
  }
  /// A firewall knows the port that the world sees; by the engine's own one nobody may pass it by.
  std::string close_own(const std::string& chain) const { return received(chain) + to_ + " counter drop\n"; }
  std::string turn_over(const std::string& chain, const std::string& match) const {
    return received(chain) + port_ + " " + match + " " + rewrite_ + "\n";
  }

 private:
  std::string received(const std::string& chain) const { return start_ + chain + family_ + " udp dport "; }

  std::string family_, start_, port_, to_, rewrite_;
};

/// ESP leaves at the first rules, what has nothing to do with these ports at the one behind them.
std::string steer_ports(const std::string& table, const std::vector<Steer>& steers) {
  std::string text, often, seldom;
  std::set<std::uint16_t> ports;
  for (const Steer& s : steers) {
    const Rules rules{table, s};
    ports.insert({s.port, s.to});
    text += rules.outbound();
    if (knows_spis(s)) often += rules.turn_over("input", kSpi);
    seldom += rules.close_own("seldom");
    for (const char* match : kSeldom) seldom += rules.turn_over("seldom", match);
  }
  if (steers.empty()) return text;
  std::string list;
  for (const std::uint16_t port : ports) list += (list.empty() ? "" : ", ") + std::to_string(port);
  return text + "add chain inet " + table + " seldom\n" + often + "add rule inet " + table + " input udp dport { " +
         list + " } jump seldom\n" + seldom;
}

std::string steer_sockets(const std::string& table, const SteeredSockets& sockets) {
  std::string text;
  for (const Steer& s : sockets.ports) text += Rules{table, s}.close_own("input");
  for (const UdpEncapsulation form : {UdpEncapsulation::Esp, UdpEncapsulation::NonIke}) {
    const auto& marks = form == UdpEncapsulation::Esp ? sockets.esp : sockets.non_ike;
    if (marks.empty()) continue;
    const std::string theirs = socket_with(sockets.mask, marks);
    for (const char* match : encapsulated_matches(form)) {
      for (const Steer& s : sockets.ports) text += Rules{table, s}.turn_over("input", match + theirs);
      text += "add rule inet " + table + " input meta l4proto udp " + match + theirs + " counter drop\n";
    }
  }
  return text;
}

}  // namespace

std::span<const char* const> encapsulated_matches(UdpEncapsulation form) {
  static constexpr std::array kEsp{"udp length 9 @th,64,8 0xff", "@th,64,32 != 0"};
  static constexpr std::array kNonIke{"udp length 9 @th,64,8 0xff", "@th,64,64 0"};
  if (form == UdpEncapsulation::None) return {};
  return form == UdpEncapsulation::Esp ? std::span<const char* const>{kEsp} : std::span<const char* const>{kNonIke};
}

std::string nft_steer(const std::string& table, const std::vector<Steer>& steers, const SteeredSockets& sockets) {
  std::string text = nft_remove(table);
  if (steers.empty() && sockets.empty()) return text;
  text += "add table inet " + table + "\n";
  // Behind the helpers of connection tracking (300).
  text += "add chain inet " + table + " input { type filter hook input priority 400; policy accept; }\n";
  // In front of connection tracking (-200), which then sees one port in both directions.
  text += "add chain inet " + table + " output { type filter hook output priority -400; policy accept; }\n";
  return text + steer_ports(table, steers) + steer_sockets(table, sockets);
}

}  // namespace testudo::host
