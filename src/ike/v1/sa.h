#pragma once
// An ISAKMP SA (phase 1) of IKEv1 and the exchanges under it, as data.  RFC 2408 section 4.3, RFC 2409 section 5.  What
// changes it: the modes of mode.h, quick_mode.h and informational.cc, driven by exchanges.h.
#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "crypto/ike/key_exchange.h"
#include "ike/child.h"
#include "ike/event.h"
#include "ike/keys/v1.h"
#include "ike/negotiate/phase2.h"
#include "ike/policy.h"
#include "ike/refusal.h"
#include "ike/sa/retransmission.h"
#include "ike/v1/fragments.h"
#include "ike/v1/workbench.h"

namespace testudo::ike::v1 {

enum class State : std::uint8_t { Idle, SaSent, KeSent, IdSent, Established, Dead };

/// Digests of the messages seen, so that a repeated one is answered again, or ignored, instead of being worked on.
class Seen {
 public:
  bool is_answered(Bytes digest) const { return answered_ && std::ranges::equal(*answered_, digest); }
  bool is_old(Bytes digest) const { return old_.contains(ByteVector(digest.begin(), digest.end())); }
  /// The message that the last one sent answers.
  void answer(ByteVector digest) {
    if (answered_) ignore(*std::move(answered_));
    answered_ = std::move(digest);
  }
  void ignore(ByteVector digest) {
    // Anybody can send messages that are ignored.
    if (old_.size() >= kMost) old_.clear();
    old_.insert(std::move(digest));
  }

 private:
  static constexpr std::size_t kMost = 16;
  std::optional<ByteVector> answered_;
  std::set<ByteVector> old_;
};

/// One side's contribution to phase 1: what the hashes are made of.
struct Contribution {
  ByteVector public_value, nonce, id_body;
};

/// A datagram that waits until work is done.
struct Held {
  net::Endpoint local, remote;
  ByteVector bytes;
  bool floated = false;

  Received view() const { return {local, remote, bytes, floated}; }
};

inline Held held_of(const Received& datagram) {
  return {datagram.local, datagram.remote, {datagram.bytes.begin(), datagram.bytes.end()}, datagram.floated};
}

/// A quick mode, or any child that is being negotiated.
struct Quick {
  enum class State : std::uint8_t { SpisWanted, OfferSent, PolicyWanted, AnswerSpisWanted, AnswerSent, Done };

  ChildId id;
  Role role = Role::Initiator;
  State state = State::SpisWanted;
  std::uint32_t message_id = 0;
  ChildRequest request;
  bool generates = false;  ///< the policy for it is made here
  const Sainfo* sainfo = nullptr;
  ByteVector iv;
  ByteVector nonce_i, nonce_r;
  ByteVector peer_value;  ///< of KE; empty without PFS
  std::vector<Spi> spis;  ///< ours, in the order of the request's items
  std::size_t spis_missing = 0;
  Workbench work;
  std::optional<Held> parked;  ///< what is worked on; nothing: our own message
  std::shared_ptr<const crypto::ike::KeyExchange> key_exchange;
  Secret shared;  ///< g(qm)^xy
  negotiate::Phase2Choice choice;
  std::optional<net::Address> original_i, original_r;  ///< of NAT-OA
  ByteVector id_i, id_r;                               ///< bodies of IDci and IDcr; empty when none were sent
  Retransmission sent;
  Seen seen;
  Time deadline{};
  std::optional<Time> out_due{};  ///< Done, but what goes out is not installed before then
};

/// A transaction exchange, begun by either side.
struct Transaction {
  enum class Purpose : std::uint8_t { Answer, Login, Verdict, Configuration };
  Purpose purpose = Purpose::Answer;
  std::uint32_t message_id = 0;
  std::uint16_t identifier = 0;
  ByteVector iv;
  Retransmission sent;
  Seen seen;
  Time deadline{};  ///< of an answer: until then it is said again
};

/// XAUTH under a phase 1.
struct Login {
  enum class State : std::uint8_t { NotNeeded, Awaited, Delayed, Judged, Failed, Passed };
  State state = State::NotNeeded;
  LoginId id;                                 ///< server: of the question that is Judged
  std::string user;                           ///< as it was given, and when Passed who it is
  Secret password;                            ///< server: while Delayed
  std::shared_ptr<const UserPassword> given;  ///< client: instead of what the configuration says
  unsigned questions = 0;                     ///< client: that were answered
  Time until{};                               ///< client: Awaited; server: Delayed
  /// Server: what who judged it gives to the client, and wants to see again in accounting.
  std::optional<net::Address> address, netmask;
  ByteVector token;

