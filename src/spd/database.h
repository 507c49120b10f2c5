#pragma once
// The security policy database: one ordered list per direction; the first policy that matches decides, with no other
// ranking (KAME).  Look-up is exact first match: of few policies within IPv4 through rows of bits, else through hash
// tables by shape of selector (prefix lengths and wildcards), tried in the order of their best policy, so that its cost
// grows with the number of shapes and not of policies (spd/flow_index.h).  One writing thread, in which everything here
// is called; other threads look policies up through a Reader (spd/reader.h), and see what was changed once it is
// published.
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "spd/journal.h"
#include "spd/policy.h"

namespace testudo::spd {

struct Seat;
class View;
class Views;

enum class DatabaseError : std::uint8_t { Exists, NotFound };

class Database {
 public:
  Database();
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// SPDADD: to the tail.  Exists when the direction already has this selector.  A Unique request without a reqid (or
  /// with one above 0x3fff) gets a fresh one (16385 and up); reqids of other levels are dropped.
  Result<const Policy*, DatabaseError> add(Policy policy);
  /// SPDUPDATE: takes the place of the user policy with the same selector, or goes to the tail when there is none.
  Result<const Policy*, DatabaseError> update(Policy policy);
  /// SPDDELETE / SPDDELETE2: the removed policy, for the reply.  System policies are NotFound.
  Result<Policy, DatabaseError> remove(Direction direction, const net::Selector& selector);
  Result<Policy, DatabaseError> remove(PolicyId id);
  /// One that the system made, for who made it.
  bool remove_of_system(PolicyId id);
  /// SPDFLUSH: user policies only; returns how many.
  /// `breathe`: called between two of them, if there is one; readers see none of it before publish().
  std::size_t flush(const std::function<void()>& breathe = {});

  /// Of a policy that a socket has and no list: gives its Unique requests their reqids, as add() does, and takes them
  /// back.
  void settle_reqids(Policy& policy);
  void release_reqids(const Policy& policy);

  const Policy* find(PolicyId id) const;
  const Policy* find(Direction direction, const net::Selector& selector) const;

  /// The first policy in order that matches, or null.
  const Policy* lookup(Direction direction, const net::Flow& flow) const;

  /// The first in order whose addresses match, whatever else it asks for.
  const Policy* first_for_addresses(Direction direction, const net::Address& source,
                                    const net::Address& destination) const;

  /// For many look-ups: the policies as they are, until the next change.
  const View& latest() const;

  /// In list order.
  void for_each(Direction direction, const std::function<void(const Policy&)>& visit) const;
  std::size_t size(Direction direction) const;
  std::size_t size() const { return size(Direction::In) + size(Direction::Out); }
  /// Changes with every change of the database.
  std::uint64_t generation() const;
  /// Which policies came and went; one that was replaced by SPDUPDATE keeps its place and, without readers, its
  /// address.
  const Journal& journal(Direction direction) const;

  /// Readers see all changes made so far, and none of what they replaced; waits until the batches that they are in have
  /// ended.  Without readers nothing needs it.
  void publish();
  /// For Reader.
  const Views& seat(Seat& reader);
  void unseat(const Seat& reader);

  /// Removes and returns what is past its lifetime or validtime (SADB_X_SPDEXPIRE).
  std::vector<Policy> tick(Time now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace testudo::spd
