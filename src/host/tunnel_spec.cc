#include "host/tunnel_spec.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <span>
#include <string_view>

namespace testudo::host {
namespace {

constexpr std::size_t kLongestName = 15;
constexpr std::uint32_t kManualReqIdMax = 0x3fff;

// Nothing when it went well, else what is wrong.
using Refusal = std::optional<std::string>;
/// The words that are not read yet.
using Words = std::span<const std::string>;

template <typename T>
std::optional<T> number(std::string_view text, T least, T most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || value < least || value > most) return std::nullopt;
  return static_cast<T>(value);
}

Refusal read_address(net::Address& into, const std::string& text) {
  const auto address = net::Address::parse(text);
  if (!address || address->is_unspecified() || address->is_multicast())
    return "'" + text + "' is not the numeric address of a host";
  into = *address;
  return std::nullopt;
}

Refusal read_reqid(std::uint32_t& into, const std::string& text) {
  const auto value = number<std::uint32_t>(text, 1, kManualReqIdMax);
  if (!value) return "reqid: expected a number from 1 to 16383";
  into = *value;
  return std::nullopt;
}

Refusal read_ports(std::optional<TunnelSpec::NatPorts>& into, const std::string& text) {
  const auto comma = text.find(',');
  const auto port = [](std::string_view digits) { return number<std::uint16_t>(digits, 1, 65535); };
  const auto local = port(std::string_view{text}.substr(0, comma));
  const auto remote = comma == std::string::npos ? std::nullopt : port(std::string_view{text}.substr(comma + 1));
  if (!local || !remote) return "nat-t: expected PORT,PORT, such as 4500,4500";
  into = {*local, *remote};
  return std::nullopt;
}

/// Takes one word with what belongs to it.
Refusal read_word(TunnelSpec& spec, Words& words) {
  const std::string word = words.front();
  words = words.subspan(1);
  if (word == "unnumbered") {
    spec.unnumbered = true;
    return std::nullopt;
  }
  if (word != "local" && word != "remote" && word != "reqid" && word != "nat-t")
    return "'" + word + "': expected local, remote, unnumbered, reqid or nat-t";
  if (words.empty()) return "something has to follow '" + word + "'";
  const std::string value = words.front();
  words = words.subspan(1);
  if (word == "local") return read_address(spec.local, value);
  if (word == "remote") return read_address(spec.remote, value);
  return word == "reqid" ? read_reqid(spec.reqid, value) : read_ports(spec.nat, value);
}

Refusal judge_name(const std::string& name) {
  const bool printable = std::ranges::all_of(
      name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; });
  const bool special = name == "." || name == ".." || name == "lo";
  if (name.empty() || name.size() > kLongestName || !printable || special)
    return "'" + name + "' is no name for a device: 1 to 15 letters, digits, '-', '_' or '.'";
  return std::nullopt;
}

}  // namespace

Result<TunnelSpec, std::string> parse_tunnel(const std::vector<std::string>& words) {
  TunnelSpec spec;
  spec.name = words.empty() ? "" : words.front();
  if (const auto refusal = judge_name(spec.name)) return Failure{*refusal};
  for (Words rest = Words{words}.subspan(1); !rest.empty();) {
    if (const auto refusal = read_word(spec, rest)) return Failure{*refusal};
  }
  if (spec.local.is_unspecified() || spec.remote.is_unspecified())
    return Failure{std::string{"expected local ADDRESS and remote ADDRESS"}};
  if (spec.local.family() != spec.remote.family())
    return Failure{std::string{"local and remote are of different families"}};
  if (spec.local == spec.remote) return Failure{std::string{"local and remote are the same address"}};
  return spec;
}

std::uint32_t unit_of(const std::string& name) {
  const auto last = name.find_last_not_of("0123456789");
  return number<std::uint32_t>(std::string_view{name}.substr(last + 1), 0, 0xffff).value_or(0);
}

}  // namespace testudo::host
