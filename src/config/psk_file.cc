#include "config/psk_file.h"

#include <algorithm>

namespace testudo::config {
namespace {

constexpr std::string_view kBlank = " \t";

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<Secret> from_hex(std::string_view digits) {
  if (digits.empty() || digits.size() % 2 != 0) return std::nullopt;
  ByteVector bytes;
  bytes.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = nibble(digits[i]), low = nibble(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  Secret key{bytes};
  wipe(bytes);
  return key;
}

}  // namespace

std::optional<Secret> find_pre_shared_key(std::string_view text, std::string_view identifier) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.starts_with('#')) continue;
    const std::size_t end = line.find_first_of(kBlank);
    if (end == std::string_view::npos || line.substr(0, end) != identifier) continue;
    const std::size_t begin = line.find_first_not_of(kBlank, end);
    if (begin == std::string_view::npos) continue;
    const std::string_view key = line.substr(begin);
    return key.starts_with("0x") ? from_hex(key.substr(2)) : Secret{as_bytes(key)};
  }
  return std::nullopt;
}

std::string complaint_about(const std::string& file, const FileFacts& facts, unsigned uid) {
  static constexpr unsigned kOthers = 077;
  if (!facts.regular) return file + " is not a regular file";
  if (facts.owner != uid) return file + " has invalid owner uid";
  if ((facts.mode & kOthers) != 0) return file + " has weak file permission (chmod 600 it)";
  return "";
}

}  // namespace testudo::config
