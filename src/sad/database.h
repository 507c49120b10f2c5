#pragma once
// The security association database: groups of SAs (newest group first, as KAME keeps its headers), found inbound by
// (destination, protocol, SPI) and outbound by what a policy's request asks for.  RFC 4301 section 4.4.2; behaviour of
// netipsec's key.c with its known bugs mended (reference: docs/adr/0005).  One writing thread.
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "sad/sa.h"
#include "sad/settings.h"

namespace testudo::sad {

enum class DatabaseError : std::uint8_t { Exists, NotFound, NoFreeSpi, WrongOwner, InvalidSa, NotAvailable };

/// What an outbound request asks for.
struct OutboundQuery {
  SaProtocol protocol = SaProtocol::Esp;
  Mode mode = Mode::Transport;  ///< matches a group of this mode or of mode any
  net::Address source, destination;
  ReqId reqid;  ///< 0: any
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

  /// SADB_GETSPI: a larval SA with an SPI that no SA of that destination and protocol has.  min == max asks for exactly
  /// that one.
  Result<Sa*, DatabaseError> reserve(const SaGroup& group, SpiRange range, std::uint32_t message_sequence,
                                     std::uint32_t pid, Time now);
  /// SADB_ADD: Exists when the (destination, protocol, SPI) is taken.
  Result<Sa*, DatabaseError> add(std::unique_ptr<Sa> sa);
  /// SADB_UPDATE: replaces the larval or mature SA of the same protocol, addresses and SPI; usage and creation time
  /// start anew.
  Result<Sa*, DatabaseError> update(std::unique_ptr<Sa> sa);
  /// SADB_DELETE with an SPI: every group with these addresses is searched.
  bool remove(SaProtocol protocol, const net::Address& source, const net::Address& destination, Spi spi);
  /// SADB_DELETE without: all but larval ones; returns how many.
  std::size_t remove_all(SaProtocol protocol, const net::Address& source, const net::Address& destination);
  /// SADB_FLUSH; no protocol means all.
  std::size_t flush(std::optional<SaProtocol> protocol);

  Sa* find(SaProtocol protocol, const net::Address& source, const net::Address& destination, Spi spi);
  /// The packet path's look-ups.  Larval and dead SAs are returned by inbound() too, so that the drop can say why;
  /// never by outbound().
  Sa* inbound(SaProtocol protocol, const net::Address& destination, Spi spi) const;
  Sa* outbound(const OutboundQuery& query) const;
  /// An IPcomp SA of the destination that uses this well-known CPI (an algorithm number below 256).
  Sa* inbound_compression(const net::Address& destination, std::uint16_t cpi) const;

  /// Dump order: groups newest first; in a group MATURE, DYING, LARVAL, DEAD.
  void for_each(const std::function<void(const Sa&)>& visit) const;
  std::size_t size() const { return by_spi_.size(); }

  /// Once a second: larval SAs out of time, soft before hard, by time, bytes, packets and first use.
  std::vector<Expiry> tick(Time now);
  /// After a packet: true when the SA has just passed a soft or hard byte or packet limit, so that tick() should run at
  /// once.
  static bool over_limit(const Sa& sa);

 private:
  struct Group {
    SaGroup key;
    std::list<std::shared_ptr<Sa>> members;  // newest first
  };
  struct SpiKey {
    net::Address destination;
    SaProtocol protocol;
    Spi spi;
    friend bool operator==(const SpiKey&, const SpiKey&) = default;
  };
  struct SpiHash {
    std::size_t operator()(const SpiKey& k) const noexcept;
  };

  const KeySettings& settings_;
  Random& random_;
  std::list<Group> groups_;  // newest first
  std::unordered_map<SpiKey, std::shared_ptr<Sa>, SpiHash> by_spi_;
};

}  // namespace testudo::sad
