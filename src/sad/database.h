#pragma once
// The security association database: groups of SAs (newest group first, as KAME keeps its headers), found inbound by
// (destination, protocol, SPI) and outbound by what a policy's request asks for.  RFC 4301 section 4.4.2; behaviour of
// netipsec's key.c with its known bugs mended (reference: docs/adr/0005).  One writing thread.
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "sad/listing.h"
#include "sad/sa.h"
#include "sad/settings.h"
#include "sad/spi_index.h"

namespace testudo::sad {

enum class DatabaseError : std::uint8_t { Exists, NotFound, NoFreeSpi };

/// What an outbound request asks for.
struct OutboundQuery {
  SaProtocol protocol = SaProtocol::Esp;
  Mode mode = Mode::Transport;  ///< matches a group of this mode or of mode any
  net::Address source, destination;
  ReqId reqid;  ///< 0: any
  Ports ports{};
};

/// The UDP header that an ESP packet came in.
struct UdpWay {
  net::Address source;
  Ports ports;
};

/// A lifetime that ended, for SADB_EXPIRE.  The SA is still in the database at the time of the call (soft) or just
/// leaving it (hard).
struct Expiry {
  enum class Kind : std::uint8_t { Soft, Hard, Larval };
  Kind kind = Kind::Soft;
  const Sa* sa = nullptr;
  std::unique_ptr<const Sa> gone{};  ///< that SA, when it has left
};

struct SpiRange {
  std::uint32_t min = 0, max = 0;
};

class Database {
 public:
  Database(const KeySettings& settings, Random& random) : settings_(settings), random_(random) {}
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  /// SADB_GETSPI: a larval SA with an SPI that no SA of that destination has, whatever its protocol.  min == max asks
  /// for exactly that one; a range of zeros is net.key's spi_min_value … spi_max_value.
  Result<Sa*, DatabaseError> reserve(const SaGroup& group, SpiRange range, std::uint32_t message_sequence,
                                     std::uint32_t pid, Time now);
  /// SADB_ADD: Exists when the SA's own group has this SPI.  The same SPI in another group (another source, mode or
  /// reqid) is accepted, as netipsec does; the newest usable one then receives.
  Result<Sa*, DatabaseError> add(std::unique_ptr<Sa> sa);
  /// SADB_UPDATE: replaces the SA of the same protocol, addresses and SPI, whatever its mode and reqid (when there are
  /// several: that of the same group, ports or keys); the new one is the newest of its group, and goes on where the old
  /// one was when the keys are the same (Sa::continue_from).  NotFound also when nothing tells which of several.
  Result<Sa*, DatabaseError> update(std::unique_ptr<Sa> sa);
  /// SADB_DELETE with an SPI: of every group with these addresses.  Here and below ports narrow the question, but an SA
  /// without NAT-T has none that could differ.
  bool remove(SaProtocol protocol, const net::Address& source, const net::Address& destination, Spi spi,
              Ports ports = {});
  /// SADB_DELETE without: all but larval ones; returns how many.
  std::size_t remove_all(SaProtocol protocol, const net::Address& source, const net::Address& destination,
                         Ports ports = {});
  /// Called where all is whole in the midst of long work, so that others may look.
  using Breathe = std::function<void()>;
  /// SADB_FLUSH; no protocol means all.
  std::size_t flush(std::optional<SaProtocol> protocol, const Breathe& breathe = {});

