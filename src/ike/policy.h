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
#include "ike/assignment.h"
#include "net/flow.h"
#include "wire/ike/v1/constants.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike {

namespace v1wire = wire::ike::v1;

struct PlainKeys;

/// Which side of XAUTH this host is: the client has to log in.
enum class Xauth : std::uint8_t { None, Client, Server };

/// One `proposal { }` of a remote block.
struct Phase1Transform {
  const crypto::ike::CipherRow* cipher = nullptr;
  std::uint16_t key_bits = 0;
  const crypto::ike::HashRow* hash = nullptr;
  /// How the hosts prove themselves: kPreSharedKey, kRsaSignature, or kHybridInitiatorRsa where the server of XAUTH
  /// alone does and that by its signature.
  std::uint16_t authentication = v1wire::oakley::kPreSharedKey;
  Xauth xauth = Xauth::None;  ///< whether a user has to log in then
  const crypto::ike::GroupRow* group = nullptr;
  std::uint32_t lifetime = 28800;  ///< seconds

  std::size_t key_bytes() const { return key_bits / 8U; }
  bool is_hybrid() const { return authentication == v1wire::oakley::kHybridInitiatorRsa; }
  /// Who proves itself by a signature: this host, the peer.
  bool signs() const {
    return authentication == v1wire::oakley::kRsaSignature || (is_hybrid() && xauth == Xauth::Server);
  }
  bool peer_signs() const {
    return authentication == v1wire::oakley::kRsaSignature || (is_hybrid() && xauth == Xauth::Client);
  }
};

/// How much of a peer's proposal may differ from ours; sheet of racoon.conf(5), proposal_check.
enum class Check : std::uint8_t { Obey, Strict, Claim, Exact };

/// nat_traversal of racoon.conf(5).
enum class NatTraversal : std::uint8_t { Off, On, Force };

/// ike_frag of racoon.conf(5): messages in pieces that are datagrams of their own.
enum class Fragmentation : std::uint8_t { Off, On, Force };

/// generate_policy of racoon.conf(5): the level of what a responder makes for a peer that has no policy here.
enum class GeneratePolicy : std::uint8_t { Off, Require, Unique };

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
  /// `peers_certfile x509`: the one certificate that the peer has; what it sends is not looked at.
  std::string peers_certificate_file;
  std::shared_ptr<const crypto::ike::Certificate> peers_certificate;
  /// The same without certificates, `plain_rsa`: names of files, and what they hold.
  std::string plain_key_file, plain_peers_file;
  std::shared_ptr<const PlainKeys> plain_own, plain_peers;

  bool mode_cfg = false;    ///< this host asks for an address
  std::string xauth_login;  ///< what this host's user is called at the server; "": nobody can log in

  /// This host proves itself by a signature; so does the peer.
  bool uses_signatures() const;
  bool judges_signatures() const;
  bool uses_xauth() const;
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
  Fragmentation ike_frag = Fragmentation::Off;
  /// Packets that go in UDP are cut before they are encrypted when they are longer; 65535: never.
  std::uint16_t esp_frag = 65535;
  bool weak_phase1_check = false;  ///< a DELETE in clear is believed
  GeneratePolicy generate_policy = GeneratePolicy::Off;
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
  bool client_address = false;  ///< `clientaddr`: the destination is the address that the peer was lent, or has
  std::optional<Identity> from;
  std::uint32_t remoteid = 0;
  const crypto::ike::GroupRow* pfs_group = nullptr;
  std::uint32_t lifetime = 28800;  ///< seconds
  std::vector<ChildCipher> encryption;
  std::vector<const crypto::MacRow*> authentication;
  bool deflate = true;
};

/// The `mode_cfg` block: what a server asks of users and gives to their hosts.
struct ModeConfig {
  enum class AuthSource : std::uint8_t { System, Radius, Pam, Ldap };
  enum class ConfSource : std::uint8_t { Local, Radius, Ldap };
  enum class GroupSource : std::uint8_t { System, Ldap };
  enum class Accounting : std::uint8_t { None, System, Radius, Pam };
  AuthSource auth_source = AuthSource::System;  ///< who judges passwords
  ConfSource conf_source = ConfSource::Local;   ///< who gives addresses, before the pool
  GroupSource group_source = GroupSource::System;
  Accounting accounting = Accounting::None;
  std::vector<std::string> auth_groups;  ///< a user must be in one of them; none: no matter
  Duration auth_throttle = std::chrono::seconds{1};
  std::optional<net::Address> network4, netmask4;  ///< the first address that is lent; nothing: none is
  unsigned pool_size = 255;
  std::vector<net::Address> dns4, wins4;
  std::string default_domain;
  std::string banner_file, banner;  ///< its name; its text
  std::vector<net::Prefix> split_network;
  bool split_is_local = false;  ///< `local_lan`, else `include`
  std::vector<std::string> split_dns;
  unsigned pfs_group = 0;
  bool save_password = false;
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
  std::size_t generated_per_peer = 16, generated_total = 10000;  ///< policies of generate_policy
  std::size_t quick_per_sa = 64;                                 ///< unfinished quick modes under one phase 1
  Duration fragments = std::chrono::seconds{30};  ///< how long the pieces of a message wait for each other
  std::size_t fragments_bytes = 16384;            ///< of one message
  /// The same of first messages, which belong to nobody yet.
  std::size_t first_fragments_bytes = 4096, first_fragments_total = 64, first_fragments_per_source = 4;
  /// Between the message that makes the peer ready for phase 2 and the first of phase 2.
  Duration pause = std::chrono::milliseconds{100};
  /// Between message 3 of a renewal and the first packet by it, while the old SAs carry on: peers that install theirs
  /// when they have message 3 (charon) would lose what overtakes it.
  Duration before_use = std::chrono::seconds{1};
  Duration login = std::chrono::seconds{60};  ///< how long a client waits for the question of XAUTH
  std::size_t transactions_per_sa = 8;        ///< that are remembered at a time
  /// Public-key work of phase 1 under way at a time, where other threads do it.
  std::size_t work_total = 256, work_per_source = 32;
  std::size_t held_per_sa = 16, held_bytes = 65536;  ///< messages that wait until work for their SA is done
};

/// Where peers listen behind a NAT: RFC 3947 section 4.
inline constexpr std::uint16_t kNatTPort = 4500;

struct Policy {
  struct Ports {
    std::uint16_t isakmp = 500, natt = kNatTPort;
  };
  std::vector<Remote> remotes;
  std::vector<Sainfo> sainfos;
  ModeConfig mode_config;
  Limits limits;
  Ports ports;  ///< of this host

  /// The blocks that may speak to this peer, best first: those with its address before anonymous ones, and of equals
  /// the one defined last.
  std::vector<const Remote*> remotes_for(const net::Address& peer) const;

  struct ChildKey {
    v1wire::Identification local, remote;
    Identity peer;
    std::uint32_t ph1id = 0;
    std::optional<net::Address> client{};  ///< the address that mode-config gave the peer, else that of its packets
  };
  /// The first of the most special blocks that fit; null when there is none.
  const Sainfo* sainfo_for(const ChildKey& key) const;
};

}  // namespace testudo::ike
