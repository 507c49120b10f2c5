#include "app/racoon/operator.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/racoon/link_names.h"
#include "base/hex.h"
#include "ike/selector_id.h"
#include "io/socket_address.h"

namespace testudo::app {
namespace {

using nlohmann::json;

/// Longer than any negotiation can take.
constexpr std::chrono::minutes kLongestWait{10};

json failure(const std::string& words) {
  return {{"ok", false}, {"error", words}};
}

std::string text_of(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

bool is_set(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::optional<net::Address> address_of(const json& object, const char* member) {
  return net::Address::parse(text_of(object, member));
}

std::string ended(const net::Endpoint& at) {
  return io::with_link_name(at.address) + "[" + std::to_string(at.port) + "]";
}

/// {"src": "10.0.1.0/24", "dst": …, "src_port": 0, "dst_port": 0, "protocol": "any"}
Result<net::Selector, std::string> selector_of(const json& request) {
  const auto source = net::Prefix::parse(text_of(request, "src"));
  const auto destination = net::Prefix::parse(text_of(request, "dst"));
  if (!source || !destination) return Failure{std::string{"src and dst must be prefixes such as 10.0.1.0/24"}};
  net::Selector selector{*source, *destination};
  const std::string word = text_of(request, "protocol");
  const auto protocol = word.empty() ? std::optional{net::protocol::kAny} : net::protocol_number(word);
  if (!protocol) return Failure{"unknown protocol " + word};
  selector.protocol = *protocol;
  const auto port = [&](const char* member) {
    const auto found = request.find(member);
    const bool fits = found != request.end() && found->is_number_unsigned() && found->get<std::uint64_t>() < 65536;
    return fits ? found->get<std::uint16_t>() : std::uint16_t{0};
  };
  selector.source_port = port("src_port");
  selector.destination_port = port("dst_port");
  return selector;
}

std::optional<ike::ChildProtocol> protocol_of(const std::string& word) {
  if (word == "esp") return ike::ChildProtocol::Esp;
  if (word == "ah") return ike::ChildProtocol::Ah;
  if (word == "ipcomp") return ike::ChildProtocol::Ipcomp;
  return std::nullopt;
}

/// racoon's numbers of a phase 1: 0 to 9.
int state_number(const ike::v1::IkeSa& sa) {
  using enum ike::v1::State;
  const bool responder = sa.role == ike::Role::Responder;
  switch (sa.state) {
    case Idle:
      return 1;
    case SaSent:
      return responder ? 2 : 3;
    case KeSent:
      return responder ? 4 : 5;
    case IdSent:
      return responder ? 6 : 7;
    case Established:
      return 9;
    case Dead:
      return 11;
  }
  return 0;
}

/// racoonctl's letter of a mode.
const char* letter_of(wire::ike::v1::Exchange mode) {
  using enum wire::ike::v1::Exchange;
  return mode == Aggressive ? "A" : mode == Base ? "B" : "M";
}

struct EventName {
  const char *event, *text;
};

/// racoonctl's words.
std::optional<EventName> event_of(const ike::Told& told) {
  using enum ike::Fact;
  switch (told.fact) {
    case Phase1Established:
      return EventName{"phase1-up", "Phase 1 established"};
    case Phase1Deleted:
    case Phase1Expired:
      return EventName{"phase1-down", "Phase 1 deleted"};
    case Phase1TimedOut:
      return EventName{"phase1-no-response", "Phase 1 error: peer not responding"};
    case LoggedIn:
      return EventName{"login-passed", "Phase 1 Xauth succeeded"};
    case LoginFailed:
      return EventName{"login-failed", "Phase 1 Xauth failed"};
    case Configured:
      return EventName{"configured", "Phase 1 mode configuration done"};
    case ConfigurationFailed:
      return EventName{"configuration-failed", "Phase 1 mode configuration failed"};
    case Phase1Ready:  // for who waits alone
      return EventName{"phase1-up", "Phase 1 established"};
    case PeerDead:
      return EventName{"phase1-dead", "Phase 1 error: dead peer detected"};
    case Phase2Established:
      return EventName{"phase2-up", "Phase 2 established"};
    case Phase2Deleted:
      return EventName{"phase2-down", "Phase 2 deleted"};
    case Phase2TimedOut:
      return EventName{"phase2-no-response", "Phase 2 error: no response"};
    default:
      return std::nullopt;
  }
}

EventName event_of(const ike::Refusal& refusal) {
  using enum wire::ike::v1::Notify;
  if (refusal.phase == 2) return {"phase2-failed", "Phase 2 error: negotiation failed"};
  if (refusal.why.attribute == "answer") return {"phase1-no-response", "Phase 1 error: peer not responding"};
  if (refusal.why.notify == NoProposalChosen) return {"phase1-no-proposal", "Phase 1 error: no proposal chosen"};
  const auto number = static_cast<std::uint16_t>(refusal.why.notify);
  if (number >= static_cast<std::uint16_t>(InvalidKeyInformation) &&
      number <= static_cast<std::uint16_t>(InvalidSignature)) {
    return {"phase1-auth-failed", "Phase 1 error: authentication failed (bad certificate?)"};
  }
  return {"phase1-failed", "Phase 1 error: negotiation failed"};
}

/// Rows from "from" on, so many that a packet holds them; "next" says where the rest begins.
class Page {
 public:
  explicit Page(const json& request) {
    const auto found = request.find("from");
    if (found != request.end() && found->is_number_unsigned()) from_ = found->get<std::uint64_t>();
  }
  template <typename Make>
  void add(Make make) {
    if (seen_++ >= from_ && rows_.size() < kMost) rows_.push_back(make());
  }
  json reply(const char* name) {
    json answer{{"ok", true}, {name, std::move(rows_)}};
    if (seen_ > from_ && seen_ - from_ > kMost) answer["next"] = from_ + kMost;
    return answer;
  }

 private:
  static constexpr std::uint64_t kMost = 200;  ///< rows, which go into a socket's queue at once
  std::uint64_t from_ = 0, seen_ = 0;
  json rows_ = json::array();
};

json entry_json(const ike::Explanations::Entry& entry) {
  const ike::Refusal& r = entry.refusal;
  json object{{"id", entry.id},
              {"first", entry.first},
              {"last", entry.last},
              {"times", entry.times},
              {"phase", r.phase},
              {"exchange", wire::ike::v1::name_of(r.exchange)},
              {"message", r.message},
              {"role", r.role == ike::Role::Initiator ? "initiator" : "responder"},
              {"local", ended(r.local)},
              {"remote", ended(r.remote)},
              {"peer", io::with_link_name(r.remote.address)},
              {"attribute", r.why.attribute},
              {"verdict", r.why.verdict},
              {"ours", r.why.ours},
              {"theirs", r.why.theirs},
              {"nearest", r.why.nearest},
              {"change", r.why.hint},
              {"notify", wire::ike::v1::name_of(r.why.notify)},
              {"hearsay", r.hearsay},
              {"sentence", sentence_of(r)}};
  if (r.networks) object["networks"] = ike::to_string(*r.networks);
  return object;
}

}  // namespace

void Operator::reply(Client client, const json& reply) {
  // What peers say may hold any bytes.
  hands_.send(client, reply.dump(-1, ' ', false, json::error_handler_t::replace));
}

void Operator::request(Client client, std::string_view text) {
  const json request = json::parse(text, nullptr, false);
  if (!request.is_object()) return reply(client, failure("the request is no JSON object"));
  bool answered = true;
  const json answer = act(client, request, answered);
  if (answered) reply(client, answer);
}

json Operator::act(Client client, const json& request, bool& answered) {
  const std::string command = text_of(request, "cmd");
  if (command == "reload-config") return reload();
  if (command == "show-schedule") return schedule(request);
  if (command == "show-sa") return phase1_sas(request);
  if (command == "get-cert") return certificate(request);
  if (command == "flush-sa") return flush(request);
  if (command == "delete-sa") return remove(request);
  if (command == "establish-sa") return establish(client, request, answered);
  if (command == "connect") return connect(client, request, answered);
  if (command == "disconnect") return disconnect(request);
  if (command == "logout-user") return logout(request);
  if (command == "explain") return explain(request);
  if (command == "show-event") {
    following_.insert(client);
    return {{"ok", true}, {"follows", true}};
  }
  return failure("unknown command \"" + command.substr(0, 40) + "\"");
}

void Operator::gone(Client client) {
  waiting_.erase(client);
  following_.erase(client);
}

json Operator::reload() {
  const auto complaints = hands_.reload();
  if (complaints.empty()) return {{"ok", true}};
  json answer = failure("the configuration has errors; the one in use stays");
  answer["complaints"] = complaints;
  return answer;
}

json Operator::schedule(const json& request) const {
  const WallReference clock = hands_.clock();
  Page page{request};
  const auto add = [&](std::optional<Time> when, Time created, const std::string& what) {
    if (!when) return;
    page.add([&]() -> json {
      return {{"in", std::chrono::floor<std::chrono::seconds>(*when - clock.at).count()},
              {"at", clock.to_unix(*when)},
              {"created", clock.to_unix(created)},
              {"what", what}};
    });
  };
  for (const auto& [cookie, sa] : hands_.machine().v1().sas()) {
    const std::string peer = " with " + ended(sa->remote);
    add(sa->sent.deadline(), sa->created, "say a message of phase 1" + peer + " again");
    if (sa->established()) add(sa->expires, sa->created, "end phase 1" + peer);
    add(sa->rekey, sa->created, "renew phase 1" + peer);
    add(sa->liveness.next, sa->created, "ask whether the peer lives:" + peer);
    for (const auto& waiting : sa->waiting) {
      add(waiting.until, sa->created, "give up " + ike::to_string(waiting.request.outbound));
    }
    for (const auto& quick : sa->quicks) {
      add(quick.sent.deadline(), sa->created, "say a message of phase 2" + peer + " again");
      add(quick.deadline, sa->created, "forget the exchange of " + ike::to_string(quick.request.outbound));
    }
  }
  return page.reply("timers");
}

json Operator::phase1_sas(const json& request) const {
  const WallReference clock = hands_.clock();
  const auto& v1 = hands_.machine().v1();
  const auto row = [&](const ike::v1::IkeSa* sa) -> json {
    return {{"local", io::with_link_name(sa->local.address)},
            {"local_port", sa->local.port},
            {"remote", io::with_link_name(sa->remote.address)},
            {"remote_port", sa->remote.port},
            {"initiator_cookie", sa->cookies.initiator},
            {"responder_cookie", sa->cookies.responder},
            {"state", state_number(*sa)},
            {"established", sa->established()},
            {"side", sa->role == ike::Role::Initiator ? "I" : "R"},
            {"version", 16},
            {"exchange", letter_of(sa->mode)},
            {"created", clock.to_unix(sa->created)},
            {"block", sa->block->name},
            {"peer", sa->established() ? sa->peer.to_string() : ""},
            {"user", sa->login.state == ike::v1::Login::State::Passed ? sa->login.user : ""},
            {"phase2", std::ranges::count(v1.children(), sa->cookies, &ike::v1::Child::cookies)}};
  };
  Page page{request};
  for (const auto& entry : v1.sas()) page.add([&] { return row(entry.second.get()); });
  return page.reply("sas");
}

json Operator::certificate(const json& request) const {
  const auto local = address_of(request, "src"), remote = address_of(request, "dst");
  for (const auto& [cookie, sa] : hands_.machine().v1().sas()) {
    const bool between = sa->local.address == local && sa->remote.address == remote;
    if (!between || !sa->established() || sa->peer_certificate.empty()) continue;
    return {{"ok", true}, {"certificate", to_hex(Bytes{sa->peer_certificate})}};
  }
  return failure("no phase 1 between these addresses was proved by a certificate");
}

json Operator::flush(const json& request) {
  const std::string what = text_of(request, "what");
  if (what == "isakmp") {
    const std::size_t count = sas_with(std::nullopt);
    give_up([](const Waiter&) { return true; });
    hands_.happen(ike::Disconnect{{}, {}, true, false, {}});
    return {{"ok", true}, {"count", count}};
  }
  const auto protocol = protocol_of(what);
  if (!protocol && what != "ipsec") return failure("flush-sa takes isakmp, esp, ah, ipcomp or ipsec");
  hands_.happen(ike::Flushed{protocol});
  hands_.flush(protocol);
  return {{"ok", true}};
}

std::size_t Operator::sas_with(const std::optional<net::Address>& remote) const {
  const auto& sas = hands_.machine().v1().sas();
  return static_cast<std::size_t>(std::ranges::count_if(
      sas, [&](const auto& entry) { return !remote || entry.second->remote.address == *remote; }));
}

json Operator::remove(const json& request) {
  const auto& v1 = hands_.machine().v1();
  if (text_of(request, "what") == "isakmp") {
    const auto local = address_of(request, "src"), remote = address_of(request, "dst");
    if (!local || !remote) return failure("delete-sa isakmp takes two addresses");
    const std::size_t before = v1.sas().size();
    hands_.happen(ike::Disconnect{local, remote, true, false, {}});
    const std::size_t count = before - std::min(before, hands_.machine().v1().sas().size());
    return count == 0 ? failure("no phase 1 between these addresses") : json{{"ok", true}, {"count", count}};
  }
  const auto selector = selector_of(request);
  if (!selector) return failure(selector.error());
  const std::size_t before = v1.children().size();
  hands_.happen(ike::Disconnect{{}, {}, false, true, *selector});
  const std::size_t count = before - std::min(before, hands_.machine().v1().children().size());
  if (count == 0) return failure("no SAs of racoon are for " + ike::to_string(*selector));
  return {{"ok", true}, {"count", count}};
}

json Operator::begin(Client client, bool wait, Waiter waiter, const ike::Event& event, bool& answered) {
  waiter.until = now() + kLongestWait;
  waiting_.insert_or_assign(client, std::move(waiter));
  hands_.happen(event);
  // What ends at once is told at once.
  if (wait || !waiting_.contains(client)) {
    answered = false;
    return {};
  }
  waiting_.erase(client);
  return {{"ok", true}};
}

json Operator::establish(Client client, const json& request, bool& answered) {
  if (text_of(request, "what") == "isakmp") return connect(client, request, answered);
  for (const auto& [member, option] : {std::pair{"user", "-u"}, std::pair{"block", "-n"}}) {
    if (!text_of(request, member).empty()) {
      return failure(std::string{option} + " is for vpn-connect and establish-sa isakmp");
    }
  }
  const auto selector = selector_of(request);
  if (!selector) return failure(selector.error());
  auto wanted = hands_.request_of(*selector);
  if (!wanted) return failure(wanted.error());
  const auto same = [&](const ike::v1::Child& child) { return child.request.outbound == wanted->outbound; };
  if (std::ranges::any_of(hands_.machine().v1().children(), same)) {
    return {{"ok", true}, {"already", true}, {"text", "Phase 2 established"}};
  }
  Waiter waiter{wanted->remote, wanted->outbound};
  return begin(client, is_set(request, "wait"), std::move(waiter), ike::Wanted{*std::move(wanted)}, answered);
}

json Operator::connect(Client client, const json& request, bool& answered) {
  const auto local = address_of(request, "src"), remote = address_of(request, "dst");
  if (!local || !remote) return failure("a local and a remote address are needed");
  const auto there = [&](const auto& entry) {
    return entry.second->ready() && entry.second->remote.address == *remote;
  };
  if (std::ranges::any_of(hands_.machine().v1().sas(), there)) {
    return {{"ok", true}, {"already", true}, {"text", "Phase 1 established"}};
  }
  std::shared_ptr<ike::UserPassword> login;
  if (const std::string user = text_of(request, "user"); !user.empty()) {
    login = std::make_shared<ike::UserPassword>();
    login->user = user;
    login->password = Secret{as_bytes(text_of(request, "password"))};
  }
  return begin(client, is_set(request, "wait"), Waiter{*remote, {}},
               ike::Connect{*local, *remote, std::move(login), text_of(request, "block")}, answered);
}

json Operator::disconnect(const json& request) {
  const auto remote = address_of(request, "dst");
  if (!remote) return failure("the address of a gateway is needed");
  const std::size_t count = sas_with(remote);
  give_up([&](const Waiter& w) { return w.remote == *remote; });
  hands_.happen(ike::Disconnect{{}, remote, true, true, {}});
  return {{"ok", true}, {"count", count}};
}

json Operator::logout(const json& request) {
  const std::string user = text_of(request, "user");
  const auto has = [&](const auto& entry) {
    return entry.second->login.state == ike::v1::Login::State::Passed && entry.second->login.user == user;
  };
  const auto& v1 = hands_.machine().v1();
  const auto count =
      std::ranges::count_if(v1.sas(), has) + std::ranges::count(v1.children(), user, &ike::v1::Child::user);
  if (user.empty() || count == 0) return failure("nobody is logged in as \"" + user.substr(0, 40) + "\"");
  hands_.happen(ike::Logout{user});
  return {{"ok", true}, {"count", count}};
}

json Operator::explain(const json& request) const {
  const std::string peer = text_of(request, "peer");
  Page page{request};
  for (const auto& entry : explanations_.entries()) {
    if (peer.empty() || entry.refusal.remote.address.to_string() == peer) page.add([&] { return entry_json(entry); });
  }
  return page.reply("explanations");
}

// ---- what the machine tells

template <typename Which>
std::vector<Operator::Client> Operator::waiters(Which which) const {
  std::vector<Client> all;
  for (const auto& [client, waiter] : waiting_) {
    if (which(waiter)) all.push_back(client);
  }
  return all;
}

void Operator::finish(Client client, const json& answer) {
  waiting_.erase(client);
  reply(client, answer);
}

void Operator::publish(const json& event) {
  // A client that does not keep up is dropped while it is being sent to.
  const std::vector<Client> all{following_.begin(), following_.end()};
  for (const Client client : all) reply(client, event);
}

void Operator::told(const ike::Told& told) {
  const auto name = event_of(told);
  if (!name) return;
  json event{{"ok", true},
             {"event", name->event},
             {"text", name->text},
             {"src", ended(told.local)},
             {"dst", ended(told.remote)},
             {"detail", told.text}};
  for (const auto& [variable, value] : told.variables) event["variables"][variable] = value;
  if (!told.by_stranger && told.fact != ike::Fact::Phase1Ready) publish(event);
  end_waiting(told, event);
}

/// Phase 1 ends in vain when its time is up and not before: what came until then may be somebody else's lie.
void Operator::end_waiting(const ike::Told& told, const json& event) {
  using enum ike::Fact;
  const bool here = !told.by_stranger;
  const auto same_peer = [&](const Waiter& w) { return w.remote == told.remote.address; };
  const auto same_networks = [&](const Waiter& w) { return w.networks && w.networks == told.networks; };
  std::vector<Client> concerned;
  if (told.fact == Phase1Ready) {
    concerned = waiters([&](const Waiter& w) { return !w.networks && same_peer(w); });
  } else if ((told.fact == Phase1TimedOut && here) || told.fact == LoginFailed || told.fact == ConfigurationFailed) {
    concerned = waiters(same_peer);
  } else if (told.fact == Phase2Established || told.fact == Phase2TimedOut) {
    concerned = waiters(same_networks);
  }
  const bool up = told.fact == Phase1Ready || told.fact == Phase2Established;
  for (const Client client : concerned) {
    json answer = event;
    if (!up) {
      const std::string heard = waiting_.at(client).heard;
      answer["ok"] = false;
      answer["error"] = heard.empty() ? text_of(event, "text") + ": " + told.text : heard;
    }
    finish(client, answer);
  }
}

template <typename Which>
void Operator::give_up(Which which) {
  for (const Client client : waiters(which)) finish(client, failure("an administrator ended it"));
}

void Operator::refused(const ike::Refusal& refusal) {
  explanations_.add(refusal, hands_.clock().to_unix(now()));
  const std::string sentence = sentence_of(refusal);
  const EventName name = event_of(refusal);
  if (!refusal.hearsay && !refusal.by_stranger()) {
    publish({{"ok", true},
             {"event", name.event},
             {"text", name.text},
             {"src", ended(refusal.local)},
             {"dst", ended(refusal.remote)},
             {"detail", sentence}});
  }
  if (refusal.role != ike::Role::Initiator) return;
  const auto concerned = waiters([&](const Waiter& w) {
    return refusal.phase == 1 ? w.remote == refusal.remote.address : w.networks && w.networks == refusal.networks;
  });
  const bool never_began = refusal.message < 2;  // message 1 is ours
  for (const Client client : concerned) {
    if (refusal.phase == 2 || never_began) {
      finish(client, failure(sentence));
      continue;
    }
    const bool news = waiting_.at(client).heard.empty();
    waiting_.at(client).heard = sentence;
    if (news) reply(client, {{"ok", true}, {"interim", sentence}});
  }
}

void Operator::tick() {
  for (const Client client : waiters([&](const Waiter& w) { return now() >= w.until; })) {
    finish(client, failure("it takes too long"));
  }
}

}  // namespace testudo::app