  Sa* find(SaProtocol protocol, const net::Address& source, const net::Address& destination, Spi spi, Ports ports = {});
  /// That of this very group, so that a dump can go on after changes.
  const Sa* find(const SaGroup& group, Spi spi) const;
  /// The packet path's look-ups.  `destination` is a packet's, without scope.  inbound() gives the newest usable SA, or
  /// else a larval one, so that the drop can say why; where several have the SPI, that of the peer and ports which the
  /// packet came from, or else one of NAT-T or without as it came.  outbound() gives usable ones only.  The pointers
  /// hold until the next call that changes the database.
  Sa* inbound(SaProtocol protocol, const net::Address& destination, Spi spi,
              const std::optional<UdpWay>& by = {}) const;
  Sa* outbound(const OutboundQuery& query) const;
  /// Has what inbound() will read of the SAs of these names fetched side by side, for of a million hardly one lies in a
  /// cache.  At most kMostNames of them.
  using Name = SpiIndex::Name;
  static constexpr std::size_t kMostNames = SpiIndex::kMost;
  void foresee(std::span<const Name> names) const;
  /// The newest usable IPcomp SA between these addresses (or from an unspecified one) that uses this well-known CPI, an
  /// algorithm number below 256.  Many peers share such a CPI, so the source is part of the name here.
  Sa* inbound_compression(const net::Address& source, const net::Address& destination, std::uint16_t cpi) const;

  /// Dump order: groups newest first; in a group MATURE, DYING, LARVAL, DEAD.
  void for_each(const std::function<void(const Sa&)>& visit) const;
  std::size_t size() const { return size_; }

  /// Once a second: larval SAs out of time, soft before hard, by time, bytes, packets and first use.  What it visits
  /// are SAs whose time has come and those with limits of use, not all.
  std::vector<Expiry> tick(Time now, const Breathe& breathe = {});
  /// After a packet: true when the SA has just passed a soft or hard byte or packet limit, so that tick() should run at
  /// once.
  static bool over_limit(const Sa& sa);

 private:
  using Members = Group::Members;
  using Pair = PairOfGroup::Key;
  enum class Which : std::uint8_t { All, NotLarval };

  /// As a packet says it, so that SAs of one SPI to one link-local address share it, whatever their links.
  static Name name_of(const SaGroup& group, Spi spi) {
    return {group.destination.without_scope(), group.protocol, spi};
  }
  static Name name_of(const Sa& sa) { return name_of(sa.group(), sa.spi()); }
  /// Of the SAs that a packet with this name may mean, the newest; null: there is none.
  Listing* newest(const Name& name) const;
  static Sa* best_of_several(Sa& newest, const std::optional<UdpWay>& by);
  void list_by_name(Listing& listing);
  void unlist_by_name(Listing& listing);
  static Sa* first_usable(const Members& members, bool oldest);
  static Sa* preferred(const Group& group, bool oldest);
  Sa* outbound_of_pair(const OutboundQuery& query, bool oldest) const;
  static std::pair<const Group*, Sa*> first_of_ports(const Group* groups, Ports ports, bool oldest);
  void join_group(Listing& listing);
  void leave_group(Listing& listing);
  Sa* insert(std::unique_ptr<Sa> sa);
  Sa* compression_between(const Pair& pair, std::uint16_t cpi) const;
  void watch(Listing& listing);
  void unwatch(Listing& listing);
  static void move_to(Listing& listing, State state);
  std::unique_ptr<Sa> erase(Listing& listing);
  std::size_t erase_members(Group& group, Which which, const Breathe& breathe = {});
  bool collides(const net::Address& destination, Spi spi) const;
  std::optional<Spi> free_spi(const SaGroup& group, SpiRange range);
  Listing* find_listing(const SaGroup& group, Spi spi) const;
  Listing* replaced_by(const Sa& sa) const;
  void age(Listing& listing, Time now, std::vector<Expiry>& out);

  const KeySettings& settings_;
  Random& random_;
  std::uint64_t next_serial_ = 1;
  std::size_t size_ = 0;
  Chain<Group, &Group::in_order> groups_;  ///< newest first; owns them and their SAs
  GroupTable<WholeGroup> by_group_;
  GroupChains<RequestOfGroup, &Group::of_request> by_request_;  ///< of those with a reqid
  GroupChains<PairOfGroup, &Group::in_pair> by_pair_;
  SpiIndex index_;                           ///< the newest of each name
  std::list<Listing*> larval_;               ///< oldest first
  std::list<Listing*> counted_;              ///< with a limit that use can pass
  std::multimap<Time, Listing*> deadlines_;  ///< when a limit of age may be passed
};

}  // namespace testudo::sad
