#include "host/attachment.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "host/conflicts.h"
#include "host/fragments.h"
#include "host/nft_table.h"
#include "host/state_file.h"
#include "host/sysctl.h"

namespace testudo::host {
namespace {

constexpr std::array kFamilies{net::Family::V4, net::Family::V6};

RuleSpec rule_of(const Settings& s) {
  return {s.rule, s.mark, s.mark_mask(), s.table};
}

// IPv6 may be switched off in the kernel; then nothing of it can leave in clear either.
bool has_ipv6() {
  return read_sysctl("ipv6/conf/all/disable_ipv6").has_value();
}

bool skips(net::Family family) {
  return family == net::Family::V6 && !has_ipv6();
}

void remove_tables(const Settings& s, Nft& nft) {
  static_cast<void>(nft.run(nft_remove(s.nft_table()) + nft_remove(s.nft_steering_table())));
}

void remove_routes(const Settings& s, Netlink& netlink) {
  for (const net::Family family : kFamilies) {
    static_cast<void>(netlink.remove_rule(family, rule_of(s)));
    netlink.remove_routes(family, s.table);
    if (s.slot_mask() == 0) continue;
    for (unsigned slot = 1; slot <= kSocketSlots; ++slot) {
      if (netlink.remove_rule(family, socket_route(s, slot))) netlink.remove_routes(family, s.table + slot);
    }
  }
}

/// Blackhole first: there is no moment at which a marked packet finds the table empty and goes on to `main`.
Status<io::SystemError> lead_to(const io::Tun& tun, const RuleSpec& rule, Netlink& netlink) {
  for (const net::Family family : kFamilies) {
    if (skips(family)) continue;
    TRY_DONE(netlink.set_blackhole(family, rule.table));
    TRY_DONE(netlink.set_default_route(family, rule.table, tun.index()));
    TRY_DONE(netlink.add_rule(family, rule));
  }
  return Done{};
}

}  // namespace

Result<Attachment, io::SystemError> Attachment::attach(const Settings& settings, const std::string& state_file) {
  TRY(auto netlink, Netlink::open());
  TRY(auto queues, io::Tun::open_queues(settings.device, settings.offload, settings.queues));
  const io::Tun& tun = queues.front();
  TRY_DONE(tun.set_mtu(settings.mtu));
  TRY_DONE(tun.set_queue(settings.queue_length));
  set_up_device(settings.device);
  TRY_DONE(tun.bring_up());
  TRY_DONE(netlink.add_dummy_address(tun.index()));
  Attachment made{settings, std::move(queues), std::make_unique<Netlink>(std::move(netlink)), state_file};
  if (const auto taken = made.take_place(); !taken) {
    if (!made.adopted_) made.detach();
    return Failure{taken.error()};
  }
  return made;
}

Status<io::SystemError> Attachment::take_place() {
  left_behind_ = read_state(state_file_);
  if (!left_behind_ && nft_has_table(settings_.nft_table()).value_or(false)) left_behind_ = settings_;
  // Whatever names they have: what they protect must not be in clear until there are policies again.
  adopted_ = left_behind_ && nft_has_table(left_behind_->nft_table()).value_or(true);
  TRY_DONE(route_marked_packets());
  return adopted_ ? Done{} : install({});
}

/// Ours are in force; those of before go, but for what they share with ours.
void Attachment::clear_away(const Settings& left_behind) {
  if (same_places(left_behind, settings_)) return;
  if (left_behind.device != settings_.device) remove_tables(left_behind, nft_);
  remove_routes(left_behind, *netlink_);
  static_cast<void>(route_marked_packets());  // in case they shared a number
}

Status<io::SystemError> Attachment::route_marked_packets() {
  for (const auto& [slot, tun] : socket_devices_) TRY_DONE(lead_to(tun, socket_route(settings_, slot), *netlink_));
  return lead_to(tun(), rule_of(settings_), *netlink_);
}

Status<io::SystemError> Attachment::apply(const FilterPlan& plan) {
  // The first plan after a crash replaces, in one transaction, the rules that were in force until now; so does the
  // first after a failure.
  const bool anew = adopted_ || std::exchange(uncertain_, true);
  const std::string commands = anew ? "" : filter_.update(plan);
  if (anew) TRY_DONE(install(plan));
  if (!commands.empty()) TRY_DONE(nft_.run(commands));
  uncertain_ = adopted_ = false;
  return Done{};
}

Status<io::SystemError> Attachment::install(const FilterPlan& plan) {
  // First, so that there is no moment at which a crash would leave what nobody finds.
  TRY_DONE(write_state(state_file_, settings_));
  TRY_DONE(nft_.run(filter_.install(plan)));
  static_cast<void>(nft_.run(nft_log_refused(settings_)));  // apart: not every kernel can
  joins_fragments_ = std::ranges::any_of(
      nft_join_fragments(settings_), [this](const std::string& commands) { return nft_.run(commands).has_value(); });
  if (left_behind_) clear_away(*std::exchange(left_behind_, std::nullopt));
  return Done{};
}

Status<io::SystemError> Attachment::apply(const std::vector<SocketRule>& sockets) {
  const std::string commands = filter_.follow(sockets);
  // While the rules of a killed daemon are in force they are followed up: its slots are ours.
  return nft_.run(commands);
}

Result<const io::Tun*, io::SystemError> Attachment::socket_device(unsigned slot) {
  if (const auto open = socket_devices_.find(slot); open != socket_devices_.end()) return &open->second;
  constexpr const char* kDigits = "0123456789abcdef";
  TRY(auto tun, io::Tun::open(settings_.socket_devices() + kDigits[slot], settings_.offload));
  TRY_DONE(tun.set_mtu(settings_.mtu));
  TRY_DONE(tun.set_queue(settings_.queue_length));
  set_up_device(tun.name());
  TRY_DONE(tun.bring_up());
  TRY_DONE(lead_to(tun, socket_route(settings_, slot), *netlink_));
  return &socket_devices_.emplace(slot, std::move(tun)).first->second;
}

bool Attachment::follow(const FilterChanges& changes) {
  if (adopted_ || uncertain_) return false;
  const auto commands = filter_.follow(changes);
  return commands && try_run(*commands);
}

bool Attachment::fit_tcp(const FilterPlan& plan) {
  return !adopted_ && !uncertain_ && try_run(filter_.fit_tcp(plan));
}

bool Attachment::try_run(const std::string& commands) {
  uncertain_ = !commands.empty() && !nft_.run(commands);
  return !uncertain_;
}

bool Attachment::in_place() const {
  const Settings& filtering = adopted_ ? *left_behind_ : settings_;
  const auto is_there = [](const std::string& table) { return nft_has_table(table).value_or(true); };
  return is_there(filtering.nft_table()) && (!steers() || is_there(settings_.nft_steering_table()));
}

Status<io::SystemError> Attachment::put_back(const FilterPlan& plan) {
  uncertain_ = true;
  TRY_DONE(apply(plan));
  return steer_again();
}

Status<io::SystemError> Attachment::steer(std::vector<Steer> steers) {
  steers_ = std::move(steers);
  return steer_again();
}

Status<io::SystemError> Attachment::steer(SteeredSockets sockets) {
  steered_sockets_ = std::move(sockets);
  return steer_again();
}

Status<io::SystemError> Attachment::steer_again() {
  return nft_.run(nft_steer(settings_.nft_steering_table(), steers_, steered_sockets_));
}

void Attachment::detach() {
  if (left_behind_) clear_away(*left_behind_);
  remove_tables(settings_, nft_);
  remove_routes(settings_, *netlink_);
  std::remove(state_file_.c_str());
}

std::vector<std::string> Attachment::warnings() {
  std::vector<std::string> found = conflicts(look_around(settings_, *netlink_, nft_), settings_);
  if (!joins_fragments_) {
    found.emplace_back(
        "The kernel does not join fragments (it has neither nft_tproxy nor nft_ct): of a packet that an inbound policy "
        "refuses by its port, the pieces behind the first pass this gateway.");
  }
  return found;
}

}  // namespace testudo::host
