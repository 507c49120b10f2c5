#pragma once
// The ISAKMP SAs of one daemon, by what messages and wishes name them by: the cookie that is ours, the peer's address,
// the cookie of who began, and when they have something to do.  With thousands of peers neither a message nor a tick
// may cost a walk through all of them.  Owns them; decides nothing.  The address of an SA's peer never changes
// (mapping.cc), its port may.  Who changes an SA gets it from here and calls settle() afterwards: what was given out
// since is looked at again, and nothing else.
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "ike/v1/sa.h"

namespace testudo::ike::v1 {

class SaTable {
 public:
  using ByCookie = std::map<std::uint64_t, std::unique_ptr<IkeSa>>;  ///< by the cookie that is ours

  IkeSa& add(std::unique_ptr<IkeSa> sa);
  /// It is Dead from here on, and gone with the next reap(): who looks at it now may go on.
  void end(IkeSa& sa);
  /// Frees those that ended, and notes when the others that were given out are due; the end of each event.
  void settle();
  void clear();

  /// For looking at.
  const ByCookie& all() const { return all_; }
  /// For changing.
  std::vector<IkeSa*> every() const;
  /// Null when there is none.
  IkeSa* find(std::uint64_t own_cookie) const;
  /// The one that answered this first message.
  IkeSa* answer_to(std::uint64_t initiator_cookie, const net::Endpoint& remote) const;
  /// Those with a peer at this address, in the order of their cookies.
  std::vector<IkeSa*> with(const net::Address& peer) const;
  /// Those that others began and that are not established; for looking at.
  std::vector<const IkeSa*> half_open();
  /// As of the last settle(): the first time at which tick() has work, those that have it then, in the order of their
  /// cookies, and those whose mapping in a NAT is kept.
  std::optional<Time> next_deadline() const;
  std::vector<IkeSa*> due(Time now) const;
  const std::set<std::uint64_t>& with_mapping() const { return with_mapping_; }

 private:
  void forget(std::uint64_t own_cookie, IkeSa& sa);
  void note(std::uint64_t own_cookie, IkeSa& sa);
  IkeSa* give(std::uint64_t own_cookie) const;

  ByCookie all_;
  std::set<std::pair<net::Address, std::uint64_t>> by_peer_;    ///< with our cookie
  std::set<std::pair<std::uint64_t, std::uint64_t>> answered_;  ///< their cookie and ours
  std::set<std::uint64_t> perhaps_half_open_;                   ///< all that are, and some that no longer are
  std::set<std::pair<Time, std::uint64_t>> by_deadline_;        ///< what IkeSa::due says
  std::set<std::uint64_t> with_mapping_;
  std::vector<std::uint64_t> ended_;
  mutable std::vector<std::uint64_t> given_;  ///< since the last settle(); some of them twice
};

std::uint64_t own_cookie(const IkeSa& sa);
/// Somebody else began it, and it may come to nothing.
bool is_half_open(const IkeSa& sa);

}  // namespace testudo::ike::v1
