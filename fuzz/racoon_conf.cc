// racoon.conf and psk.txt: any text is read to its end, and a configuration without errors has whole blocks.
#include <cstdint>
#include <cstdlib>

#include "config/psk_file.h"
#include "config/racoon/conf.h"

struct NoFiles final : testudo::config::Files {
  std::vector<File> matching(const std::string&) override { return {}; }
  std::uint32_t link(const std::string& name) override { return static_cast<std::uint32_t>(name.size()); }
};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text{data, data + size};
  NoFiles files;
  const auto loaded = testudo::config::load_racoon_conf(text, "input", files);
  for (const auto& remote : loaded.conf->policy.remotes) {
    for (const auto& t : remote.proposals) {
      if (t.cipher == nullptr || t.hash == nullptr || t.group == nullptr) std::abort();
    }
  }
  (void)testudo::config::find_pre_shared_key(text, "10.0.0.1");
  return 0;
}
