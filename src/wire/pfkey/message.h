#pragma once
// One PF_KEY message as a value: parse() for what arrives on the socket, compose() for what leaves.  RFC 2367 section 2
// and 3. Layouts are Linux's (sadb_x_ipsecrequest of 16 bytes with a 32-bit reqid; sockaddrs with a 16-bit family). No
// meaning here: whether a message makes sense is for pfkey/server.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/strong.h"
#include "net/flow.h"
#include "wire/pfkey/constants.h"

namespace testudo::wire::pfkey {

struct SaExt {
  Spi spi;
  std::uint8_t replay = 0;  ///< window in bytes: 8 packets each
  SaState state = SaState::Larval;
  std::uint8_t auth = 0, encrypt = 0;
  std::uint32_t flags = 0;
};

struct LifetimeExt {
  std::uint32_t allocations = 0;
  std::uint64_t bytes = 0;
  std::uint64_t addtime = 0, usetime = 0;  ///< seconds, or for CURRENT seconds since 1970
};

/// SADB_EXT_ADDRESS_*: an address with port, prefix length and (in policies) upper-layer protocol.
struct AddressExt {
  net::Endpoint endpoint;
  std::uint8_t protocol = 255;
  std::uint8_t prefix_length = 0;

  net::Prefix prefix() const { return {endpoint.address, prefix_length}; }
};

struct KeyExt {
  std::uint16_t bits = 0;
  Secret key;
};

struct IdentityExt {
  IdentityType type = IdentityType::Reserved;
  std::uint64_t id = 0;
  std::string text;  ///< up to, not including, the first NUL
};

struct Combination {
  std::uint8_t auth = 0, encrypt = 0;
  std::uint16_t flags = 0;
  std::uint16_t auth_minbits = 0, auth_maxbits = 0, encrypt_minbits = 0, encrypt_maxbits = 0;
  LifetimeExt soft, hard;
};
struct ProposalExt {
  std::uint8_t replay = 0;
  std::vector<Combination> combinations;
};

struct Algorithm {
  std::uint8_t id = 0, ivlen = 0;
  std::uint16_t minbits = 0, maxbits = 0;
};

/// In host order on the wire, unlike the SPI of SaExt.
struct SpiRangeExt {
  std::uint32_t min = 0, max = 0;
};

struct RequestExt {
  std::uint16_t protocol = 0;  ///< IP protocol number: 50, 51, 108
  Mode mode = Mode::Any;
  Level level = Level::Default;
  ReqId reqid;
  std::optional<net::Endpoint> source, destination;  ///< both or none
};

struct PolicyExt {
  PolicyType type = PolicyType::Discard;
  Direction direction = Direction::Any;
  std::uint8_t flags = 0;
  PolicyId id;
  std::uint32_t priority = 0;
  std::vector<RequestExt> requests;
};

struct Sa2Ext {
  Mode mode = Mode::Any;
  std::uint32_t sequence = 0;
  ReqId reqid;
};

struct Message {
  std::uint8_t version = kVersion;
  Type type = Type::Reserved;
  std::uint8_t error = 0;  ///< sadb_msg_errno
  SaType satype = SaType::Unspec;
  std::uint16_t reserved = 0;  ///< setkey prints it as refcnt
  std::uint32_t sequence = 0, pid = 0;

  std::optional<SaExt> sa;
  std::optional<LifetimeExt> current, hard, soft;
  std::optional<AddressExt> source, destination, proxy;
  std::optional<KeyExt> auth_key, encrypt_key;
  std::optional<IdentityExt> source_identity, destination_identity;
  std::optional<ProposalExt> proposal;
  std::optional<std::vector<Algorithm>> supported_auth, supported_encrypt;
  std::optional<SpiRangeExt> spi_range;
  std::optional<PolicyExt> policy;
  std::optional<Sa2Ext> sa2;
  std::optional<std::uint8_t> nat_t_type;
  std::optional<std::uint16_t> nat_t_sport, nat_t_dport;
  std::optional<net::Address> nat_t_oa, nat_t_oar;
  std::optional<std::uint16_t> nat_t_frag;
  std::optional<std::uint32_t> replay_window;  ///< packets (our extension)

  /// The extensions in the order in which they stood (parse) or are to stand (compose).  Empty for compose: the order
  /// of NetBSD's dump (SA SA2 HARD SOFT CURRENT SRC DST KEY_AUTH KEY_ENCRYPT …).  Extensions that are known but carry
  /// nothing for us (sensitivity, kmprivate, security context, filter) appear only here.
  std::vector<Ext> order;
};

enum class ParseError : std::uint8_t {
  TooShort,            ///< fewer than 16 bytes
  BadMessageLength,    ///< sadb_msg_len is not the number of bytes written
  BadExtensionLength,  ///< zero, beyond the message, or not what the type asks for
  DuplicateExtension,
  UnknownExtension,
  BadAddress,     ///< wrong sockaddr size or prefix length
  UnknownFamily,  ///< neither IPv4 nor IPv6
  BadPolicy,      ///< a request record that contradicts itself
};

/// The whole message.  Versions, types and satypes are not judged, so that the server can answer with the right errno.
/// What follows the header of SADB_X_PROMISC is another message; it is left to the caller.
Result<Message, ParseError> parse(Bytes bytes);

/// The message's bytes: every pad and reserved byte is zero, lengths follow from the content.  Empty when it would be
/// longer than the 16-bit length can say (512 KiB).
ByteVector compose(const Message& message);

/// These extensions and no others, in this order; those that the message has not are left out.
ByteVector compose(const Message& message, std::span<const Ext> only);

/// The message behind a header of SADB_X_PROMISC, as promiscuous clients get it; empty when that is too long to say.
ByteVector wrap_promiscuous(Bytes message);

/// The header alone, whatever follows it; nothing when fewer than 16 bytes are there.
std::optional<Message> peek(Bytes bytes);

/// sadb_msg_len x 8 of the message that starts here, if 16 bytes are there; for splitting dumps and saved files.
std::optional<std::size_t> message_length(Bytes bytes);

/// One policy extension alone, as ipsec_set_policy(3) makes it.
ByteVector compose_policy(const PolicyExt& policy);
Result<PolicyExt, ParseError> parse_policy(Bytes bytes);
/// The same as setsockopt(2) gets it.  NetBSD and Linux do not look at its type there, and OpenIKED's is another one.
Result<PolicyExt, ParseError> parse_socket_policy(Bytes bytes);

/// A deep copy (keys do not copy by accident).
Message clone(const Message& message);

}  // namespace testudo::wire::pfkey
