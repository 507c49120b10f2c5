#include "app/racoon/certificates.h"

#include <algorithm>

#include "app/racoon/files.h"
#include "base/secret.h"
#include "crypto/ike/prf.h"

namespace testudo::app {
namespace {

std::string place_of(const std::string& name, const std::string& directory) {
  return name.starts_with('/') || directory.empty() ? name : directory + "/" + name;
}

Result<std::vector<std::string>, std::string> trust_texts(const ike::Remote& remote, const std::string& directory,
                                                          ConfFiles& files) {
  std::vector<std::string> texts;
  if (!remote.ca_file.empty()) {
    TRY(auto text, files.read(place_of(remote.ca_file, directory)));
    texts.push_back(std::move(text));
  }
  // One that signed itself is its own anchor.
  if (remote.peers_certificate) {
    TRY(auto text, files.read(place_of(remote.peers_certificate_file, directory)));
    texts.push_back(std::move(text));
  }
  if (directory.empty()) return texts;
  static constexpr const char* kHash = "/[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f].";
  for (const char* kind : {"[0-9]", "r[0-9]"}) {
    for (const config::Files::File& file : files.matching(directory + kHash + kind)) {
      if (!file.failure.empty()) return Failure{file.failure};
      texts.push_back(file.text);
    }
  }
  return texts;
}

Status<std::string> load_own(ike::Remote& remote, const std::string& directory, ConfFiles& files, OwnKeys& own_keys) {
  TRY(const auto certificate, files.read(place_of(remote.certificate_file, directory)));
  const std::string key_file = place_of(remote.key_file, directory);
  auto credentials = own_keys.certified(certificate, key_file);
  if (!credentials) return Failure{remote.certificate_file + ", " + remote.key_file + ": " + credentials.error()};
  remote.credentials = std::make_shared<const crypto::ike::Credentials>(*std::move(credentials));
  return Done{};
}

Status<std::string> load_peers(ike::Remote& remote, const std::string& directory, ConfFiles& files) {
  if (remote.peers_certificate_file.empty()) return Done{};
  TRY(const auto text, files.read(place_of(remote.peers_certificate_file, directory)));
  auto certificate = crypto::ike::read_certificate(text);
  if (!certificate) return Failure{remote.peers_certificate_file + ": " + certificate.error()};
  remote.peers_certificate = std::make_shared<const crypto::ike::Certificate>(*std::move(certificate));
  return Done{};
}

Status<std::string> load_plain(ike::Remote& remote, const std::string& directory, ConfFiles& files, OwnKeys& own_keys) {
  const auto load = [&](const std::string& name,
                        config::KeyUse use) -> Result<std::shared_ptr<const ike::PlainKeys>, std::string> {
    TRY(auto keys, own_keys.plain(place_of(name, directory), use, files));
    return std::make_shared<const ike::PlainKeys>(std::move(keys));
  };
  if (!remote.plain_key_file.empty()) {
    TRY(remote.plain_own, load(remote.plain_key_file, config::KeyUse::Own));
  }
  if (!remote.plain_peers_file.empty()) {
    TRY(remote.plain_peers, load(remote.plain_peers_file, config::KeyUse::Peers));
  }
  return Done{};
}

/// A file of plain_rsa with public keys alone.
std::string public_text(const ike::PlainKeys& keys) {
  std::string text;
  const auto add = [&](const ike::KeyScope& scope, const crypto::ike::RsaPublicKey& key) {
    text += scope.to_string() + " " + config::plain_rsa_text(key) + "\n";
  };
  for (const ike::PlainKeys::Own& each : keys.own) add(each.scope, each.key.public_key());
  for (const ike::PlainKeys::Peer& each : keys.peers) add(each.scope, each.key);
  return text;
}

std::array<std::uint8_t, 32> sha256(Bytes bytes) {
  std::array<std::uint8_t, 32> print{};
  std::ranges::copy(crypto::ike::digest(crypto::ike::HashKind::Sha256, {bytes}), print.begin());
  return print;
}

}  // namespace

Result<crypto::ike::Credentials, std::string> KeysOnDisk::certified(const std::string& certificates,
                                                                    const std::string& key_file) {
  TRY(auto key, read_key_file(key_file));
  auto credentials = crypto::ike::Credentials::load(certificates, key);
  wipe(as_mutable_bytes(key));
  return credentials;
}

Result<ike::PlainKeys, std::string> KeysOnDisk::plain(const std::string& file, config::KeyUse use, ConfFiles& files) {
  TRY(auto text, use == config::KeyUse::Own ? read_key_file(file, config::KeyKind::PreShared) : read_file(file));
  auto keys = config::parse_plain_rsa(text, file, use);
  wipe(as_mutable_bytes(text));
  if (keys) files.note(file, public_text(*keys));
  return keys;
}

std::array<std::uint8_t, 32> fingerprint(const crypto::ike::Credentials& credentials) {
  return sha256(credentials.certificate().der());
}

std::array<std::uint8_t, 32> fingerprint(const crypto::ike::RsaPublicKey& key) {
  return sha256(key.blob());
}

Status<std::string> load_certificates(ike::Remote& remote, const std::string& directory, ConfFiles& files,
                                      OwnKeys& own_keys) {
  TRY_DONE(load_plain(remote, directory, files, own_keys));
  TRY_DONE(load_peers(remote, directory, files));
  if (remote.uses_signatures() && !remote.plain_own) TRY_DONE(load_own(remote, directory, files, own_keys));
  if (!remote.judges_signatures() || !remote.verify_cert || remote.plain_peers) return Done{};
  TRY(const auto texts, trust_texts(remote, directory, files));
  auto trust = crypto::ike::Trust::load(texts);
  if (!trust) {
    return Failure{trust.error() + " in ca_type or path certificate, and verify_cert is on: no peer could be believed"};
  }
  remote.trust = std::make_shared<const crypto::ike::Trust>(*std::move(trust));
  return Done{};
}

}  // namespace testudo::app
