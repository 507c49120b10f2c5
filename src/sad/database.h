#pragma once
// The security association database: groups of SAs (newest group first, as KAME keeps its headers), found inbound by
// (destination, protocol, SPI) and outbound by what a policy's request asks for.  RFC 4301 section 4.4.2; behaviour of
// netipsec's key.c with its known bugs mended (reference: docs/adr/0005).  One writing thread.
#include <array>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "sad/group_hash.h"
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
  std::shared_ptr<const Sa> sa;
};

struct SpiRange {
  std::uint32_t min = 0, max = 0;
};

class Database {
 public:
  Database(const KeySettings& settings, Random& random) : settings_(settings), random_(random) {}

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
  /// SADB_FLUSH; no protocol means all.
  std::size_t flush(std::optional<SaProtocol> protocol);

  Sa* find(SaProtocol protocol, const net::Address& source, const net::Address& destination, Spi spi, Ports ports = {});
  /// That of this very group, so that a dump can go on after changes.
  const Sa* find(const SaGroup& group, Spi spi) const;
  /// The packet path's look-ups.  inbound() gives the newest usable SA, or else a larval one, so that the drop can say
  /// why; where several have the SPI, that of the peer and ports which the packet came from, or else one of NAT-T or
  /// without as it came.  outbound() gives usable ones only.  The pointers hold until the next call that changes the
  /// database.
  Sa* inbound(SaProtocol protocol, const net::Address& destination, Spi spi,
              const std::optional<UdpWay>& by = {}) const;
  Sa* outbound(const OutboundQuery& query) const;
  /// inbound() for several packets at once, which costs less than one after the other where there are many SAs: at most
  /// kMostNames names; `found` is as long.
  using Name = SpiIndex::Name;
  static constexpr std::size_t kMostNames = SpiIndex::kMost;
  void inbound(std::span<const Name> names, std::span<Sa*> found) const;
  /// The newest usable IPcomp SA between these addresses (or from an unspecified one) that uses this well-known CPI, an
  /// algorithm number below 256.  Many peers share such a CPI, so the source is part of the name here.
  Sa* inbound_compression(const net::Address& source, const net::Address& destination, std::uint16_t cpi) const;

  /// Dump order: groups newest first; in a group MATURE, DYING, LARVAL, DEAD.
  void for_each(const std::function<void(const Sa&)>& visit) const;
  std::size_t size() const { return size_; }

  /// Once a second: larval SAs out of time, soft before hard, by time, bytes, packets and first use.  What it visits
  /// are SAs whose time has come and those with limits of use, not all.
  std::vector<Expiry> tick(Time now);
  /// After a packet: true when the SA has just passed a soft or hard byte or packet limit, so that tick() should run at
  /// once.
  static bool over_limit(const Sa& sa);

 private:
  struct Group;
  /// An SA and its places in the lists, so that nothing has to be searched when it leaves.
  struct Member {
    std::shared_ptr<Sa> sa;
    Group* group = nullptr;
    std::uint64_t serial = 0;      ///< grows with creation
    State listed = State::Larval;  ///< which of group->by_state; the SA itself may have been marked since
    std::list<Member*>::iterator place;
    std::list<Member*>* watch_list = nullptr;  ///< larval_ or counted_
    std::list<Member*>::iterator watch;
    std::optional<std::multimap<Time, Member*>::iterator> due;
  };
  using Members = std::list<Member*>;
  struct Pair {
    SaProtocol protocol;
    net::Address source, destination;
    friend bool operator==(const Pair&, const Pair&) = default;
  };
  struct Group {
    SaGroup key;
    std::uint64_t serial = 0;
    std::array<Members, 4> by_state;  ///< newest first
    std::list<Group*>::iterator place, place_in_pair, place_among_ports;
  };
  /// What a packet names.  An IPcomp packet has room for 16 bits (RFC 3173 section 3.3), the low ones of a longer SPI.
  struct SpiKey {
    SpiKey(const net::Address& to, SaProtocol by, Spi number)
        : destination(to), protocol(by), spi(by == SaProtocol::Ipcomp ? Spi{number.value & 0xffff} : number) {}
    net::Address destination;
    SaProtocol protocol;
    Spi spi;
    friend bool operator==(const SpiKey&, const SpiKey&) = default;
  };
  struct Hash {
    std::size_t operator()(const SpiKey& k) const noexcept;
    std::size_t operator()(const Pair& k) const noexcept;
  };
  /// The same SPI may stand in several groups; oldest first.
  using Bucket = std::vector<std::unique_ptr<Member>>;
  enum class Which : std::uint8_t { All, NotLarval };

  static Name name_of(const SpiKey& key) { return {key.destination, key.protocol, key.spi}; }
  void index(const SpiKey& key);
  static SpiKey spi_key(const Sa& sa) { return {sa.group().destination, sa.group().protocol, sa.spi()}; }
  static Sa* first_usable(const Members& members, bool oldest);
  static Sa* preferred(const Group& group, bool oldest);
  Sa* outbound_of_pair(const OutboundQuery& query, bool oldest) const;
  static std::pair<const Group*, Sa*> first_of_ports(const std::list<Group*>& groups, Ports ports, bool oldest);
  Group& group_of(const SaGroup& key);
  Sa* insert(std::shared_ptr<Sa> sa);
  Sa* compression_between(const Pair& pair, std::uint16_t cpi) const;
  void watch(Member& member);
  void unwatch(Member& member);
  void move_to(Member& member, State state);
  void erase(Member& member);
  std::size_t erase_members(Group& group, Which which);
  bool collides(const net::Address& destination, Spi spi) const;
  std::optional<Spi> free_spi(const SaGroup& group, SpiRange range);
  Member* find_member(const SaGroup& group, Spi spi) const;
  Member* replaced_by(const Sa& sa) const;
  void age(Member& member, Time now, std::vector<Expiry>& out);

  const KeySettings& settings_;
  Random& random_;
  std::uint64_t next_serial_ = 1;
  std::size_t size_ = 0;
  std::list<Group*> groups_;  ///< newest first
  std::unordered_map<SaGroup, std::unique_ptr<Group>, SaGroupHash> by_group_;
  std::unordered_map<SaGroup, std::list<Group*>, SaGroupHash> by_request_;  ///< ports left out; newest first
  std::unordered_map<Pair, std::list<Group*>, Hash> by_pair_;               ///< newest first
  std::unordered_map<SpiKey, Bucket, Hash> by_spi_;                         ///< owns the members
  SpiIndex index_;                                                          ///< of by_spi_
  Members larval_;                                                          ///< oldest first
  Members counted_;                                                         ///< with a limit that use can pass
  std::multimap<Time, Member*> deadlines_;                                  ///< when a limit of age may be passed
};

}  // namespace testudo::sad
