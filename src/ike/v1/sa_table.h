#pragma once
// The ISAKMP SAs of one daemon, by what messages and wishes name them by: the cookie that is ours, the peer's address,
// the cookie of who began.  With thousands of peers no message may cost a walk through all of them.  Owns them; decides
// nothing.  The address of an SA's peer never changes (mapping.cc), its port may.
#include <map>
#include <memory>
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
  /// Frees those that ended.
  void reap();
  void clear();

  const ByCookie& all() const { return all_; }
  /// Null when there is none.
  IkeSa* find(std::uint64_t own_cookie) const;
  /// The one that answered this first message.
  IkeSa* answer_to(std::uint64_t initiator_cookie, const net::Endpoint& remote) const;
  /// Those with a peer at this address, in the order of their cookies.
  std::vector<IkeSa*> with(const net::Address& peer) const;
  /// Those that others began and that are not established.
  std::vector<IkeSa*> half_open();

 private:
  void forget(std::uint64_t own_cookie, const IkeSa& sa);

  ByCookie all_;
  std::set<std::pair<net::Address, std::uint64_t>> by_peer_;    ///< with our cookie
  std::set<std::pair<std::uint64_t, std::uint64_t>> answered_;  ///< their cookie and ours
  std::set<std::uint64_t> perhaps_half_open_;                   ///< all that are, and some that no longer are
  std::vector<std::uint64_t> ended_;
};

std::uint64_t own_cookie(const IkeSa& sa);
/// Somebody else began it, and it may come to nothing.
bool is_half_open(const IkeSa& sa);

}  // namespace testudo::ike::v1
