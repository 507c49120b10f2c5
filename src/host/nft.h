#pragma once
// The kernel's packet filter by libnftables.  A text of commands is one transaction: all of it or nothing.
#include <memory>
#include <string>

#include "io/system_error.h"

struct nft_ctx;

namespace testudo::host {

class Nft {
 public:
  Nft();

  Status<io::SystemError> run(const std::string& commands);
  /// Everything of everybody, as JSON (libnftables-json(5)).
  Result<std::string, io::SystemError> ruleset();

 private:
  struct Free {
    void operator()(nft_ctx* context) const;
  };
  std::unique_ptr<nft_ctx, Free> context_;
};

}  // namespace testudo::host
