#pragma once
// An SA's places in the Database, and the groups of SAs that replace each other: links instead of nodes, and tables
// that hold no keys but look into what they hold, so that a million SAs fit.  Of the Database alone; one writing
// thread.
//
//   group ──► by state: newest SA ─ … ─ oldest          groups of one pair of addresses, and of one request: chains,
//   SPI index ──► newest SA of a name ─ older ─ …       the first of each in a table
#include <algorithm>
#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <unordered_set>

#include "base/time.h"
#include "sad/chain.h"
#include "sad/group_hash.h"
#include "sad/sa.h"

namespace testudo::sad {

struct Group;

struct Listing {
  std::unique_ptr<Sa> sa;
  Group* group = nullptr;
  std::uint64_t serial : 56 = 0;     ///< grows with creation
  State listed : 8 = State::Larval;  ///< which of group->by_state; the SA itself may have been marked since
  Links<Listing> in_state;
  Listing* older = nullptr;  ///< the next older SA that a packet names alike

  /// What of an SA has to be looked at as time goes by.
  struct Watch {
    std::list<Listing*>* list = nullptr;  ///< of the Database; null: none
    std::list<Listing*>::iterator place;
    std::optional<std::multimap<Time, Listing*>::iterator> due;
  };
  std::unique_ptr<Watch> watch;  ///< null: nothing
};

struct Group {
  using Members = Chain<Listing, &Listing::in_state>;

  std::uint64_t serial = 0;
  std::array<Members, 4> by_state;  ///< newest first
  Links<Group> in_order, in_pair, of_request;

  bool empty() const { return std::ranges::all_of(by_state, &Members::empty); }
  /// What its SAs all say, of one that is not empty: each has it anyway.
  const SaGroup& key() const { return std::ranges::find_if_not(by_state, &Members::empty)->front()->sa->group(); }
};

/// Groups by what KeyOf makes of their SaGroup, one for each key.  A group has its key from its SAs, so it is put in
/// after the first of them and removed before the last.
template <typename KeyOf>
class GroupTable {
 public:
  using Key = typename KeyOf::Key;

  Group* find(const Key& key) const {
    const auto found = heads_.find(key);
    return found == heads_.end() ? nullptr : found->group;
  }
  /// Instead of the group that was there under its key, if one was.
  void put(Group& group) {
    const auto found = heads_.find(KeyOf::of(group.key()));
    if (found == heads_.end()) {
      heads_.insert({&group});
    } else {
      found->group = &group;
    }
  }
  void remove(const Key& key) {
    const auto found = heads_.find(key);
    if (found != heads_.end()) heads_.erase(found);
  }

 private:
  struct Head {
    mutable Group* group;  ///< only ever one of the same key
  };
  // Not noexcept: so the table keeps the hash, and does not follow the pointer for it.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Key& key) const { return KeyOf::hash(key); }
    std::size_t operator()(const Head& head) const { return KeyOf::hash(KeyOf::of(head.group->key())); }
  };
  struct Same {
    using is_transparent = void;
    bool operator()(const Head& a, const Head& b) const {
      return KeyOf::of(a.group->key()) == KeyOf::of(b.group->key());
    }
    bool operator()(const Key& a, const Head& b) const { return a == KeyOf::of(b.group->key()); }
    bool operator()(const Head& a, const Key& b) const { return (*this)(b, a); }
  };

  std::unordered_set<Head, Hash, Same> heads_;
};

/// The same, newest first, where several groups have one key.
template <typename KeyOf, Links<Group> Group::*kLinks>
class GroupChains {
 public:
  Group* first(const typename KeyOf::Key& key) const { return firsts_.find(key); }
  static Group* after(const Group& group) { return (group.*kLinks).after; }

  void add(Group& group) {
    Group* const next = first(KeyOf::of(group.key()));
    group.*kLinks = {nullptr, next};
    if (next != nullptr) (next->*kLinks).before = &group;
    firsts_.put(group);
  }
  void remove(Group& group) {
    const Links<Group> links = group.*kLinks;
    if (links.after != nullptr) (links.after->*kLinks).before = links.before;
    if (links.before != nullptr) {
      (links.before->*kLinks).after = links.after;
    } else if (links.after != nullptr) {
      firsts_.put(*links.after);
    } else {
      firsts_.remove(KeyOf::of(group.key()));
    }
  }

 private:
  GroupTable<KeyOf> firsts_;
};

struct WholeGroup {
  using Key = SaGroup;
  static const Key& of(const SaGroup& group) { return group; }
  static std::size_t hash(const Key& key) { return SaGroupHash{}(key); }
};

/// What a request with a reqid asks for; ports are left out.
struct RequestOfGroup {
  using Key = SaGroup;
  static Key of(SaGroup group) {
    group.ports = {};
    return group;
  }
  static std::size_t hash(const Key& key) { return SaGroupHash{}(key); }
};

struct PairOfGroup {
  struct Key {
    SaProtocol protocol;
    net::Address source, destination;
    friend bool operator==(const Key&, const Key&) = default;
  };
  static Key of(const SaGroup& group) { return {group.protocol, group.source, group.destination}; }
  static std::size_t hash(const Key& key) {
    const std::hash<net::Address> address;
    return mix_hash(mix_hash(address(key.source), static_cast<unsigned>(key.protocol)), address(key.destination));
  }
};

}  // namespace testudo::sad