  bool done() const { return state == State::NotNeeded || state == State::Passed; }
};

/// What a phase 1 is made for.
struct Waiting {
  ChildRequest request;
  Time until{};
};

struct NatVersion;
/// What phase 1 found out about NATs.
struct NatState {
  const NatVersion* version = nullptr;  ///< that both speak
  bool here = false, there = false;     ///< who is behind one
  bool floated = false;                 ///< messages go by the port of NAT-T, ESP in UDP

  bool found() const { return here || there; }
};

/// Dead peer detection, RFC 3706: who asks, after how long without a proven message.
struct Liveness {
  bool peer_answers = false;  ///< it sent the vendor id
  std::uint32_t sequence = 0;
  unsigned unanswered = 0;
  std::optional<Time> next;
};

struct IkeSa {
  Role role = Role::Initiator;
  v1wire::Exchange mode = v1wire::Exchange::Main;
  State state = State::Idle;
  keys::Cookies cookies;
  net::Endpoint local, remote;
  NatState nat;
  Liveness liveness;
  bool sends_fragments = false;  ///< of what one datagram may not carry
  Reassembly fragments;
  std::shared_ptr<const Policy> policy;
  const Remote* block = nullptr;  ///< of policy

  Phase1Transform agreed;
  ByteVector sa_body;  ///< SAi_b
  Contribution initiator, responder;
  Workbench work;              ///< of phase 1
  std::optional<Held> parked;  ///< what is worked on; nothing: our own first message
  std::deque<Held> held;       ///< what came behind it, in its order
  std::shared_ptr<const crypto::ike::KeyExchange> key_exchange;
  keys::Skeyid skeyid;
  Secret cipher_key;
  ByteVector iv;                 ///< of phase 1; its last value starts those of phase 2
  Identity peer;                 ///< believed when established
  ByteVector peer_certificate;   ///< DER; nothing: it proved itself by something else
  bool has_key_of_name = false;  ///< its pre-shared key stands under `peer`, not under the address

  Retransmission sent;
  Seen seen;
  Time created{}, expires{};
  std::optional<Time> rekey;    ///< when to begin the next one
  std::optional<Refusal> told;  ///< what the peer said in clear; its authenticity is unknown

  std::set<std::uint32_t> message_ids;  ///< that were used under this SA
  std::vector<Quick> quicks;
  std::vector<Transaction> transactions;
  Login login;
  bool initial_contact = false;  ///< the peer said so, and is believed when it is ready
  bool announced = false;        ///< phase1_up was run
  bool accounted = false;        ///< a session of accounting lasts as long as this
  bool configuring = false;      ///< client: mode-config has not answered
  std::optional<unsigned> lent;  ///< server: the place of its address in the pool
  Assignment assignment;         ///< either: what the client has
  std::vector<Waiting> waiting;
  unsigned wrong_messages = 0;  ///< that came before it was established
  unsigned repeats = 0;         ///< of an answer, to who has not shown that it got one

  std::optional<Time> due;         ///< SaTable's: as what it stands in the order of deadlines
  std::optional<Time> paused_for;  ///< before then no phase 2 is begun: see on_ready()
  std::optional<Time> moved;       ///< when its NAT last had another port for it

  /// Work for it is under way, in whichever phase.
  bool is_busy() const {
    return work.is_under_way() ||
           std::ranges::any_of(quicks, [](const Quick& quick) { return quick.work.is_under_way(); });
  }
  bool established() const { return state == State::Established; }
  /// That of the peer's host inside: what it was lent here, else where it is.
  const net::Address& client_address() const {
    return lent && assignment.address ? *assignment.address : remote.address;
  }
  /// Phase 2 may begin.
  bool ready() const { return established() && login.done() && !configuring; }
  const Contribution& own() const { return role == Role::Initiator ? initiator : responder; }
  Contribution& own() { return role == Role::Initiator ? initiator : responder; }
  Contribution& theirs() { return role == Role::Initiator ? responder : initiator; }
};

/// When the peer goes on all the same, message 3 of aggressive mode was lost: who sees message 2 again says it again.
inline bool awaits_lost_proof(const IkeSa& sa) {
  return sa.role == Role::Responder && sa.mode == v1wire::Exchange::Aggressive && sa.state == State::SaSent;
}

}  // namespace testudo::ike::v1
