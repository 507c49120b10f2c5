#pragma once
// The part of an SA command that needs no name look-up: protocol, SPI, extensions and algorithms of one command.
// Used by compile.cc only.
#include <cstdint>
#include <optional>

#include "base/result.h"
#include "cli/setkey/script.h"
#include "wire/pfkey/message.h"

namespace testudo::cli {

/// What one SA command says, checked.
struct SaDraft {
  wire::pfkey::SaType satype = wire::pfkey::SaType::Unspec;
  bool nat = false;
  wire::pfkey::SaExt sa;
  wire::pfkey::Mode mode = wire::pfkey::Mode::Any;
  ReqId reqid;
  wire::pfkey::LifetimeExt hard, soft;
  std::optional<std::uint16_t> fragment;
  std::optional<std::uint32_t> replay_window;
  const Secret* encrypt_key = nullptr;  ///< the command's; also set (to an empty key) for `-E null`
  const Secret* auth_key = nullptr;
  std::vector<Diagnostic> warnings;
};

/// "esp-old": satype and flags.
wire::pfkey::SaType satype_of(const SaProtocolChoice& protocol);

Result<SaDraft, Diagnostic> draft_sa(const SaCommand& command);

/// An error at a word.
Diagnostic error_at(const Word& word, std::string message, std::string expected = "", std::string hint = "");

}  // namespace testudo::cli
