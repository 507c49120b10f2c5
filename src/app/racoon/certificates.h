#pragma once
// Reads the files that a remote block with authentication_method rsasig names, at start and at reload: its certificate
// and key, the CA of ca_type, and the anchors and CRLs of path certificate (files named as c_rehash(1) does).
#include <string>

#include "base/result.h"
#include "ike/policy.h"

namespace testudo::app {

/// Nothing for blocks without certificates.  Failure: a sentence.
Status<std::string> load_certificates(ike::Remote& remote, const std::string& directory);

}  // namespace testudo::app
