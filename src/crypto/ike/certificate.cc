#include "crypto/ike/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "crypto/ike/rsa_key.h"

namespace testudo::crypto::ike {
namespace {

struct Free {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(X509_CRL* p) const { X509_CRL_free(p); }
  void operator()(X509_NAME* p) const { X509_NAME_free(p); }
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
  void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
  void operator()(STACK_OF(X509) * p) const { sk_X509_free(p); }
};
template <typename T>
using Ptr = std::unique_ptr<T, Free>;

Ptr<BIO> reader(std::string_view text) {
  return Ptr<BIO>{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

template <typename T>
ByteVector der_of(const T* value, int (*encode)(const T*, unsigned char**)) {
  unsigned char* out = nullptr;
  const int length = encode(value, &out);
  if (length <= 0) return {};
  ByteVector bytes(out, out + length);
  OPENSSL_free(out);
  return bytes;
}

std::string text_of(const X509_NAME* name) {
  const Ptr<BIO> out{BIO_new(BIO_s_mem())};
  // Escapes all that is not printable ASCII: it ends in logs and on terminals.
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE);
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  static constexpr long kLongest = 256;
  return {text, static_cast<std::size_t>(std::clamp(length, 0L, kLongest))};
}

/// Nothing unless the bytes are one value and no more.
template <typename T>
Ptr<T> parse(Bytes der, T* (*decode)(T**, const unsigned char**, long)) {
  const unsigned char* at = der.data();
  Ptr<T> value{decode(nullptr, &at, static_cast<long>(der.size()))};
  ERR_clear_error();
  return value && at == der.data() + der.size() ? std::move(value) : nullptr;
}

Ptr<X509_NAME> parse_name(Bytes der) {
  return parse<X509_NAME>(der, d2i_X509_NAME);
}

constexpr const char* kUnreadable = "the peer's certificate cannot be read";

Ptr<X509> parse_x509(Bytes der) {
  return parse<X509>(der, d2i_X509);
}

/// Nobody is asked for a pass phrase.
int no_pass_phrase(char*, int, int, void*) {
  return 0;
}

std::string why() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "not PEM" : reason;
}

Bytes bytes_of(const ASN1_STRING* text) {
  return {ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))};
}

/// Of what kind, and its bytes; nothing for kinds that no identifier of IKE has.
std::optional<std::pair<AltName, Bytes>> alt_name(const GENERAL_NAME* name) {
  switch (name->type) {
    case GEN_DNS:
      return std::pair{AltName::Dns, bytes_of(name->d.dNSName)};
    case GEN_EMAIL:
      return std::pair{AltName::Email, bytes_of(name->d.rfc822Name)};
    case GEN_IPADD:
      return std::pair{AltName::Address, bytes_of(name->d.iPAddress)};
    default:
      return std::nullopt;
  }
}

