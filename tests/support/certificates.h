#pragma once
// Certificates that a test makes itself, by OpenSSL: a CA, others under it, CRLs.  Small keys keep tests fast; what is
// tested is not their strength.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace testudo::test {

class Party {
 public:
  struct Wish {
    std::string name;
    const Party* issuer = nullptr;  ///< nothing: signed by itself
    std::string alt_names = "";     ///< "DNS:a.example,IP:192.0.2.1"
    bool is_ca = false;
    long begins = -60, ends = 3600;  ///< seconds from now
  };
  explicit Party(const Wish& wish) : key_(EVP_RSA_gen(1024), EVP_PKEY_free), certificate_(X509_new(), X509_free) {
    X509* const x = certificate_.get();
    X509_set_version(x, 2);
    static long serial = 1;  // by which a CRL names it
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x), wish.begins);
    X509_gmtime_adj(X509_getm_notAfter(x), wish.ends);
    add(X509_get_subject_name(x), "O", "Example");
    add(X509_get_subject_name(x), "CN", wish.name);
    const Party& signer = wish.issuer == nullptr ? *this : *wish.issuer;
    X509_set_issuer_name(x, X509_get_subject_name(signer.certificate_.get()));
    X509_set_pubkey(x, key_.get());
    extend(NID_basic_constraints, wish.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (!wish.alt_names.empty()) extend(NID_subject_alt_name, wish.alt_names);
    X509_sign(x, signer.key_.get(), EVP_sha256());
  }

  std::string certificate() const {
    return pem([&](BIO* out) { PEM_write_bio_X509(out, certificate_.get()); });
  }
  std::string key() const {
    return pem([&](BIO* out) { PEM_write_bio_PrivateKey(out, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }
  /// A list of this CA with that one on it.
  std::string crl_with(const Party& revoked) const {
    const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> crl{X509_CRL_new(), X509_CRL_free};
    X509_CRL_set_version(crl.get(), 1);
    X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(certificate_.get()));
    ASN1_TIME* const now = X509_gmtime_adj(nullptr, -60);
    X509_CRL_set1_lastUpdate(crl.get(), now);
    X509_REVOKED* const entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked.certificate_.get()));
    X509_REVOKED_set_revocationDate(entry, now);
    X509_CRL_add0_revoked(crl.get(), entry);
    X509_gmtime_adj(now, 3600);
    X509_CRL_set1_nextUpdate(crl.get(), now);
    ASN1_TIME_free(now);
    X509_CRL_sign(crl.get(), key_.get(), EVP_sha256());
    return pem([&](BIO* out) { PEM_write_bio_X509_CRL(out, crl.get()); });
  }

 private:
  static void add(X509_NAME* name, const char* type, const std::string& value) {
    X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                               static_cast<int>(value.size()), -1, 0);
  }
  void extend(int kind, const std::string& value) {
    X509_EXTENSION* const made = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    X509_add_ext(certificate_.get(), made, -1);
    X509_EXTENSION_free(made);
  }
  template <typename Write>
  static std::string pem(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out{BIO_new(BIO_s_mem()), BIO_free};
    write(out.get());
    char* text = nullptr;
    const long length = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(length)};
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> certificate_;
};

}  // namespace testudo::test
