#pragma once
// Public-key work of a negotiation as a value: it takes milliseconds, needs nothing but what it holds, and may run in
// any thread, or in the machine itself where nobody else waits.  Its product comes back as an event.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/strong.h"
#include "crypto/ike/certificate.h"
#include "crypto/ike/key_exchange.h"

namespace testudo::ike {

/// What a peer shows of itself.
struct Evidence {
  std::vector<ByteVector> certificates{};  ///< the peer's first; the others may be of CAs
  ByteVector signature{};
  ByteVector proof{};  ///< that is signed: it belongs to one negotiation

  bool operator==(const Evidence&) const = default;
};

/// What a peer's signature turned out to be worth.
struct Judgement {
  Evidence of{};                                          ///< nothing else has been judged
  std::optional<crypto::ike::Certificate> certificate{};  ///< believed; nothing: see `why`, or it was by a plain key
  std::string why{};                                      ///< the chain is not believed
  bool is_right = false;                                  ///< the signature, by that certificate or key
};

struct WorkProduct {
  std::shared_ptr<const crypto::ike::KeyExchange> own{};  ///< null when the library failed
  std::optional<Secret> shared{};                         ///< nothing when the peer's value is no proper one
  ByteVector signature{};                                 ///< empty when there is no key
  Judgement judgement{};                                  ///< of the peer's signature
};
using Work = std::function<WorkProduct()>;

/// Names one piece of work that is under way.
using WorkId = Strong<struct WorkIdTag, std::uint32_t>;

/// Who runs it: the machine, in the middle of an event, or its owner, who is asked by Compute and answers by Computed.
enum class SlowWork : std::uint8_t { AtOnce, AsActions };

}  // namespace testudo::ike
