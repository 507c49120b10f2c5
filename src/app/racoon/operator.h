#pragma once
// racoonctl's requests and what becomes of them: one JSON object a request, one a reply, over the socket of
// `adminsock`. Text in, text out; admin_service.h carries it.  {"cmd": "reload-config" | "show-schedule" | "show-sa" |
// "flush-sa" | "delete-sa" | "logout-user" | "establish-sa" | "connect" | "disconnect" | "show-event" | "explain", …}.
// A reply has "ok", and "error" when that is false.  Who waits for a negotiation gets its reply when it has ended; who
// follows events gets one object for each.  Both are bounded by the clients that the service admits.  Never blocks,
// never throws.  One thread.
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "ike/explanations.h"
#include "ike/machine.h"

namespace testudo::app {

class Operator {
 public:
  using Client = std::uint64_t;
  /// What the daemon does for it.
  struct Hands {
    std::function<const ike::Machine&()> machine;
    std::function<void(const ike::Event&)> happen;
    /// Empties the key table; nothing: of all protocols.
    std::function<void(std::optional<ike::ChildProtocol>)> flush;
    /// The outbound policy with this selector as a request, or why there is none.
    std::function<Result<ike::ChildRequest, std::string>(const net::Selector&)> request_of;
    /// Complaints about the configuration; empty: it is in use.
    std::function<std::vector<std::string>()> reload;
    std::function<void(Client, const std::string&)> send;
    std::function<WallReference()> clock;
  };
  explicit Operator(Hands hands) : hands_(std::move(hands)) {}

  void request(Client client, std::string_view text);
  void gone(Client client);
  /// What the machine tells, for those that follow or wait and for `explain`.
  void told(const ike::Told& told);
  void refused(const ike::Refusal& refusal);
  /// About once a second: nobody waits for ever.
  void tick();

 private:
  struct Waiter {
    net::Address remote;
    std::optional<net::Selector> networks;  ///< nothing: phase 1 is enough
    Time until{};
    std::string heard{};  ///< the last reason, that was told without protection
  };
  nlohmann::json act(Client client, const nlohmann::json& request, bool& answered);
  nlohmann::json reload();
  nlohmann::json schedule(const nlohmann::json& request) const;
  nlohmann::json phase1_sas(const nlohmann::json& request) const;
  nlohmann::json certificate(const nlohmann::json& request) const;
  nlohmann::json flush(const nlohmann::json& request);
  nlohmann::json remove(const nlohmann::json& request);
  nlohmann::json establish(Client client, const nlohmann::json& request, bool& answered);
  nlohmann::json connect(Client client, const nlohmann::json& request, bool& answered);
  nlohmann::json disconnect(const nlohmann::json& request);
  nlohmann::json logout(const nlohmann::json& request);
  nlohmann::json explain(const nlohmann::json& request) const;
  nlohmann::json begin(Client client, bool wait, Waiter waiter, const ike::Event& event, bool& answered);
  void reply(Client client, const nlohmann::json& reply);
  void finish(Client client, const nlohmann::json& reply);
  template <typename Which>
  std::vector<Client> waiters(Which which) const;
  template <typename Which>
  void give_up(Which which);
  void end_waiting(const ike::Told& told, const nlohmann::json& event);
  void publish(const nlohmann::json& event);
  std::size_t sas_with(const std::optional<net::Address>& remote) const;
  Time now() const { return hands_.clock().at; }

  Hands hands_;
  ike::Explanations explanations_;
  std::map<Client, Waiter> waiting_;
  std::set<Client> following_;
};

}  // namespace testudo::app
