#include "host/sysctl.h"

#include <fstream>

namespace testudo::host {

std::optional<std::string> read_sysctl(const std::string& name) {
  std::ifstream file{"/proc/sys/net/" + name};
  std::string value;
  if (!std::getline(file, value)) return std::nullopt;
  return value;
}

bool write_sysctl(const std::string& name, const std::string& value) {
  std::ofstream file{"/proc/sys/net/" + name};
  file << value << '\n';
  return file.flush().good();
}

void set_up_device(const std::string& device) {
  const std::string v4 = "ipv4/conf/" + device + "/";
  const std::string v6 = "ipv6/conf/" + device + "/";
  // Opened packets come in here while the way back to their source leads elsewhere; the SPD has checked them better
  // than reverse-path filtering can.  The kernel takes the larger of all.rp_filter and this one, so that strict
  // filtering for all is weakened here by 2 (loose) and not by 0.  Loose filtering asks for an address on the device
  // (Netlink::add_dummy_address).
  write_sysctl(v4 + "rp_filter", read_sysctl("ipv4/conf/all/rp_filter").value_or("0") == "0" ? "0" : "2");
  // ICMP errors of the engine (packet too big) carry an address of this host as their source.
  write_sysctl(v4 + "accept_local", "1");
  // From one tunnel into the next a packet leaves by the device it came from.
  write_sysctl(v4 + "send_redirects", "0");
  // No addresses of its own and nothing to say to neighbours: there are none.
  write_sysctl(v6 + "addr_gen_mode", "1");
  write_sysctl(v6 + "accept_ra", "0");
  write_sysctl(v6 + "accept_dad", "0");
  write_sysctl(v6 + "router_solicitations", "0");
}

void set_up_tunnel(const std::string& device) {
  const std::string v6 = "ipv6/conf/" + device + "/";
  write_sysctl(v6 + "addr_gen_mode", "1");
  write_sysctl(v6 + "accept_ra", "0");
  write_sysctl(v6 + "accept_dad", "0");
  write_sysctl(v6 + "router_solicitations", "0");
}

}  // namespace testudo::host
