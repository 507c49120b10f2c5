#include "app/racoon/certificates.h"

#include "app/racoon/files.h"

namespace testudo::app {
namespace {

std::string place_of(const std::string& name, const std::string& directory) {
  return name.starts_with('/') || directory.empty() ? name : directory + "/" + name;
}

Result<std::vector<std::string>, std::string> trust_texts(const ike::Remote& remote, const std::string& directory) {
  std::vector<std::string> texts;
  if (!remote.ca_file.empty()) {
    TRY(auto text, read_file(place_of(remote.ca_file, directory)));
    texts.push_back(std::move(text));
  }
  if (directory.empty()) return texts;
  static constexpr const char* kHash = "/[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f].";
  for (const char* kind : {"[0-9]", "r[0-9]"}) {
    for (const config::Files::File& file : GlobFiles{}.matching(directory + kHash + kind)) {
      if (!file.failure.empty()) return Failure{file.failure};
      texts.push_back(file.text);
    }
  }
  return texts;
}

}  // namespace

Status<std::string> load_certificates(ike::Remote& remote, const std::string& directory) {
  if (!remote.uses_certificates()) return Done{};
  TRY(const auto certificate, read_file(place_of(remote.certificate_file, directory)));
  TRY(auto key, read_key_file(place_of(remote.key_file, directory)));
  auto credentials = crypto::ike::Credentials::load(certificate, key);
  wipe(as_mutable_bytes(key));
  if (!credentials) return Failure{remote.certificate_file + ", " + remote.key_file + ": " + credentials.error()};
  remote.credentials = std::make_shared<const crypto::ike::Credentials>(*std::move(credentials));
  if (!remote.verify_cert) return Done{};
  TRY(const auto texts, trust_texts(remote, directory));
  auto trust = crypto::ike::Trust::load(texts);
  if (!trust) {
    return Failure{trust.error() + " in ca_type or path certificate, and verify_cert is on: no peer could be believed"};
  }
  remote.trust = std::make_shared<const crypto::ike::Trust>(*std::move(trust));
  return Done{};
}

}  // namespace testudo::app
