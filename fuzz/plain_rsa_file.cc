// Files of RSA keys without certificates: of ours, and of peers.  What is read of a public key can be written and read.
#include <cstdint>
#include <cstdlib>

#include "config/plain_rsa_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testudo;
  const std::string text(data, data + size);
  static_cast<void>(config::parse_plain_rsa(text, "own", config::KeyUse::Own));
  const auto keys = config::parse_plain_rsa(text, "peers", config::KeyUse::Peers);
  if (!keys) return 0;
  for (const auto& each : keys->peers) {
    const auto again = config::parse_plain_rsa(config::plain_rsa_text(each.key), "again", config::KeyUse::Peers);
    if (!again || again->peers.at(0).key.blob() != each.key.blob()) std::abort();
  }
  return 0;
}
