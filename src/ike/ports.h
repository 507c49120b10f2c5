#pragma once
// What an IKE machine asks its owner while it decides: pre-shared keys, and what the local policy wants for a peer's
// networks.  Both answer from memory, at once; neither changes anything.
#include <optional>

#include "base/secret.h"
#include "ike/child.h"

namespace testudo::ike {

class KeyStore {
 public:
  virtual ~KeyStore() = default;
  /// The key under this name: an address as text, or what an identity says.  "" is a key too; nothing: there is none.
  virtual std::optional<Secret> pre_shared_key(const std::string& name) const = 0;

 protected:
  KeyStore() = default;
  KeyStore(const KeyStore&) = default;
  KeyStore& operator=(const KeyStore&) = default;
};

class PolicyBase {
 public:
  virtual ~PolicyBase() = default;
  /// The outbound policy with this selector, as a request towards `remote`; nothing when there is none.
  virtual std::optional<ChildRequest> find(const net::Selector& outbound, const net::Address& local,
                                           const net::Address& remote) const = 0;
  /// A text of the first policy, either way, that a generated one must not come near: IPsec's or `discard`, with
  /// packets in common, and not generated; "" when there is none.
  virtual std::string in_the_way(const net::Selector& outbound) const = 0;
  /// A text of what is there instead, for the refusal: "10.1.0.0/16 to 10.2.0.0/16", or "".
  virtual std::string nearest(const net::Selector& outbound) const = 0;

 protected:
  PolicyBase() = default;
  PolicyBase(const PolicyBase&) = default;
  PolicyBase& operator=(const PolicyBase&) = default;
};

}  // namespace testudo::ike
