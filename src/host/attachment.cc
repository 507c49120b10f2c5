#include "host/attachment.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <utility>

#include "host/conflicts.h"
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

void remove_everything(const Settings& s, Nft& nft, Netlink& netlink) {
  static_cast<void>(nft.run(nft_remove(s.nft_table()) + nft_remove(s.nft_steering_table())));
  for (const net::Family family : kFamilies) {
    static_cast<void>(netlink.remove_rule(family, rule_of(s)));
    netlink.remove_routes(family, s.table);
  }
}

void write_state(const std::string& path, const Settings& s) {
  std::ofstream{path} << s.device << ' ' << s.mark << ' ' << s.table << ' ' << s.rule << '\n';
}

std::optional<Settings> read_state(const std::string& path) {
  std::ifstream file{path};
  Settings s;
  if (!(file >> s.device >> s.mark >> s.table >> s.rule)) return std::nullopt;
  return s;
}

bool same_places(const Settings& a, const Settings& b) {
  return a.device == b.device && a.mark == b.mark && a.table == b.table && a.rule == b.rule;
}

}  // namespace

Result<Attachment, io::SystemError> Attachment::attach(const Settings& settings, const std::string& state_file) {
  TRY(auto netlink, Netlink::open());
  TRY(auto tun, io::Tun::open(settings.device, settings.offload));
  TRY_DONE(tun.set_mtu(settings.mtu));
  set_up_device(settings.device);
  TRY_DONE(tun.bring_up());
  TRY_DONE(netlink.add_dummy_address(tun.index()));
  Attachment made{settings, std::move(tun), std::make_unique<Netlink>(std::move(netlink)), state_file};
  if (const auto taken = made.take_place(); !taken) {
    if (!made.adopted_) made.detach();
    return Failure{taken.error()};
  }
  return made;
}

Status<io::SystemError> Attachment::take_place() {
  const auto left_behind = read_state(state_file_);
  const bool same = left_behind && same_places(*left_behind, settings_);
  adopted_ = same && nft_.run("list table inet " + settings_.nft_table()).has_value();
  TRY_DONE(route_marked_packets());
  if (adopted_) return Done{};
  TRY_DONE(install({}));
  if (left_behind && !same) replace(*left_behind);
  write_state(state_file_, settings_);
  return Done{};
}

void Attachment::replace(const Settings& left_behind) {
  remove_everything(left_behind, nft_, *netlink_);
  static_cast<void>(route_marked_packets());  // in case they shared a number
}

// Blackhole first: there is no moment at which a marked packet finds the table empty and goes on to `main`.
Status<io::SystemError> Attachment::route_marked_packets() {
  for (const net::Family family : kFamilies) {
    if (skips(family)) continue;
    TRY_DONE(netlink_->set_blackhole(family, settings_.table));
    TRY_DONE(netlink_->set_default_route(family, settings_.table, tun_.index()));
    TRY_DONE(netlink_->add_rule(family, rule_of(settings_)));
  }
  return Done{};
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
  TRY_DONE(nft_.run(filter_.install(plan)));
  static_cast<void>(nft_.run(nft_log_refused(settings_)));  // apart: not every kernel can
  return Done{};
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

void Attachment::detach() {
  remove_everything(settings_, nft_, *netlink_);
  std::remove(state_file_.c_str());
}

std::vector<std::string> Attachment::warnings() {
  return conflicts(look_around(settings_, *netlink_, nft_), settings_);
}

}  // namespace testudo::host
