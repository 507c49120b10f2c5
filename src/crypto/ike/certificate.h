#pragma once
// X.509 certificates and RSA signatures as IKEv1 uses them: RFC 2409 section 5.1, RFC 4945.  Parsing, chains and CRLs
// are OpenSSL's.  Reads no file; the time of day is the only thing that it asks the system for.  Values are immutable:
// any thread may use them.
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace testudo::crypto::ike {

/// Of subjectAltName.
enum class AltName : std::uint8_t { Dns, Email, Address };

/// A certificate that was verified, or is our own.
class Certificate {
 public:
  struct Impl;
  explicit Certificate(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

  ByteVector subject() const;  ///< DER
  ByteVector issuer() const;   ///< DER
  ByteVector der() const;
  std::string subject_text() const;
  bool has_alt_name(AltName kind, Bytes value) const;
  std::string alt_names_text() const;
  /// PKCS #1 v1.5 without an algorithm's OID: "as a private key encryption in PKCS #1 format and not as a signature".
  bool is_signature_of(Bytes signature, Bytes hash) const;

 private:
  std::shared_ptr<const Impl> impl_;
};

/// A private key, or somebody who has it, and the certificates that belong to it.
class Credentials {
 public:
  /// PEM: the first certificate is that of the key, those behind it are of CAs between it and the peer's anchor.
  static Result<Credentials, std::string> load(std::string_view certificates, std::string_view key);
  /// The key is elsewhere: `signer` asks for the signature of a hash, and gives an empty one when there is none.
  using Signer = std::function<ByteVector(Bytes hash)>;
  static Result<Credentials, std::string> load(std::string_view certificates, Signer signer);

  const Certificate& certificate() const { return chain_.front(); }
  const std::vector<Certificate>& chain() const { return chain_; }
  /// Empty when the library failed.
  ByteVector sign(Bytes hash) const;

 private:
  struct Key;
  std::vector<Certificate> chain_;
  static Result<std::vector<Certificate>, std::string> chain_of(std::string_view certificates);
  std::shared_ptr<const Key> key_;
  Signer signer_;  ///< without a key
};

/// Whom to believe.
class Trust {
 public:
  /// PEM: certificates and CRLs, as many as there are.
  static Result<Trust, std::string> load(const std::vector<std::string>& texts);

  /// Names of the anchors, DER.
  const std::vector<ByteVector>& names() const { return names_; }
  /// DER, the peer's first.  A CRL that is missing is no failure, a certificate on one is.  Failure: a sentence.
  Result<Certificate, std::string> verify(std::span<const Bytes> chain) const;
  /// Of a certificate that the administrator has put here and the peer did not send: that it is out of date, or that
  /// its chain was not made for this, is no failure either.
  Result<Certificate, std::string> verify_known(Bytes certificate) const;

 private:
  struct Store;
  std::shared_ptr<const Store> store_;
  std::vector<ByteVector> names_;
};

/// The certificate as it is, believed by nobody: `verify_cert off`.
Result<Certificate, std::string> parse_certificate(Bytes der);
/// The same of PEM: the first one.
Result<Certificate, std::string> read_certificate(std::string_view pem);

/// "C=NL, O=Example, CN=host": DER; nothing when it cannot be read.
std::optional<ByteVector> name_of_text(std::string_view text);
std::string text_of_name(Bytes der);
/// RFC 5280 section 7.1: without regard to case, blanks and kinds of strings.
bool is_same_name(Bytes a, Bytes b);
/// The same, or with any value where `wanted` has `*` for a whole one.  In `name` that is a character like others.
bool fits_name(Bytes wanted, Bytes name);

}  // namespace testudo::crypto::ike
