#pragma once
// How each extension of a PF_KEY message is read and written: one row per type.  RFC 2367 section 2.3 and the
// structures of <linux/pfkeyv2.h>.  Used by message.cc alone; no state.
#include <span>

#include "wire/pfkey/message.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace testudo::wire::pfkey {

struct ExtensionRow {
  Ext type;
  /// Reads what follows the four bytes of length and type.  Bytes left over are an error of length.
  Status<ParseError> (*parse)(Reader& body, Message& into);
  /// Writes the same, if the message has this extension.
  bool (*compose)(const Message& from, Writer& out);
};

/// In the order of NetBSD's dump, which is the order of compose() when nothing else is asked for.
std::span<const ExtensionRow> extension_rows();
const ExtensionRow* extension_row(Ext type);

Result<PolicyExt, ParseError> parse_policy_body(Reader& body);
void compose_policy_body(const PolicyExt& policy, Writer& out);

}  // namespace testudo::wire::pfkey
