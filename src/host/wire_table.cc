#include "host/wire_table.h"

#include <cstdio>
#include <vector>

#include "io/packet_socket.h"

namespace testudo::host {
namespace {

// In front of whatever others do at this hook.
constexpr const char* kPriority = "-500";

std::string text_of(const std::array<std::uint8_t, 6>& mac) {
  std::array<char, 18> text{};
  std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                mac[5]);
  return text.data();
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

class Commands {
 public:
  explicit Commands(const std::string& table) : table_("netdev " + table + " ") {}

  void chain(const std::string& name, const std::string& head = "") {
    text_ += "add chain " + table_ + name + (head.empty() ? "" : " { " + head + " }") + "\n";
  }
  void rule(const std::string& chain, const std::string& words) {
    text_ += "add rule " + table_ + chain + " " + words + "\n";
  }
  void set(const std::string& name, const std::string& type) {
    text_ += "add set " + table_ + name + " { type " + type + "; }\n";
  }
  void fill(const std::string& name, const std::vector<std::string>& elements) {
    if (!elements.empty()) text_ += "add element " + table_ + name + " { " + joined(elements) + " }\n";
  }
  void empty(const std::string& name) { text_ += "flush set " + table_ + name + "\n"; }
  const std::string& text() const { return text_; }

 private:
  std::string table_, text_;
};

void fill_own(Commands& to, std::span<const net::Address> own) {
  std::vector<std::string> v4, v6;
  for (const net::Address& address : own) (address.is_v4() ? v4 : v6).push_back(address.to_string());
  to.fill("own4", v4);
  to.fill("own6", v6);
}

/// Of what is for the host itself; `next`: how a rule says which protocol follows the IP header.
void take_protected(Commands& to, const std::string& chain, const std::string& next,
                    std::span<const std::uint16_t> encapsulation_ports) {
  to.rule(chain, next + " { 50, 51, 108 } goto take");
  std::vector<std::string> ports;
  for (const std::uint16_t port : encapsulation_ports) ports.push_back(std::to_string(port));
  // Not the non-ESP marker (RFC 3948 section 2.2); shorter ones, such as keepalives, have nothing there.
  if (!ports.empty()) to.rule(chain, next + " 17 udp dport { " + joined(ports) + " } @th,64,32 != 0 goto take");
}

}  // namespace

std::string nft_wire_table(unsigned device) {
  return "testudo_wire_" + std::to_string(device);
}

std::string nft_take_frames(const WireInterface& interface, std::span<const net::Address> own,
                            std::span<const std::uint16_t> encapsulation_ports) {
  const std::string table = nft_wire_table(interface.device);
  Commands to{table};
  to.set("own4", "ipv4_addr");
  to.set("own6", "ipv6_addr");
  fill_own(to, own);
  for (const char* chain : {"take", "ipv4", "ipv6"}) to.chain(chain);
  to.rule("take", "meta mark set " + std::to_string(io::PacketSocket::kTaken) + " meta pkttype set other accept");
  to.rule("ipv4", "ip daddr { 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/3 } accept");
  to.rule("ipv4", "ip daddr != @own4 goto take");
  to.rule("ipv4", "ip frag-off & 0x3fff != 0 accept");
  take_protected(to, "ipv4", "ip protocol", encapsulation_ports);
  to.rule("ipv6", "ip6 daddr { fe80::/10, ff00::/8 } accept");
  to.rule("ipv6", "ip6 saddr fe80::/10 accept");
  to.rule("ipv6", "ip6 daddr != @own6 goto take");
  take_protected(to, "ipv6", "ip6 nexthdr", encapsulation_ports);
  to.chain("frames",
           "type filter hook ingress device \"" + interface.name + "\" priority " + kPriority + "; policy accept;");
  to.rule("frames", "ether daddr != " + text_of(interface.mac) + " accept");
  // Of the frame itself, so that a frame with a tag is neither.
  to.rule("frames", "ether type ip goto ipv4");
  to.rule("frames", "ether type ip6 goto ipv6");
  return nft_give_frames_back(table) + "add table netdev " + table + "\n" + to.text();
}

std::string nft_own_addresses(const std::string& table, std::span<const net::Address> own) {
  Commands to{table};
  to.empty("own4");
  to.empty("own6");
  fill_own(to, own);
  return to.text();
}

// delete alone would fail where there is no table; both in one transaction never do.
std::string nft_give_frames_back(const std::string& table) {
  return "add table netdev " + table + "\ndelete table netdev " + table + "\n";
}

}  // namespace testudo::host
