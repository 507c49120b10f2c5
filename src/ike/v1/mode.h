#pragma once
// The modes of phase 1 as tables: which message an SA awaits, who handles it, what comes of it.  main_mode.h,
// aggressive_mode.h and base_mode.h fill them; exchanges.h drives them.  RFC 2409 section 5.  Pure.
//
// A handler that fails leaves nothing behind that the right message, when it comes, would not overwrite: nobody can end
// a negotiation by sending a wrong one.
#include <array>
#include <span>

#include "base/random.h"
#include "base/result.h"
#include "ike/budget.h"
#include "ike/ports.h"
#include "ike/v1/sa.h"
#include "wire/ike/v1/chain.h"

namespace testudo::ike::v1 {

using Reply = Result<v1wire::ChainWriter, Mismatch>;

struct Environment {
  Time now{};
  Random& random;
  const KeyStore& keys;
  Budget& strangers;            ///< of the work for who has not even shown its address
  net::Endpoint local, remote;  ///< of the message
  bool first_contact = false;   ///< no other SA with this peer: say INITIAL-CONTACT
};

enum class Cover : std::uint8_t { Clear, Encrypted, Either };

/// One message: its handler gives the answer, an empty one when there is none.
struct Edge {
  Role role;
  State from, to;
  int message;
  Cover cover;  ///< of the message
  bool seals;   ///< whether the answer is encrypted
  Reply (*handler)(IkeSa&, const v1wire::Chain&, Environment&);
};

struct Mode {
  v1wire::Exchange exchange;
  std::string_view word;  ///< of exchange_mode
  std::span<const Edge> edges;
  Reply (*start)(IkeSa&, Environment&);  ///< message 1
};

/// Null for what is no mode of phase 1.
const Mode* mode_of(v1wire::Exchange exchange);

/// Null when no message is awaited.
const Edge* edge_of(const Mode& mode, Role role, State state);
const Edge* next_edge(const IkeSa& sa);

/// No two rows for one (role, state): order can never matter.
constexpr bool is_deterministic(std::span<const Edge> edges) {
  for (std::size_t i = 0; i < edges.size(); ++i) {
    for (std::size_t j = i + 1; j < edges.size(); ++j) {
      if (edges[i].role == edges[j].role && edges[i].from == edges[j].from) return false;
    }
  }
  return true;
}

}  // namespace testudo::ike::v1
