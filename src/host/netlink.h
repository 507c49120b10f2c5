#pragma once
// Routes, rules and addresses of the host by rtnetlink (libmnl).  Each call is one request and its answer.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/link.h"
#include "host/netlink_reply.h"
#include "host/next_hops.h"
#include "io/system_error.h"
#include "net/address.h"

struct mnl_socket;
struct nlmsghdr;

namespace testudo::host {

/// Where the host sends packets for an address.
struct Route {
  unsigned device = 0;
  std::size_t mtu = 0;                 ///< of the route when it has one, else of the device
  std::optional<net::Address> source;  ///< the address it would choose
  std::optional<net::Address> gateway;
  bool unicast = false;  ///< neither local nor to a group or a broadcast address
};

struct RuleSpec {
  std::uint32_t preference = 0, mark = 0, mask = 0, table = 0;

  friend bool operator==(const RuleSpec&, const RuleSpec&) = default;
};

/// A rule that is there, of whomever.
struct ListedRule {
  net::Family family = net::Family::V4;
  RuleSpec spec;
  bool for_all = false;  ///< it asks for nothing: every packet looks there
};

class Netlink {
 public:
  static Result<Netlink, io::SystemError> open();

  /// `ip rule`: packets with this mark look in this table.  One that is there already is kept.
  Status<io::SystemError> add_rule(net::Family family, const RuleSpec& rule);
  Status<io::SystemError> remove_rule(net::Family family, const RuleSpec& rule);

  /// `default dev DEVICE` and behind it `blackhole default`, which is left when the device goes.
  Status<io::SystemError> set_default_route(net::Family family, std::uint32_t table, unsigned device);
  Status<io::SystemError> set_blackhole(net::Family family, std::uint32_t table);
  /// Both of them; what is not there is no error.
  void remove_routes(net::Family family, std::uint32_t table);

  Result<std::vector<ListedRule>, io::SystemError> rules(net::Family family);
  /// Routes in the table that set_default_route() and set_blackhole() did not make.
  Result<std::size_t, io::SystemError> foreign_routes(net::Family family, std::uint32_t table);

  /// Gives the device the dummy address, which is in no packet: without an address of its own on it, the kernel takes
  /// no IPv4 packet from a device while it filters by reverse path, be it as loosely as it can.
  Status<io::SystemError> add_dummy_address(unsigned device);
  /// Of this host, without the dummy address.
  Result<std::vector<net::Address>, io::SystemError> addresses();
  /// What `ip link` shows as a device's alias: a place to say whose it is.
  std::string alias_of(unsigned device);
  Status<io::SystemError> set_alias(unsigned device, const std::string& alias);
  /// Packets that the device's queue had no room for, since it was made.
  std::uint64_t queue_losses(unsigned device);
  Result<Link, io::SystemError> link(const std::string& name);
  /// An XDP program, or none, in this mode (Native or Generic).  It stays when this process ends.
  Status<io::SystemError> set_xdp(unsigned device, std::optional<int> program, XdpMode mode);
  /// Nothing when there is no route, or the kernel does not know the neighbour's address (yet).
  std::optional<Hop> next_hop(const net::Address& destination, std::uint32_t mark);
  /// Nothing when there is no route.
  std::optional<Route> route_to(const net::Address& destination, std::uint32_t mark);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  using Socket = std::unique_ptr<mnl_socket, Close>;
  explicit Netlink(Socket socket) : socket_(std::move(socket)) {}

  Status<io::SystemError> exchange(nlmsghdr* request, const char* what, const NetlinkReply::Answer& answer = {});
  /// Asks again, after `anew`, when the list changed while it was read.
  Status<io::SystemError> list(nlmsghdr* request, const char* what, const std::function<void()>& anew,
                               const NetlinkReply::Answer& answer);
  Status<io::SystemError> set_route(net::Family family, std::uint32_t table, std::optional<unsigned> device);
  std::size_t device_mtu(unsigned device);
  void use_neighbour(const net::Address& address, unsigned device);

  Socket socket_;
  std::uint32_t sequence_ = 0;
};

/// Tells that addresses, links, routes or rules changed.
class NetlinkMonitor {
 public:
  static Result<NetlinkMonitor, io::SystemError> open();
  int fd() const;
  /// Takes what waits; true when there was something.
  bool drain();

 private:
  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  using Socket = std::unique_ptr<mnl_socket, Close>;
  explicit NetlinkMonitor(Socket socket) : socket_(std::move(socket)) {}
  Socket socket_;
};

}  // namespace testudo::host
