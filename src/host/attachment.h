#pragma once
// The engine's place in this host: device, nft table, rules and routes, in the order that never leaves a protected flow
// in clear.  What a killed daemon left is adopted: blackhole and marks stay in force until this one carries packets.
//
//   packet out ─► nft: policy protects? mark ─► ip rule: mark ─► table: default dev testudo0 ─► engine ─► raw socket,
//   own mark
//                                                                       blackhole default (when the device is gone)
//   packet in ──► nft: protected protocol? raw socket ─► engine ─► testudo0 ─► host
//                      in clear and policy requires protection? drop
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/facts.h"
#include "host/filter.h"
#include "host/netlink.h"
#include "host/nft.h"
#include "host/nft_counter.h"
#include "host/settings.h"
#include "host/steering.h"
#include "io/tun.h"

namespace testudo::host {

class Attachment {
 public:
  /// Needs CAP_NET_ADMIN.  `state_file` remembers names and numbers, so that other settings after a crash still find
  /// them.
  static Result<Attachment, io::SystemError> attach(const Settings& settings, const std::string& state_file);
  Attachment(Attachment&&) = default;
  Attachment& operator=(Attachment&&) = delete;

  /// The rules of a killed daemon are still in force: until the first apply() nothing that they mark may go out in
  /// clear.
  bool adopted() const { return adopted_; }
  /// The rules follow the SPD; in one transaction.
  Status<io::SystemError> apply(const FilterPlan& plan);
  /// The same for some changes of many policies.  False when it takes apply() instead.
  bool follow(const FilterChanges& changes);
  /// The rules follow the policies of single sockets.
  Status<io::SystemError> apply(const std::vector<SocketRule>& sockets);
  /// By which packets of sockets in this slot come to the engine; open as long as the attachment.
  Result<const io::Tun*, io::SystemError> socket_device(unsigned slot);
  /// TCP is told what fits by now, of policies that the rules follow already.  False when it takes apply() instead.
  bool fit_tcp(const FilterPlan& plan);
  /// Turns ESP in UDP over to the engine's sockets.
  Status<io::SystemError> steer(std::vector<Steer> steers);
  /// The same for sockets that ask for it.
  Status<io::SystemError> steer(SteeredSockets sockets);
  /// False when somebody took our tables away: protected flows are then in clear.
  bool in_place() const;
  /// All of them, anew.
  Status<io::SystemError> put_back(const FilterPlan& plan);
  /// Takes everything away, on purpose: flows are in clear afterwards.  Without it everything but the device stays.
  void detach();

  const io::Tun& tun() const { return queues_.front(); }
  /// The device once more for each further reader: Settings::queues of them, of which tun() is the first.
  const std::vector<io::Tun>& queues() const { return queues_; }
  Netlink& netlink() { return *netlink_; }
  /// Circumstances of this host that make IPsec fail or surprise, as sentences; as they are now.
  std::vector<std::string> warnings();
  /// Clear packets that an inbound policy dropped, and marked packets that tried to leave elsewhere, since the start.
  std::uint64_t refused_in_clear() { return nft_counter_packets(settings_.nft_table(), "in_polvio"); }
  std::uint64_t escapes_stopped() { return nft_counter_packets(settings_.nft_table(), "escaped"); }

 private:
  Attachment(Settings settings, std::vector<io::Tun> queues, std::unique_ptr<Netlink> netlink, std::string state_file)
      : settings_(std::move(settings)),
        queues_(std::move(queues)),
        netlink_(std::move(netlink)),
        filter_(settings_),
        state_file_(std::move(state_file)) {}
  Status<io::SystemError> take_place();
  Status<io::SystemError> install(const FilterPlan& plan);
  Status<io::SystemError> route_marked_packets();
  void clear_away(const Settings& left_behind);
  bool try_run(const std::string& commands);
  bool steers() const { return !steers_.empty() || !steered_sockets_.empty(); }
  Status<io::SystemError> steer_again();

  Settings settings_;
  std::vector<io::Tun> queues_;
  std::unique_ptr<Netlink> netlink_;
  Nft nft_;
  Filter filter_;
  bool joins_fragments_ = true;
  bool adopted_ = false;
  bool uncertain_ = false;  ///< the kernel refused rules that filter_ holds for done
  std::string state_file_;
  std::optional<Settings> left_behind_;  ///< of a daemon before us, until the first apply()
  std::vector<Steer> steers_;
  SteeredSockets steered_sockets_;
  std::map<unsigned, io::Tun> socket_devices_;  ///< by slot
};

}  // namespace testudo::host
