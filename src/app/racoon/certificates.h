#pragma once
// What a remote block with authentication_method rsasig names, at start and at reload: its certificate and key, the CA
// of ca_type, and the anchors and CRLs of path certificate (files named as c_rehash(1) does).
#include <array>
#include <cstdint>
#include <string>

#include "app/racoon/conf_files.h"
#include "base/result.h"
#include "config/plain_rsa_file.h"
#include "ike/plain_keys.h"
#include "ike/policy.h"

namespace testudo::app {

/// Who has the keys that this host signs with.  Failures: sentences.
class OwnKeys {
 public:
  virtual ~OwnKeys() = default;
  /// From the text of certificates and the name of the file of their key.
  virtual Result<crypto::ike::Credentials, std::string> certified(const std::string& certificates,
                                                                  const std::string& key_file) = 0;
  /// A file of plain_rsa.
  virtual Result<ike::PlainKeys, std::string> plain(const std::string& file, config::KeyUse use, ConfFiles& files) = 0;

 protected:
  OwnKeys() = default;
  OwnKeys(const OwnKeys&) = default;
  OwnKeys& operator=(const OwnKeys&) = default;
};

/// Reads them from the disk; the record of `files` gets their public parts.
class KeysOnDisk final : public OwnKeys {
 public:
  Result<crypto::ike::Credentials, std::string> certified(const std::string& certificates,
                                                          const std::string& key_file) override;
  Result<ike::PlainKeys, std::string> plain(const std::string& file, config::KeyUse use, ConfFiles& files) override;
};

/// By which the unprivileged process names a key: SHA-256 of its certificate, or of the public key alone.
std::array<std::uint8_t, 32> fingerprint(const crypto::ike::Credentials& credentials);
std::array<std::uint8_t, 32> fingerprint(const crypto::ike::RsaPublicKey& key);

/// Nothing for blocks without certificates and without the keys of plain_rsa, which are read too.  Failure: a sentence.
Status<std::string> load_certificates(ike::Remote& remote, const std::string& directory, ConfFiles& files,
                                      OwnKeys& own_keys);

}  // namespace testudo::app
