#pragma once
// The files that racoon reads: its configuration with what that includes, and keys, of whose files owner and mode must
// keep others out.
#include "app/racoon/log.h"
#include "config/psk_file.h"
#include "config/racoon/conf.h"
#include "ike/ports.h"

namespace testudo::app {

Result<std::string, std::string> read_file(const std::string& name);
/// A file of private keys: refused when others may read it.  The caller wipes it.
Result<std::string, std::string> read_key_file(const std::string& name,
                                               config::KeyKind kind = config::KeyKind::Certificate);

/// What a pattern of the shell matches, sorted.
std::vector<config::Files::File> glob_files(const std::string& pattern);

/// Reads the file anew for each negotiation, so that a new line needs no reload.
class PskFile final : public ike::KeyStore {
 public:
  explicit PskFile(Log& log) : log_(log) {}
  void set_path(std::string path) { path_ = std::move(path); }
  std::optional<Secret> pre_shared_key(const std::string& name) const override;

 private:
  Log& log_;
  std::string path_;
};

}  // namespace testudo::app
