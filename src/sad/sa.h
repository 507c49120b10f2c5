#pragma once
// A security association: what was installed (SaParameters, immutable), what was derived when it was installed (sizes,
// so that the packet path asks nothing twice) and how it runs: outbound a sequence that several workers take numbers
// from, inbound a window with one owner, and for each worker a Share.  RFC 4301 section 4.4.2.1; states and flags are
// PF_KEY's.  Owned by the Database, and written by its thread but for what says otherwise.
#include <memory>
#include <optional>
#include <string>

#include "base/boxed.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/strong.h"
#include "base/time.h"
#include "crypto/compressor.h"
#include "crypto/suite.h"
#include "net/flow.h"
#include "sad/replay_window.h"
#include "sad/sequence.h"
#include "sad/share.h"
#include "sad/turn.h"

namespace testudo::sad {

enum class SaProtocol : std::uint8_t { Ah, Esp, Ipcomp, TcpSignature };
enum class Mode : std::uint8_t { Any, Transport, Tunnel };
enum class State : std::uint8_t { Larval, Mature, Dying, Dead };
enum class Padding : std::uint8_t { Sequential, Random, Zero };

/// IP protocol number of AH, ESP, IPcomp (51, 50, 108; TCP for a TCP signature).
std::uint8_t ip_protocol(SaProtocol p);

/// SADB_X_EXT_* as words.
struct SaFlags {
  bool old_format = false;    ///< RFC 1826, 1827
  bool four_byte_iv = false;  ///< RFC 1829's 32-bit IV (old ESP with DES)
  bool derived_iv = false;    ///< DES IV derived from the sequence number; no IV on the wire
  bool cyclic_sequence = false;
  bool raw_cpi = false;  ///< IPcomp: the SPI's low 16 bits are sent, not the algorithm number
  bool extended_sequence = false;
  Padding padding = Padding::Sequential;

  friend bool operator==(const SaFlags&, const SaFlags&) = default;
};

/// 0 means no limit.  Times in seconds.
struct Lifetime {
  std::uint32_t allocations = 0;
  std::uint64_t bytes = 0, addtime = 0, usetime = 0;

  /// Whether packets use it up, not time alone.
  bool limits_use() const { return bytes != 0 || allocations != 0; }

  friend bool operator==(const Lifetime&, const Lifetime&) = default;
};

struct Lifetimes {
  Lifetime hard{}, soft{};

  friend bool operator==(const Lifetimes&, const Lifetimes&) = default;
};

/// ESP in UDP.  RFC 3948; ports in host order.
struct NatTraversal {
  enum class Kind : std::uint8_t { NonIke = 1, EspInUdp = 2 };
  Kind kind = Kind::EspInUdp;
  std::uint16_t source_port = 4500, destination_port = 4500;
  std::optional<net::Address> original_initiator{}, original_responder{};
  std::uint16_t fragment_size = 0xffff;  ///< packets are fragmented before encapsulation above this size

  friend bool operator==(const NatTraversal&, const NatTraversal&) = default;
};

/// NAT-T: what was announced of where a peer is, and when.
struct Whereabouts {
  std::optional<net::Endpoint> away;  ///< nullopt: it came back to where it was
  Time since;
};

struct Identity {
  std::uint16_t type = 0;
  std::uint64_t id = 0;
  std::string text;
};

/// UDP ports of an SA of NAT-T; 0 without.  In a question 0 means any.
struct Ports {
  std::uint16_t source = 0, destination = 0;

  friend bool operator==(const Ports&, const Ports&) = default;
};

/// Ports that a question leaves open, or that an SA does not have, fit.
constexpr bool fits(Ports asked, Ports has) {
  const auto same = [](std::uint16_t a, std::uint16_t b) { return a == 0 || b == 0 || a == b; };
  return same(asked.source, has.source) && same(asked.destination, has.destination);
}

/// What identifies the group of SAs that replace each other (KAME's secashead).
struct SaGroup {
  SaProtocol protocol = SaProtocol::Esp;
  Mode mode = Mode::Any;
  net::Address source, destination;
  ReqId reqid{};
  Ports ports{};  ///< of `nat`, so that several peers behind one NAT have groups of their own

  friend bool operator==(const SaGroup&, const SaGroup&) = default;
};

struct SaParameters {
  SaGroup group;
  Spi spi;
  SaFlags flags;
  const crypto::CipherRow* cipher = nullptr;            ///< ESP; null otherwise
  const crypto::MacRow* mac = nullptr;                  ///< AH, TCP; ESP with a separate authenticator
  const crypto::CompressionRow* compression = nullptr;  ///< IPcomp
  Secret cipher_key, mac_key;
  std::uint32_t replay_packets = 0;  ///< window; 0 switches the check off
  /// The number that was used or seen last, where the SA was before: it goes on behind it.  0: it is new.
  std::uint32_t counted = 0;
  Boxed<Lifetimes> lifetimes;  ///< as given (setkey -D prints zeros otherwise too)
  Boxed<NatTraversal> nat;
  Boxed<Identity> source_identity, destination_identity;
  std::uint32_t message_sequence = 0, pid = 0;  ///< of the PF_KEY message that made it

