#pragma once
// The variables of `testudo sysctl`: NetBSD's names of net.inet.ipsec, net.inet6.ipsec6 and net.key, each with its
// place in engine::Settings, its range and one sentence.  The one table of them; nothing else spells a name.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "engine/settings.h"

namespace testudo::observe {

struct Variable {
  std::string_view name;
  std::int32_t& (*in)(engine::Settings&);
  std::int32_t minimum, maximum;
  bool writable;
  std::string_view meaning;
};

std::span<const Variable> variables();
const Variable* find_variable(std::string_view name);

enum class WriteError : std::uint8_t { NoSuchName, ReadOnly, OutOfRange, Busy };

/// The value before the write, or why it was refused.  `policies` is the number of installed ones:
/// net.inet.ipsec.enabled may not become 0 while there are any (EBUSY).
std::optional<WriteError> write_variable(engine::Settings& settings, std::string_view name, std::int64_t value,
                                         std::size_t policies);

}  // namespace testudo::observe
