#pragma once
// All IKEv1 exchanges of one daemon: finds the SA of a message, drives phase 1, quick mode and informational
// exchanges, repeats what got no answer and forgets what came to nothing.  RFC 2408 section 5 and RFC 2409.  Pure:
// time, randomness and events come in, actions go out.  Nothing that arrives unprotected ends a negotiation that we
// began.  Those that others began are limited in number, for each source and in all: who has not shown that it gets our
// answers makes room for who comes next.  One thread.
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "ike/event.h"
#include "ike/pool.h"
#include "ike/ports.h"
#include "ike/sessions.h"
#include "ike/throttle.h"
#include "ike/v1/child_table.h"
#include "ike/v1/fragments.h"
#include "ike/v1/generated.h"
#include "ike/v1/mode.h"
#include "ike/v1/sa_table.h"
#include "wire/ike/header.h"

namespace testudo::ike::v1 {

/// What one step is given, and where its actions go.
struct Context {
  Time now{};
  Random& random;
  Actions& out;
};

/// In clear, as an answer to that datagram; nothing without a type.  Never longer than what it answers.
void send_clear_notify(const Received& datagram, const keys::Cookies& cookies, v1wire::Notify type, Context& context);

class Exchanges {
 public:
  Exchanges(std::shared_ptr<const Policy> policy, const KeyStore& keys, const PolicyBase& policies, SlowWork slow_work);

  /// For what starts from now on; what exists keeps the policy that it was made under.
  void set_policy(std::shared_ptr<const Policy> policy) { policy_ = std::move(policy); }

  void receive(const Received& datagram, const wire::ike::Message& message, Context& context);
  void want(const ChildRequest& request, Context& context);
  void connect(const Connect& wish, Context& context);
  void disconnect(const Disconnect& wish, Context& context);
  void login_judged(const LoginJudged& event, Context& context);
  void computed(const Computed& event, Context& context);
  void logout(const Logout& wish, Context& context);
  void policy_made(const PolicyMade& event, Context& context);
  void policy_refused(const PolicyRefused& event, Context& context);
  void policy_added(const PolicyAdded& event, Context& context);
  void policy_gone(const PolicyGone& event, Context& context);
  void spi_allocated(const SpiAllocated& event, Context& context);
  void spi_refused(const SpiRefused& event, Context& context);
  void expired(const Expired& event, Context& context);
  void new_mapping(const NewMapping& event, Context& context);
  void install_refused(const InstallRefused& event, Context& context);
  void removed(const Removed& event, Context& context);
  void flushed(const Flushed& event, Context& context);
  void restarted(Context& context);
  void tick(Context& context);
  void shutdown(Context& context);
  /// Forgets what has ended; after every event.
  void reap(Context& context);

  std::optional<Time> next_deadline() const;
  const SaTable::ByCookie& sas() const { return sas_.all(); }
  const ChildTable::All& children() const { return children_.all(); }

 private:
  // exchanges.cc
  IkeSa* find(const wire::ike::Header& header, const net::Endpoint& remote) const;
  IkeSa* established_for(const ChildRequest& request) const;
  IkeSa* established_with(const Child& child) const;
  bool make_room(const net::Address& source, Context& context);
  void end(IkeSa& sa, Context& context);
  void retire(IkeSa& sa, std::string why, Context& context);
  bool is_used_up(IkeSa& sa, Context& context);
  void send(const IkeSa& sa, ByteVector bytes, Context& context);
  void send_again(IkeSa& sa, Context& context);
  void drop(const Received& datagram, std::string why, Context& context);
  void tell(Fact fact, const IkeSa& sa, std::string text, Context& context);
  void refuse(const IkeSa& sa, v1wire::Exchange exchange, int message, Mismatch why, Context& context);
  void tell_child(Fact fact, const IkeSa& sa, const net::Selector& networks, const std::string& more, Context& context);
  void refuse_child(const IkeSa& sa, const net::Selector& networks, int message, Mismatch why, Context& context);
  void hook(Hook::Event event, const IkeSa& sa, Context& context);
  void tick_sa(IkeSa& sa, Context& context);
  void tick_waiting(IkeSa& sa, Context& context);
  void tick_keepalives(Context& context);
  std::set<std::pair<net::Endpoint, net::Endpoint>> mappings() const;

  // fragmented.cc
  void fragment(IkeSa* sa, const Received& datagram, const wire::ike::Message& message, Context& context);
  const Remote* block_for_fragments(v1wire::Exchange exchange, const net::Address& peer) const;
  Reassembly& first_fragments(const net::Endpoint& remote, std::uint64_t cookie, Time now);

  // operator.cc
  /// By the block of that name; "": the best one.
  IkeSa* begin_phase1(const ChildRequest& request, std::string_view block, Context& context);

