// The daemon's tunnel interfaces: those of testudo.conf, and what `testudo tunnel` asks for.
#include <cerrno>
#include <nlohmann/json.hpp>

#include "app/testudod/daemon.h"
#include "io/clock.h"

namespace testudo::app {

Status<std::string> Daemon::make_tunnels() {
  tunnels_ = std::make_unique<Tunnels>(Tunnels::Parts{
      spd_, settings_, attachment_->netlink(), options_.run_dir, first().loop, options_.host.encapsulation_ports,
      [this](TunnelPort& port) { first().packets->from_tunnel(*tunnels_, port); },
      [this](const std::string& text) { log_.warning(text); },
      [this](net::DropReason reason, Bytes packet) { engine().count_drop(reason, packet); }});
  for (const auto& worker : workers_) worker->packets->serve(tunnels_.get());
  for (const host::TunnelSpec& spec : options_.tunnels) {
    if (const auto made = tunnels_->add(spec); !made) return Failure{"tunnel " + spec.name + ": " + made.error()};
  }
  // These say nothing about what the rules of a killed daemon stood for.
  policies_dirty_ = policies_dirty_ || !options_.tunnels.empty();
  if (policies_dirty_) settings_.used = 1;
  policies_may_have_changed();
  return Done{};
}

Status<std::string> Daemon::change_tunnels(const std::vector<std::string>& words) {
  const std::string action = words.empty() ? "" : words.front();
  if (action == "add") {
    TRY(const auto spec, host::parse_tunnel({words.begin() + 1, words.end()}));
    TRY_DONE(tunnels_->add(spec));
  } else if (action == "delete" && words.size() == 2) {
    TRY_DONE(tunnels_->remove(words[1]));
  } else {
    return Failure{
        std::string{"expected add NAME local A remote B [unnumbered] [reqid N] [nat-t PORT,PORT], delete "
                    "NAME or list"}};
  }
  settings_.used = 1;
  policies_dirty_ = policies_heard_ = true;
  policies_changed_at_ = io::now();
  policies_may_have_changed();
  return Done{};
}

std::string Daemon::answer_about_tunnels(const std::vector<std::string>& words) {
  using nlohmann::json;
  const auto refuse = [](int error, const std::string& text) {
    return json{{"ok", false}, {"errno", error}, {"error", text}}.dump();
  };
  if (!tunnels_) return refuse(EOPNOTSUPP, "with `attach = none` there are no tunnels");
  const bool only_list = words.size() == 1 && words.front() == "list";
  if (!only_list) {
    if (const auto done = change_tunnels(words); !done) return refuse(EINVAL, "tunnel: " + done.error());
  }
  json reply = json::parse(tunnels_->list());
  reply["ok"] = true;
  return reply.dump();
}

}  // namespace testudo::app
