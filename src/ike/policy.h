#pragma once
// What an IKE machine is told to do: the model that a configuration becomes.  Values only; a Policy is replaced as a
// whole at reload, and SAs keep the one that they were made under.  Names of members follow racoon.conf(5).
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "crypto/ike/certificate.h"
#include "crypto/ike/rows.h"
#include "net/flow.h"
#include "wire/ike/v1/constants.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike {

namespace v1wire = wire::ike::v1;

/// One `proposal { }` of a remote block.
struct Phase1Transform {
  const crypto::ike::CipherRow* cipher = nullptr;
  std::uint16_t key_bits = 0;
  const crypto::ike::HashRow* hash = nullptr;
  std::uint16_t authentication = v1wire::oakley::kPreSharedKey;
  const crypto::ike::GroupRow* group = nullptr;
  std::uint32_t lifetime = 28800;  ///< seconds

  std::size_t key_bytes() const { return key_bits / 8U; }
};

/// How much of a peer's proposal may differ from ours; sheet of racoon.conf(5), proposal_check.
enum class Check : std::uint8_t { Obey, Strict, Claim, Exact };

/// nat_traversal of racoon.conf(5).
enum class NatTraversal : std::uint8_t { Off, On, Force };

struct Identity {
  v1wire::IdType type = v1wire::IdType::None;
  ByteVector data;

  static Identity of(const net::Address& address);
  /// As psk.txt names it and people read it: "192.0.2.1", "vpn.example.org".
  std::string to_string() const;
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// A `remote` block.
struct Remote {
  std::string name;                     ///< as it stands in the file, for messages
  std::optional<net::Address> address;  ///< nothing: anonymous
  std::uint16_t port = 500;
  std::vector<v1wire::Exchange> exchange_modes;  ///< all are answered, the first is used as initiator
  std::vector<Phase1Transform> proposals;
  Check proposal_check = Check::Strict;
  std::optional<Identity> my_identifier;  ///< nothing: the local address
  std::vector<Identity> peers_identifiers;
  /// Names of files, PEM; whoever reads them fills `credentials` and `trust`.
  std::string certificate_file, key_file, ca_file;
  std::shared_ptr<const crypto::ike::Credentials> credentials;
  std::shared_ptr<const crypto::ike::Trust> trust;
  bool verify_cert = true, send_cert = true, send_cr = true;

  bool uses_certificates() const;
  bool allows(v1wire::Exchange mode) const;
  bool verify_identifier = false;
  bool passive = false;
  bool initial_contact = true;
  bool dpd = true;
  Duration dpd_delay{};  ///< 0: the peer is answered, but not asked
  Duration dpd_retry = std::chrono::seconds{5};
  unsigned dpd_maxfail = 5;
  bool rekey = true;  ///< phase 1, while SAs depend on it
  /// Programs of `script`, as the file names them; "": none.
  struct Scripts {
    std::string up, down, dead;
  };
  Scripts scripts;
  NatTraversal nat_traversal = NatTraversal::Off;
  std::uint16_t nonce_size = 16;
  std::uint32_t ph1id = 0;
};

/// A cipher or MAC with the key length that a sainfo asks for.
struct ChildCipher {
  const crypto::CipherRow* row = nullptr;
  std::uint16_t key_bits = 0;  ///< without salt; 0: the algorithm has but one length
};

/// A `sainfo` block.
struct Sainfo {
  std::string name;
  std::optional<v1wire::Identification> source, destination;  ///< nothing: anonymous
  std::optional<Identity> from;
  std::uint32_t remoteid = 0;
  const crypto::ike::GroupRow* pfs_group = nullptr;
  std::uint32_t lifetime = 28800;  ///< seconds
  std::vector<ChildCipher> encryption;
  std::vector<const crypto::MacRow*> authentication;
  bool deflate = true;
};

/// The `timer` block and the limits that no configuration speaks of.
struct Limits {
  unsigned counter = 5;                           ///< tries of one message
  Duration interval = std::chrono::seconds{10};   ///< longest time between two of them
  Duration phase1 = std::chrono::seconds{30};     ///< how long a phase 2 waits for its phase 1
  Duration phase2 = std::chrono::seconds{30};     ///< how long a phase 2 may take
  Duration half_open = std::chrono::seconds{60};  ///< how long a responder keeps an unfinished phase 1
  std::size_t half_open_total = 2000, half_open_per_source = 50;
  Duration natt_keepalive = std::chrono::seconds{20};  ///< 0: none are sent
  /// Aggressive mode computes for strangers: so many answers at once, then one each `aggressive_refill`.
  std::uint32_t aggressive_burst = 100;
  Duration aggressive_refill = std::chrono::milliseconds{20};
  unsigned repeats_to_strangers = 8;  ///< of one answer
  unsigned wrong_messages = 5;        ///< after so many of them a responder gives up a phase 1
  std::size_t established_per_address = 8;
  std::size_t message_ids_per_sa = 65536;  ///< remembered, so that none is used twice; then a new phase 1 is needed
  std::size_t quick_per_sa = 64;           ///< unfinished quick modes under one phase 1
};

/// Where peers listen behind a NAT: RFC 3947 section 4.
inline constexpr std::uint16_t kNatTPort = 4500;

struct Policy {
  struct Ports {
    std::uint16_t isakmp = 500, natt = kNatTPort;
  };
  std::vector<Remote> remotes;
  std::vector<Sainfo> sainfos;
  Limits limits;
  Ports ports;  ///< of this host

  /// The blocks that may speak to this peer, best first: those with its address before anonymous ones, and of equals
  /// the one defined last.
  std::vector<const Remote*> remotes_for(const net::Address& peer) const;

  struct ChildKey {
    v1wire::Identification local, remote;
    Identity peer;
    std::uint32_t ph1id = 0;
  };
  /// The first of the most special blocks that fit; null when there is none.
  const Sainfo* sainfo_for(const ChildKey& key) const;
};

}  // namespace testudo::ike
