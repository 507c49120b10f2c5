#pragma once
// A suite is one cipher with one MAC, or one AEAD, with its keys: chosen and keyed when an SA is installed, then given
// runs of packets of that SA.  One virtual call a run; nothing inside allocates, locks or branches on the algorithm per
// packet.
//
//   | head: authenticated only | text: encrypted in place, authenticated |  icv |
//   '--- iv lies in here, or elsewhere when it is derived ---'
//
// Encrypt-then-MAC (RFC 4303): the MAC covers head, text, and tail, which is authenticated but not sent (the high half
// of an extended sequence number).  head must end where text begins. AEAD: the tag covers aad and text; head and tail
// are not used.  AES-GMAC (RFC 4543) authenticates aad, iv and text and encrypts nothing.
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/algorithms.h"

namespace testudo::crypto {

struct Job {
  Bytes aad{};          ///< AEAD: 8 or 12 bytes
  Bytes head{};         ///< encrypt-then-MAC: the bytes directly in front of text
  Bytes iv{};           ///< CipherRow::iv bytes (8 for a derived DES IV)
  MutableBytes text{};  ///< a multiple of the cipher's block
  Bytes tail{};         ///< encrypt-then-MAC: at most 4 bytes
  MutableBytes icv{};   ///< written by seal, compared by open; empty when the suite has none
  /// Set by open: the ICV was right (always true for a suite without one), and text is plaintext.
  /// Set by seal: text and icv may be sent.  A job of another shape than this is left alone by both, with ok false.
  bool ok = false;
};

/// Keyed and ready.  Not thread-safe: a worker has its own (clone()).
class Suite {
 public:
  virtual ~Suite() = default;
  /// Encrypts and authenticates each job.
  virtual void seal(std::span<Job> jobs) = 0;
  /// Verifies and decrypts.  When ok is false the text is not to be used (it may have been overwritten).
  virtual void open(std::span<Job> jobs) = 0;
  virtual std::unique_ptr<Suite> clone() const = 0;

 protected:
  Suite() = default;
  Suite(const Suite&) = default;
  Suite& operator=(const Suite&) = default;
};

/// A MAC alone, for AH.  Not thread-safe.
class Mac {
 public:
  virtual ~Mac() = default;
  /// The MAC of the pieces one after another, cut to out.size() (zeros beyond the digest).
  virtual void compute(std::span<const Bytes> pieces, MutableBytes out) = 0;
  virtual std::unique_ptr<Mac> clone() const = 0;

 protected:
  Mac() = default;
  Mac(const Mac&) = default;
  Mac& operator=(const Mac&) = default;
};

enum class KeyError : std::uint8_t {
  BadLength,      ///< the row does not allow a key of this length
  WeakKey,        ///< DES: the library refused it
  NotCombinable,  ///< an AEAD with a separate MAC
  NotAvailable,   ///< this build or machine lacks the algorithm
};

enum class Backend : std::uint8_t {
  Best,     ///< the fastest that this machine has
  OpenSsl,  ///< the portable one (nettle and our own code for what OpenSSL lacks)
  IpsecMb,  ///< intel-ipsec-mb; NotAvailable for what it lacks
  Vaes,     ///< our own AES-GCM and ChaCha20-Poly1305 on the widest vectors of this machine; NotAvailable for all else
  Vaes256,  ///< AES-GCM on vectors of 256 bits
};

/// What goes into a suite; keys as PF_KEY carries them (salt at the end).
struct SuiteKeys {
  const CipherRow* cipher = nullptr;  ///< never null
  Bytes cipher_key{};
  const MacRow* mac = nullptr;  ///< null: no authentication, or an AEAD
  Bytes mac_key{};
};

Result<std::unique_ptr<Suite>, KeyError> make_suite(const SuiteKeys& keys, Backend backend = Backend::Best);
/// Whether make_suite() makes one of the best back end: without expanding the keys, where that cannot fail.
Status<KeyError> check_suite(const SuiteKeys& keys);
Result<std::unique_ptr<Mac>, KeyError> make_mac(const MacRow& row, Bytes key, Backend backend = Backend::Best);

/// Names of the back ends that this build and machine have, for `testudo version --features`.
std::span<const std::string_view> available_backends();

}  // namespace testudo::crypto
