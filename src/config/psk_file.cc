#include "config/psk_file.h"

#include <algorithm>

#include "base/hex.h"

namespace testudo::config {
namespace {

constexpr std::string_view kBlank = " \t";

std::optional<Secret> hexadecimal_key(std::string_view digits) {
  auto bytes = from_hex(digits);
  if (!bytes || bytes->empty()) return std::nullopt;
  const WipeAtEnd wiped{*bytes};
  return Secret{*bytes};
}

}  // namespace

std::optional<Secret> find_pre_shared_key(std::string_view text, std::string_view identifier) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    // Of thousands of lines most are another peer's: that shows in their first bytes.
    if (!line.starts_with(identifier) || line.starts_with('#')) continue;
    const std::size_t end = line.find_first_of(kBlank);
    if (end != identifier.size()) continue;  // a part of a name, or one with a blank, whose rest would be of the key
    const std::size_t begin = line.find_first_not_of(kBlank, end);
    if (begin == std::string_view::npos) continue;
    const std::string_view key = line.substr(begin);
    return key.starts_with("0x") ? hexadecimal_key(key.substr(2)) : Secret{as_bytes(key)};
  }
  return std::nullopt;
}

std::string complaint_about(const std::string& file, const FileFacts& facts, unsigned uid, KeyKind kind) {
  const unsigned forbidden = kind == KeyKind::PreShared ? 077 : 027;
  if (!facts.regular) return file + " is not a regular file";
  if (facts.owner != uid) return file + " has invalid owner uid";
  if ((facts.mode & forbidden) != 0) return file + " has weak file permission (chmod 600 it)";
  return "";
}

}  // namespace testudo::config