  // phase1.cc
  void phase1(IkeSa* sa, const Received& datagram, const wire::ike::Message& message, Context& context);
  void answer_first(const Mode& mode, const Received& datagram, const wire::ike::Message& message, Context& context);
  void answer_first_again(IkeSa& sa, const Received& datagram, const wire::ike::Message& message, Context& context);
  void take_first(IkeSa& sa, const Edge& edge, const v1wire::ChainWriter& reply, const Received& datagram,
                  Context& context);
  void step(IkeSa& sa, const Received& datagram, const wire::ike::Message& message, Context& context);
  void take(IkeSa& sa, const Edge& edge, const v1wire::ChainWriter& reply, bool initial_contact, Context& context);
  IkeSa* start_phase1(const Remote& block, const ChildRequest& request, Context& context);
  bool launch(IkeSa& sa, Context& context);
  void on_established(IkeSa& sa, bool initial_contact, Context& context);
  void on_ready(IkeSa& sa, Context& context);
  void begin_waiting(IkeSa& sa, Context& context);
  void limit_established(const IkeSa& newest, Context& context);
  void phase1_timed_out(IkeSa& sa, Context& context);
  void wrong_message(IkeSa& sa, int number, Mismatch why, Context& context);
  Environment environment(const IkeSa& sa, Context& context);

  // slow_work.cc
  void begin_work(const IkeSa& sa, Workbench& bench, Context& context);
  bool may_begin_work(const net::Address& source) const;
  bool park(IkeSa& sa, const Received& datagram, Context& context);
  void hold(IkeSa& sa, const Received& datagram, Context& context);
  void resume(IkeSa& sa, Context& context);
  void resume(IkeSa& sa, Quick& quick, Context& context);
  void release(IkeSa& sa, Context& context);

  // phase2.cc
  void quick_mode(IkeSa* sa, const Received& datagram, const wire::ike::Message& message, Context& context);
  void take_offer(IkeSa& sa, const Received& datagram, const wire::ike::Message& message, Context& context);
  void take_quick(IkeSa& sa, Quick& quick, const Received& datagram, const wire::ike::Message& message,
                  Context& context);
  void take_answer(IkeSa& sa, Quick& quick, Context& context);
  bool may_wait(const IkeSa& sa, const Quick& quick, const Context& context) const;
  void use(const IkeSa& sa, Quick& quick, Context& context);
  void use_instead_of(const Child& child, Context& context);
  void begin_quick(IkeSa& sa, const ChildRequest& request, Context& context);
  Quick* find(ChildId id, IkeSa*& sa) const;
  void keep(IkeSa& sa, Quick quick);
  void forget(IkeSa& sa, ChildId quick);
  void allocate_spis(const IkeSa& sa, Quick& quick, Context& context);
  void spis_complete(IkeSa& sa, Quick& quick, Context& context);
  void install(const IkeSa& sa, const Quick& quick, ChildSa::Direction direction, Context& context);
  void finish(IkeSa& sa, Quick& quick, Context& context);
  void tell_failure(IkeSa& sa, const Mismatch& why, Context& context);
  void fail_quick(IkeSa& sa, Quick& quick, Context& context);
  void end_quick(IkeSa& sa, Quick& quick, Context& context);
  void tick_quicks(IkeSa& sa, Context& context);

  // transactions.cc
  void transaction(IkeSa* sa, const Received& datagram, const wire::ike::Message& message, Context& context);
  void begin_transaction(IkeSa& sa, Transaction::Purpose purpose, v1wire::Configuration configuration,
                         Context& context);
  void answer(IkeSa& sa, Transaction transaction, v1wire::Configuration reply, Context& context);
  void take_transaction(IkeSa& sa, Transaction transaction, const v1wire::Configuration& said, Context& context);
  void take_reply(IkeSa& sa, Transaction::Purpose purpose, const v1wire::Configuration& said, Context& context);
  void transaction_timed_out(IkeSa& sa, Transaction::Purpose purpose, Context& context);
  void tick_transactions(IkeSa& sa, Context& context);

  // login.cc
  void begin_login(IkeSa& sa, Context& context);
  void answer_login(IkeSa& sa, Transaction transaction, const v1wire::Configuration& question, Context& context);
  void take_verdict(IkeSa& sa, const v1wire::Configuration& said, Context& context);
  void take_login(IkeSa& sa, const v1wire::Configuration& said, Context& context);
  void judge_login(IkeSa& sa, Context& context);
  void fail_login(IkeSa& sa, Mismatch why, Context& context);
  void give_up_login(IkeSa& sa, Mismatch why, Context& context);
  void tick_login(IkeSa& sa, Context& context);