Ptr<GENERAL_NAMES> alt_names(X509* certificate) {
  return Ptr<GENERAL_NAMES>{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
}

/// Names of hosts and domains are the same in either case.
bool same_text(Bytes a, Bytes b) {
  const auto lower = [](std::uint8_t c) { return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

int tolerate_missing_crl(int ok, X509_STORE_CTX* context) {
  return X509_STORE_CTX_get_error(context) == X509_V_ERR_UNABLE_TO_GET_CRL ? 1 : ok;
}

/// What racoon forgave a file of peers_certfile.
int tolerate_what_a_known_one_may_be(int ok, X509_STORE_CTX* context) {
  static constexpr std::array kForgiven{X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_INVALID_CA,
                                        X509_V_ERR_PATH_LENGTH_EXCEEDED, X509_V_ERR_INVALID_PURPOSE};
  const int error = X509_STORE_CTX_get_error(context);
  return std::ranges::find(kForgiven, error) != kForgiven.end() ? 1 : tolerate_missing_crl(ok, context);
}

bool is_asterisk(const X509_NAME_ENTRY* entry) {
  const ASN1_STRING* const value = X509_NAME_ENTRY_get_data(entry);
  return ASN1_STRING_length(value) == 1 && *ASN1_STRING_get0_data(value) == '*';
}

}  // namespace

struct Certificate::Impl {
  Ptr<X509> x509;
};
struct Credentials::Key {
  Ptr<EVP_PKEY> key;
};
struct Trust::Store {
  Ptr<X509_STORE> store;
};

namespace {

Certificate wrap(Ptr<X509> x509) {
  return Certificate{std::make_shared<const Certificate::Impl>(Certificate::Impl{std::move(x509)})};
}

/// `tolerate` may be null: the store's own.
Result<Certificate, std::string> verified(X509_STORE* store, std::span<const Bytes> chain,
                                          X509_STORE_CTX_verify_cb tolerate) {
  std::vector<Ptr<X509>> owned;
  const Ptr<STACK_OF(X509)> others{sk_X509_new_null()};
  for (const Bytes der : chain) {
    auto x509 = parse_x509(der);
    if (!x509) return Failure{std::string{kUnreadable}};
    if (!owned.empty()) sk_X509_push(others.get(), x509.get());
    owned.push_back(std::move(x509));
  }
  const Ptr<X509_STORE_CTX> context{X509_STORE_CTX_new()};
  if (!context || X509_STORE_CTX_init(context.get(), store, owned.front().get(), others.get()) != 1) {
    return Failure{std::string{"OpenSSL failed"}};
  }
  if (tolerate != nullptr) X509_STORE_CTX_set_verify_cb(context.get(), tolerate);
  const bool good = X509_verify_cert(context.get()) == 1;
  const int code = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (!good) {
    return Failure{text_of(X509_get_subject_name(owned.front().get())) + ": " + X509_verify_cert_error_string(code)};
  }
  return wrap(std::move(owned.front()));
}

}  // namespace

ByteVector Certificate::subject() const {
  return der_of<X509_NAME>(X509_get_subject_name(impl_->x509.get()), i2d_X509_NAME);
}

ByteVector Certificate::issuer() const {
  return der_of<X509_NAME>(X509_get_issuer_name(impl_->x509.get()), i2d_X509_NAME);
}

ByteVector Certificate::der() const {
  return der_of<X509>(impl_->x509.get(), i2d_X509);
}

std::string Certificate::subject_text() const {
  return text_of(X509_get_subject_name(impl_->x509.get()));
}

bool Certificate::has_alt_name(AltName kind, Bytes value) const {
  const auto names = alt_names(impl_->x509.get());
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto name = alt_name(sk_GENERAL_NAME_value(names.get(), i));
    if (!name || name->first != kind) continue;
    if (kind == AltName::Address ? std::ranges::equal(name->second, value) : same_text(name->second, value)) {
      return true;
    }
  }
  return false;
}

std::string Certificate::alt_names_text() const {
  static constexpr std::size_t kLongest = 256;
  const auto names = alt_names(impl_->x509.get());
  std::string text;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()) && text.size() < kLongest; ++i) {
    const auto name = alt_name(sk_GENERAL_NAME_value(names.get(), i));
    if (!name || name->first == AltName::Address) continue;
    text += text.empty() ? "" : ", ";
    for (const std::uint8_t c : name->second) text += c > 0x20 && c < 0x7f ? static_cast<char>(c) : '?';
  }
  return text.substr(0, kLongest);
}

bool Certificate::is_signature_of(Bytes signature, Bytes hash) const {
  return rsa_verify(X509_get0_pubkey(impl_->x509.get()), signature, hash);
}

Result<std::vector<Certificate>, std::string> Credentials::chain_of(std::string_view certificates) {
  std::vector<Certificate> chain;
  const auto in = reader(certificates);
  while (Ptr<X509> x509{PEM_read_bio_X509(in.get(), nullptr, no_pass_phrase, nullptr)}) {
    chain.push_back(wrap(std::move(x509)));
  }
  if (chain.empty()) return Failure{"no certificate: " + why()};
  ERR_clear_error();
  return chain;
}

Result<Credentials, std::string> Credentials::load(std::string_view certificates, Signer signer) {
  Credentials made;
  TRY(made.chain_, chain_of(certificates));
  made.signer_ = std::move(signer);
  return made;
}

Result<Credentials, std::string> Credentials::load(std::string_view certificates, std::string_view key) {
  Credentials made;
  TRY(made.chain_, chain_of(certificates));
  Ptr<EVP_PKEY> private_key{PEM_read_bio_PrivateKey(reader(key).get(), nullptr, no_pass_phrase, nullptr)};
  if (!private_key) return Failure{"no private key: " + why()};
  if (EVP_PKEY_get_base_id(private_key.get()) != EVP_PKEY_RSA) return Failure{std::string{"not a key of RSA"}};
  const auto own = parse_x509(made.certificate().der());
  if (X509_check_private_key(own.get(), private_key.get()) != 1) {
    ERR_clear_error();
    return Failure{std::string{"the private key is not that of the first certificate"}};
  }
  made.key_ = std::make_shared<const Key>(Key{std::move(private_key)});
  return made;
}

ByteVector Credentials::sign(Bytes hash) const {
  return key_ ? rsa_sign(key_->key.get(), hash) : signer_(hash);
}

