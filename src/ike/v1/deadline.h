#pragma once
// When an ISAKMP SA, with all that is under it, has something to do by itself.  Pure.
#include "ike/v1/sa.h"

namespace testudo::ike::v1 {

/// The first time at which Exchanges::tick() changes it; nothing: none runs, as of one that is Dead.
std::optional<Time> deadline_of(const IkeSa& sa);

/// Of XAUTH alone: when a delayed password is judged, or a client gives up waiting for the question.
std::optional<Time> login_deadline(const IkeSa& sa);

/// Keepalives keep the mapping of a NAT for it.
inline bool keeps_mapping(const IkeSa& sa) {
  return sa.state != State::Dead && sa.nat.here && sa.nat.floated;
}

}  // namespace testudo::ike::v1
