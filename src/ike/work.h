#pragma once
// Public-key work of a negotiation as a value: it takes milliseconds, needs nothing but what it holds, and may run in
// any thread, or in the machine itself where nobody else waits.  Its product comes back as an event.
#include <functional>
#include <memory>
#include <optional>

#include "base/strong.h"
#include "crypto/ike/key_exchange.h"

namespace testudo::ike {

struct WorkProduct {
  std::shared_ptr<const crypto::ike::KeyExchange> own{};  ///< null when the library failed
  std::optional<Secret> shared{};                         ///< nothing when the peer's value is no proper one
  ByteVector signature{};                                 ///< empty when there is no key
};
using Work = std::function<WorkProduct()>;

/// Names one piece of work that is under way.
using WorkId = Strong<struct WorkIdTag, std::uint32_t>;

/// Who runs it: the machine, in the middle of an event, or its owner, who is asked by Compute and answers by Computed.
enum class SlowWork : std::uint8_t { AtOnce, AsActions };

}  // namespace testudo::ike
