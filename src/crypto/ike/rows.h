#pragma once
// One row of truth for each algorithm that protects IKE itself: racoon.conf's names, the numbers on the wire (RFC 2409
// appendix A and the IANA registries "ipsec-registry" and "ikev2-parameters"), lengths, and what a warning should say.
// What a cipher is stands in crypto/algorithms.h, whose row a phase 1 cipher names by kind.
#include <cstdint>
#include <span>
#include <string_view>

#include "crypto/algorithms.h"

namespace testudo::crypto::ike {

struct CipherRow {
  std::uint16_t id;  ///< OAKLEY_*_CBC
  CipherKind kind;
  std::string_view name, alias;  ///< of racoon.conf
  std::uint8_t default_key;      ///< bytes, when neither a configuration nor an attribute names a length
  Advice advice;

  /// Lengths of key and block.
  const crypto::CipherRow& cipher() const { return cipher_of(kind); }
  /// RFC 2409 appendix A: "Key Length … MUST NOT be used when the specified Encryption Algorithm uses a fixed length
  /// key".
  bool has_variable_key() const { return cipher().key.min != cipher().key.max; }
};

enum class HashKind : std::uint8_t { Md5, Sha1, Sha256, Sha384, Sha512 };

struct HashRow {
  std::uint16_t id;
  HashKind kind;
  MacKind hmac;
  std::string_view name, alias;
  std::uint8_t digest;
  Advice advice;
};

enum class GroupKind : std::uint8_t { Modp, Ecp, Curve25519 };

struct GroupRow {
  std::uint16_t id;  ///< the same number in IKEv1 and IKEv2
  GroupKind kind;
  std::string_view name, alias;
  std::uint16_t bits;
  std::uint16_t public_bytes;  ///< of the KE payload
  std::uint16_t secret_bytes;  ///< of g^xy
  std::uint16_t private_bytes;
  Advice advice;
};

std::span<const CipherRow> ciphers();
std::span<const HashRow> hashes();
std::span<const GroupRow> groups();

/// Null for what nobody here knows: EC2N groups, IDEA, RC5, Tiger.
const CipherRow* cipher_by_id(std::uint64_t id);
const CipherRow* cipher_by_name(std::string_view name);
const HashRow* hash_by_id(std::uint64_t id);
const HashRow* hash_by_name(std::string_view name);
const GroupRow* group_by_id(std::uint64_t id);
/// "modp2048", "ecp256", "curve25519", or the number as text.
const GroupRow* group_by_name(std::string_view name);

}  // namespace testudo::crypto::ike