  Lifetime hard() const { return lifetimes ? lifetimes->hard : Lifetime{}; }
  Lifetime soft() const { return lifetimes ? lifetimes->soft : Lifetime{}; }
};

/// Where an ESP packet's IV comes from.
enum class IvSource : std::uint8_t {
  None,      ///< the cipher has none
  Random,    ///< CBC: unpredictable (RFC 3602 section 3)
  Counter,   ///< a nonce: never twice under one key
  FourByte,  ///< RFC 1829's short form: 32 random bits on the wire, with their complement behind them
  Derived,   ///< not on the wire: the sequence number and its complement, as KAME has it
};

/// A size that fits in a byte, but that is computed with in 32 bits.
class ByteSize {
 public:
  constexpr ByteSize(std::uint32_t size)
      : size_(static_cast<std::uint8_t>(size)) {}             // NOLINT(google-explicit-constructor)
  constexpr operator std::uint32_t() const { return size_; }  // NOLINT(google-explicit-constructor)

 private:
  std::uint8_t size_;
};

/// What no packet has to work out again.
struct SaLayout {
  ByteSize header = 0;  ///< ESP: SPI, sequence; AH: fixed part and ICV with its pad; IPcomp: 4
  ByteSize iv = 0;      ///< on the wire
  ByteSize icv = 0;     ///< on the wire
  ByteSize block = 4;   ///< ESP: payload and trailer are a multiple of this, or are refused
  ByteSize pad = 4;     ///< ESP: we pad them to a multiple of this, which is one of block
  ByteSize udp = 0;     ///< UDP encapsulation: 8, or 16 with the non-IKE marker
  IvSource iv_source = IvSource::None;
  bool authenticated = false;  ///< replay protection is allowed only then (RFC 4303 section 3.4.3)
};

enum class SaError : std::uint8_t {
  BadKeyLength,
  BadCombination,  ///< flags, algorithms or SPI that do not belong together
  NotAvailable,    ///< this build lacks the algorithm
};

struct Listing;

class Sa {
 public:
  /// A complete SA: checks combination rules (netbsd-ipsec: AH with a cipher, IPcomp with authentication, old ESP with
  /// a derived IV, SPI 0..255, CPI beyond 16 bits, …) and key lengths, and keys its algorithms.
  static Result<std::unique_ptr<Sa>, SaError> make(SaParameters parameters, Time now);
  /// A larval one: an SPI that waits for its keys.
  static std::unique_ptr<Sa> larval(const SaGroup& group, Spi spi, std::uint32_t message_sequence, std::uint32_t pid,
                                    Time now);

  ~Sa();
  Sa(const Sa&) = delete;
  Sa& operator=(const Sa&) = delete;

  /// For the successor of an UPDATE: with the same keys it goes on where `old` was (sequence number, nonces, window,
  /// age and use), so that no number is used again and no packet accepted again.  With others it starts anew.
  void continue_from(const Sa& old);

  const SaParameters& parameters() const { return parameters_; }
  const SaGroup& group() const { return parameters_.group; }
  Spi spi() const { return parameters_.spi; }
  const SaLayout& layout() const { return layout_; }
  State state() const { return state_; }
  bool usable() const { return state_ == State::Mature || state_ == State::Dying; }
  Time created() const { return created_; }

  // The run state.  transform/ and engine/ write it; the Database reads it for lifetimes.
  Sequence sequence;               ///< outbound, and
  IvCounter iv_counter;            ///< explicit IVs of counter modes: of all workers together
  ReplayWindow window;             ///< inbound, as what follows; of the worker whose turn it is
  Boxed<Whereabouts> whereabouts;  ///< of a peer that has ever moved
  Turn turn;                       ///< where several workers open

  /// What this worker has of the SA; made when it comes first.  For that worker's thread.
  Share& share(Worker worker) { return worker == Worker{} ? first_ : share_of(worker); }
  Share& share() { return first_; }
  const Share& share() const { return first_; }
  /// What all workers have counted; for any thread.  Those that are at it may count a run more meanwhile.
  Usage usage() const;

  /// ESP.  Made at first use: what a cipher makes of its key is larger than all the rest of an SA, and of many SAs few
  /// are used at once.  Made of the keys and not with Suite::clone(), for the others may be at work.  Null for other
  /// SAs, and where it could be made once but cannot any more.
  crypto::Suite* suite(Share& share) const {
    if (group().protocol != SaProtocol::Esp) return nullptr;
    return share.keyed<crypto::Suite>([this] { return make_suite(); });
  }
  /// From now on instead of the first worker's suite, with the same keys and sizes.
  void replace(std::unique_ptr<crypto::Suite> suite) { first_.keyed_ = std::move(suite); }
  /// AH.  As suite().
  crypto::Mac* mac(Share& share) const {
    if (group().protocol != SaProtocol::Ah) return nullptr;
    return share.keyed<crypto::Mac>([this] { return make_mac(); });
  }
  /// IPcomp.  Made at first use: its work areas are large, and of many SAs few are used at once.
  static crypto::Compressor* compressor(Share& share) {
    return share.keyed<crypto::Compressor>([] { return crypto::make_deflate(); });
  }

  void set_state(State s) { state_ = s; }

 private:
  friend class Database;
  Sa() = default;
  std::unique_ptr<crypto::Suite> make_suite() const;
  std::unique_ptr<crypto::Mac> make_mac() const;
  Share& share_of(Worker worker);

  SaParameters parameters_;
  SaLayout layout_;
  State state_ = State::Larval;
  Time created_{};
  Listing* listing_ = nullptr;  ///< the Database's
  Share first_{Worker{}};       ///< in front of those of other workers
};

}  // namespace testudo::sad