  // configuring.cc
  void on_logged_in(IkeSa& sa, Context& context);
  void take_configuration(IkeSa& sa, const v1wire::Configuration& said, Context& context);
  void give_up_configuration(IkeSa& sa, Mismatch why, Context& context);
  void answer_configuration(IkeSa& sa, Transaction transaction, const v1wire::Configuration& question,
                            Context& context);
  void take_over(const IkeSa& sa, const net::Address& address, Context& context);
  std::optional<unsigned> claimed(const IkeSa& sa, const net::Address& address);
  bool is_lent_to_another(const IkeSa& sa, const Quick& quick) const;
  void give_back(IkeSa& sa, Context& context);
  void begin_session(IkeSa& sa, Context& context);
  void end_session(IkeSa& sa, Context& context);
  static void account(const IkeSa& sa, Account::What what, const Sessions::Session& session, Context& context);
  void announce(IkeSa& sa, Context& context);

  // mapping.cc
  void follow_peer(IkeSa& sa, const Received& datagram, Context& context);
  void move_peer(const Identity& peer, const net::Endpoint& was, const net::Endpoint& now, Context& context);
  void move_child(Child& child, const net::Endpoint& now, Context& context);

  // generated.cc
  Status<Mismatch> claim(const IkeSa& sa, Quick& quick) const;
  void make_policy(const IkeSa& sa, Quick& quick, Context& context);
  void drop_policies(Context& context);

  // informational.cc
  void informational(IkeSa* sa, const Received& datagram, const wire::ike::Message& message, Context& context);
  void early_word(IkeSa& sa, const Received& datagram, const wire::ike::Message& message, Context& context);
  void hearsay(IkeSa& sa, const v1wire::Chain& chain, bool proven, Context& context);
  void notified(IkeSa& sa, Bytes body, Context& context);
  void deleted(IkeSa& sa, Bytes body, Context& context);
  void deleted_in_clear(IkeSa& sa, const Received& datagram, const v1wire::Chain& chain, Context& context);
  void send_deletion(IkeSa& sa, ChildProtocol protocol, std::vector<ByteVector> spis, Context& context);
  void send_protected(IkeSa& sa, v1wire::Payload type, ByteVector body, Context& context);
  void forget_others(const IkeSa& sa, Context& context);
  void remove_child(const Child& child, Context& context);
  void end_children(const std::vector<Child*>& ended, const std::string& why, Context& context);
  std::vector<Child*> children_that(const std::function<bool(const Child&)>& which) const;
  void forget_children(const std::vector<Child*>& gone);

  // renewal.cc
  static Duration margin_of(const Child& child);
  bool is_outlived(const Child& child, const Context& context) const;
  void renew(const Child& child, Context& context);
  void tick_renewals(Context& context);

  // liveness.cc
  void heard(IkeSa& sa, Context& context);
  void acknowledged(IkeSa& sa, Bytes sequence, Context& context);
  void ask_whether_alive(IkeSa& sa, Context& context);
  void give_up_peer(IkeSa& sa, Context& context);
  void rekey_phase1(IkeSa& sa, Context& context);

  std::uint32_t fresh_message_id(IkeSa& sa, Context& context);

  std::shared_ptr<const Policy> policy_;
  const KeyStore& keys_;
  const PolicyBase& policies_;
  const SlowWork slow_work_;
  SaTable sas_;
  std::map<ChildId, std::uint64_t> quick_owners_;  ///< the cookie of ours under which each quick mode is
  std::set<ChildId> unused_;                       ///< quick modes with SAs to be installed: Quick::out_due
  std::set<ChildId> wanting_policies_;             ///< quick modes that wait for a policy to be made
  ChildTable children_;
  /// A policy of generate_policy, and whose it is.
  struct Generated {
    net::Selector outbound;
    Owner owner;
    net::Endpoint local, remote;
  };
  std::vector<Generated> generated_;
  std::vector<net::Selector> perhaps_unused_;  ///< what ended in this event
  struct FirstFragments {
    net::Endpoint remote;
    std::uint64_t cookie = 0;  ///< the initiator's
    Reassembly pieces;
  };
  std::vector<FirstFragments> first_fragments_;  ///< oldest first
  /// For whom; of an SA that has ended meanwhile, too.
  struct UnderWay {
    std::uint64_t cookie = 0;
    net::Address source;
  };
  std::map<WorkId, UnderWay> under_way_;
  std::uint32_t next_work_ = 1;
  std::uint32_t next_child_ = 1;
  std::uint32_t next_login_ = 1;
  AddressPool pool_;
  std::map<net::Address, std::string> given_;  ///< those of pool_ that came with a login, and who has them
  Sessions sessions_;
  Throttle throttle_;  ///< of wrong passwords
  Budget strangers_;
  Time last_keepalive_{};
};

}  // namespace testudo::ike::v1
