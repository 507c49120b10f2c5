#pragma once
// Why a negotiation failed, as an object: which phase, message and attribute, what either side wanted, the nearest that
// would do, and what to change where.  Log lines, `racoonctl explain` and JSON are views of it.  Both sides make one:
// the one that refuses knows all; the other knows what it had sent and what it was told, and says whether that telling
// was protected (`hearsay`): nothing is torn down on hearsay.
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "net/flow.h"
#include "wire/ike/v1/constants.h"

namespace testudo::ike {

enum class Role : std::uint8_t { Initiator, Responder };

/// The part that the negotiation itself can fill in.
struct Mismatch {
  std::string attribute;  ///< "encryption algorithm", "pre-shared key", "networks", …
  std::string ours, theirs;
  std::string nearest;  ///< theirs that differs least, or "" when there was nothing to compare
  std::string hint;     ///< what to change and on which side
  wire::ike::v1::Notify notify{};
  std::string_view verdict = "does not match";  ///< behind the attribute
};

struct Refusal {
  net::Endpoint local, remote;
  Role role = Role::Initiator;
  int phase = 1;
  wire::ike::v1::Exchange exchange = wire::ike::v1::Exchange::None;
  int message = 0;  ///< of the exchange, from 1
  Mismatch why;
  bool hearsay = false;
  std::optional<net::Selector> networks{};  ///< of phase 2, as our policy names them, once they are known

  /// Anybody can make it happen, as often as they like: nothing has proved who the peer is.
  bool by_stranger() const { return phase == 1 && role == Role::Responder; }
};

/// What a peer that has proved who it is may read of it: the attribute and what both sides want, in printable ASCII,
/// and short; of our networks nothing.
std::string reason_for_peer(const Mismatch& why);
/// The same as it arrives; "" when there is none, or it is not of that form.
std::string reason_of_peer(Bytes text);

/// One clear sentence, without a line break, whatever the peer put into its strings.
std::string sentence(const Refusal& refusal);

}  // namespace testudo::ike
