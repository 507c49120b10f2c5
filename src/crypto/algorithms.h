#pragma once
// One row of truth for each algorithm.  Nothing else in the tree may switch on an algorithm or repeat one of these
// facts: setkey's names and its `Invalid key length`, the SADB_REGISTER lists, the engine's own check, the histograms
// of `testudo stats` and the documentation tables are projections of these rows.
//
// Numbers are the SADB_EALG_* / SADB_AALG_* / SADB_X_CALG_* of <linux/pfkeyv2.h>, KAME's where Linux has none, and our
// own from free numbers where neither has one (marked "ours").
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace testudo::crypto {

/// Lengths of the key as PF_KEY carries it (salt included), in bytes: min, min+step, …, max.
struct KeyLengths {
  std::uint16_t min = 0, max = 0, step = 1;

  constexpr bool allows(std::size_t bytes) const { return bytes >= min && bytes <= max && (bytes - min) % step == 0; }
};

/// RFC 8221: what a warning should say.
enum class Advice : std::uint8_t { Good, Legacy, Broken };

enum class CipherKind : std::uint8_t {
  Null,
  DesCbc,
  TripleDesCbc,
  BlowfishCbc,
  Cast128Cbc,
  AesCbc,
  AesCtr,
  AesGcm,
  AesGmac,
  AesCcm,
  ChaCha20Poly1305,
  CamelliaCbc,
  TwofishCbc,
};

struct CipherRow {
  CipherKind kind;
  std::uint8_t id;                ///< SADB_EALG_*
  std::string_view name;          ///< as setkey -D prints it
  std::string_view alias;         ///< a second name that setkey accepts, or ""
  KeyLengths key;                 ///< salt included
  std::uint8_t salt;              ///< bytes of the key that are nonce, at its end
  std::uint8_t iv;                ///< bytes of explicit IV on the wire
  std::uint8_t block;             ///< payload + trailer is a multiple of max(this, 4)
  std::uint8_t icv;               ///< AEAD: bytes of tag; 0 for plain ciphers
  std::uint8_t advertised_ivlen;  ///< what SADB_REGISTER says: NetBSD's block size, to which it pads
  std::string_view histogram;     ///< NetBSD's spelling in netstat -s
  Advice advice;
  std::string_view spec;

  /// True for AEADs: no separate authentication algorithm may be given.
  constexpr bool is_aead() const { return icv != 0; }
};

enum class MacKind : std::uint8_t {
  Null,
  HmacMd5,
  HmacSha1,
  KeyedMd5,
  KeyedSha1,
  HmacSha256,
  HmacSha384,
  HmacSha512,
  HmacRipemd160,
  AesXcbc,
  AesCmac,
  TcpMd5,
};

struct MacRow {
  MacKind kind;
  std::uint8_t id;           ///< SADB_AALG_*
  std::string_view name;     ///< as setkey reads it
  std::string_view alias;    ///< a second name that setkey accepts, or ""
  std::string_view printed;  ///< as setkey -D prints it (keyed-md5 is printed "md5")
  KeyLengths key;
  std::uint8_t digest;  ///< bytes of the full value
  std::uint8_t icv;     ///< bytes sent in AH, and in ESP but for `null`, which adds nothing there (RFC 4303: no ICV)
  std::string_view histogram;
  Advice advice;
  std::string_view spec;

  constexpr std::uint8_t esp_icv() const { return kind == MacKind::Null ? std::uint8_t{0} : icv; }
};

enum class CompressionKind : std::uint8_t { None, Oui, Deflate, Lzs };

struct CompressionRow {
  CompressionKind kind;
  std::uint8_t id;  ///< SADB_X_CALG_*, which is also the well-known CPI of RFC 3173 section 3.3
  std::string_view name;
  bool implemented;
  std::uint16_t minimum;  ///< payloads shorter than this are sent as they are
  std::string_view histogram;
};

std::span<const CipherRow> ciphers();
std::span<const MacRow> macs();
std::span<const CompressionRow> compressions();

/// Every kind has its row.
const CipherRow& cipher_of(CipherKind kind);
const CipherRow* cipher_by_id(std::uint8_t id);
const CipherRow* cipher_by_name(std::string_view name_or_alias);
const MacRow* mac_by_id(std::uint8_t id);
const MacRow* mac_by_name(std::string_view name_or_alias);
const CompressionRow* compression_by_id(std::uint8_t id);
const CompressionRow* compression_by_name(std::string_view name);

/// Old AH (RFC 1826) always sends this many bytes.
inline constexpr std::uint8_t kOldAhIcv = 16;

}  // namespace testudo::crypto