Result<Trust, std::string> Trust::load(const std::vector<std::string>& texts) {
  Trust made;
  Ptr<X509_STORE> store{X509_STORE_new()};
  bool has_crl = false;
  for (const std::string& text : texts) {
    const auto in = reader(text);
    while (Ptr<X509> x509{PEM_read_bio_X509(in.get(), nullptr, no_pass_phrase, nullptr)}) {
      made.names_.push_back(der_of<X509_NAME>(X509_get_subject_name(x509.get()), i2d_X509_NAME));
      X509_STORE_add_cert(store.get(), x509.get());
    }
    const auto again = reader(text);
    while (Ptr<X509_CRL> crl{PEM_read_bio_X509_CRL(again.get(), nullptr, no_pass_phrase, nullptr)}) {
      X509_STORE_add_crl(store.get(), crl.get());
      has_crl = true;
    }
  }
  ERR_clear_error();
  if (made.names_.empty()) return Failure{std::string{"no certificate of a CA"}};
  if (has_crl) {
    X509_STORE_set_flags(store.get(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_STORE_set_verify_cb(store.get(), tolerate_missing_crl);
  }
  made.store_ = std::make_shared<const Store>(Store{std::move(store)});
  return made;
}

Result<Certificate, std::string> Trust::verify(std::span<const Bytes> chain) const {
  if (chain.empty()) return Failure{std::string{"the peer sent no certificate"}};
  return verified(store_->store.get(), chain, nullptr);
}

Result<Certificate, std::string> Trust::verify_known(Bytes certificate) const {
  return verified(store_->store.get(), {&certificate, 1}, tolerate_what_a_known_one_may_be);
}

Result<Certificate, std::string> parse_certificate(Bytes der) {
  auto x509 = parse_x509(der);
  if (!x509) return Failure{std::string{kUnreadable}};
  return wrap(std::move(x509));
}

Result<Certificate, std::string> read_certificate(std::string_view pem) {
  Ptr<X509> x509{PEM_read_bio_X509(reader(pem).get(), nullptr, no_pass_phrase, nullptr)};
  if (!x509) return Failure{"no certificate: " + why()};
  return wrap(std::move(x509));
}

std::optional<ByteVector> name_of_text(std::string_view text) {
  const Ptr<X509_NAME> name{X509_NAME_new()};
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(",/"), text.size());
    std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string type{part.substr(0, equals)};
    const ByteVector value{part.begin() + static_cast<std::ptrdiff_t>(equals) + 1, part.end()};
    const int added = X509_NAME_add_entry_by_txt(name.get(), type.c_str(), MBSTRING_UTF8, value.data(),
                                                 static_cast<int>(value.size()), -1, 0);
    ERR_clear_error();
    if (added != 1) return std::nullopt;
  }
  if (X509_NAME_entry_count(name.get()) == 0) return std::nullopt;
  return der_of<X509_NAME>(name.get(), i2d_X509_NAME);
}

std::string text_of_name(Bytes der) {
  const auto name = parse_name(der);
  return name ? text_of(name.get()) : "";
}

bool is_same_name(Bytes a, Bytes b) {
  const auto x = parse_name(a), y = parse_name(b);
  return x && y && X509_NAME_cmp(x.get(), y.get()) == 0;
}

bool fits_name(Bytes wanted, Bytes name) {
  const auto pattern = parse_name(wanted), have = parse_name(name);
  if (!pattern || !have || X509_NAME_entry_count(pattern.get()) != X509_NAME_entry_count(have.get())) return false;
  // `pattern` with the values of `have` in place of its asterisks.
  const Ptr<X509_NAME> filled{X509_NAME_new()};
  for (int i = 0; filled && i < X509_NAME_entry_count(pattern.get()); ++i) {
    const X509_NAME_ENTRY *own = X509_NAME_get_entry(pattern.get(), i), *their = X509_NAME_get_entry(have.get(), i);
    const bool same_type = OBJ_cmp(X509_NAME_ENTRY_get_object(own), X509_NAME_ENTRY_get_object(their)) == 0;
    const bool joined =
        i > 0 && X509_NAME_ENTRY_set(X509_NAME_get_entry(pattern.get(), i - 1)) == X509_NAME_ENTRY_set(own);
    const X509_NAME_ENTRY* const value = is_asterisk(own) && same_type ? their : own;
    if (X509_NAME_add_entry(filled.get(), value, -1, joined ? -1 : 0) != 1) return false;
  }
  return filled && X509_NAME_cmp(filled.get(), have.get()) == 0;
}

}  // namespace testudo::crypto::ike
