#include "cli/setkey/print_sa.h"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <optional>

#include "crypto/algorithms.h"

namespace testudo::cli {
namespace {

using wire::pfkey::LifetimeExt;
using wire::pfkey::Message;
using wire::pfkey::SaType;

template <std::size_t N>
std::string_view at(const std::array<std::string_view, N>& words, std::size_t index) {
  return index < N ? words[index] : std::string_view{};
}

std::string word_or_number(std::string_view word, unsigned number) {
  return word.empty() ? std::to_string(number) : std::string{word};
}

std::string cipher_word(std::uint8_t id) {
  const crypto::CipherRow* row = crypto::cipher_by_id(id);
  return id == 0 ? "none" : word_or_number(row == nullptr ? std::string_view{} : row->name, id);
}

std::string mac_word(std::uint8_t id) {
  const crypto::MacRow* row = crypto::mac_by_id(id);
  return id == 0 ? "none" : word_or_number(row == nullptr ? std::string_view{} : row->printed, id);
}

std::string compression_word(std::uint8_t id) {
  const crypto::CompressionRow* row = crypto::compression_by_id(id);
  return id == 0 ? "none" : word_or_number(row == nullptr ? std::string_view{} : row->name, id);
}

bool uses_nat(const Message& message) {
  return message.nat_t_type.value_or(0) != 0;
}

std::string end_text(const wire::pfkey::AddressExt& end, bool ports, std::optional<std::uint16_t> nat_port) {
  std::string text = end.endpoint.address.to_string();
  if (ports) text += fmt::format("[{}]", end.endpoint.port);
  if (nat_port) text += fmt::format("[{}]", *nat_port);
  return text + " ";
}

std::string protocol_text(const Message& message) {
  if (uses_nat(message) && message.satype == SaType::Esp) return "esp-udp ";
  const std::string word = word_or_number(satype_word(message.satype), static_cast<unsigned>(message.satype));
  return (uses_nat(message) ? "natt+" : "") + word + " ";
}

std::string algorithm_lines(const Message& message) {
  std::string text;
  if (message.satype == SaType::Ipcomp) {
    text += "\tC: " + compression_word(message.sa->encrypt) + " ";
  } else if (message.satype == SaType::Esp && message.encrypt_key) {
    text += "\tE: " + cipher_word(message.sa->encrypt) + " " + hex_groups(message.encrypt_key->key.expose()) + "\n";
  }
  if (message.auth_key) {
    text += "\tA: " + mac_word(message.sa->auth) + " " + hex_groups(message.auth_key->key.expose()) + "\n";
  }
  return text;
}

std::string lifetime_lines(const Message& message, std::int64_t now) {
  if (!message.current) return "";
  const LifetimeExt& current = *message.current;
  const LifetimeExt hard = message.hard.value_or(LifetimeExt{});
  const LifetimeExt soft = message.soft.value_or(LifetimeExt{});
  const auto now_seconds = static_cast<std::uint64_t>(now);
  const std::uint64_t age = current.addtime == 0 ? 0 : now_seconds - current.addtime;
  return fmt::format("\tcreated: {}\tcurrent: {}\n", date_text(current.addtime), date_text(now_seconds)) +
         fmt::format("\tdiff: {}(s)\thard: {}(s)\tsoft: {}(s)\n", age, hard.addtime, soft.addtime) +
         fmt::format("\tlast: {}\thard: {}(s)\tsoft: {}(s)\n", date_text(current.usetime), hard.usetime, soft.usetime) +
         // NetBSD prints bytes as a floating point number without decimals.
         fmt::format("\tcurrent: {:.0f}(bytes)\thard: {:.0f}(bytes)\tsoft: {:.0f}(bytes)\n",
                     static_cast<double>(current.bytes), static_cast<double>(hard.bytes),
                     static_cast<double>(soft.bytes)) +
         fmt::format("\tallocated: {}\thard: {}\tsoft: {}\n", current.allocations, hard.allocations, soft.allocations);
}

/// The window in bytes, as setkey counts it.
std::uint32_t replay_bytes(const Message& message) {
  return message.replay_window ? *message.replay_window / 8 : std::uint32_t{message.sa->replay};
}

}  // namespace

std::string print_sa(const Message& message, const PrintOptions& options) {
  if (!message.source) return "no ADDRESS_SRC extension.\n";
  const bool nat = uses_nat(message);
  std::string text = end_text(*message.source, options.ports, nat ? message.nat_t_sport : std::nullopt);
  if (!message.destination) return text + " no ADDRESS_DST extension.\n";
  text += end_text(*message.destination, options.ports, nat ? message.nat_t_dport : std::nullopt);
  if (!message.sa) return text + "no SA extension.\n";
  if (!message.sa2) return text + "no SA2 extension.\n";

  const std::uint32_t spi = message.sa->spi.value;
  const std::uint32_t reqid = message.sa2->reqid.value;
  text += "\n\t" + protocol_text(message) +
          "mode=" + word_or_number(mode_word(message.sa2->mode), static_cast<unsigned>(message.sa2->mode)) + " ";
  text += fmt::format("spi={0}(0x{0:08x}) reqid={1}(0x{1:08x})\n", spi, reqid);
  if (nat && message.nat_t_oa) text += "\tNAT OA=" + message.nat_t_oa->to_string() + "\n";
  if (nat && message.nat_t_frag.value_or(0) != 0) text += fmt::format("\tNAT-T esp_frag={}\n", *message.nat_t_frag);
  text += algorithm_lines(message);
  text += fmt::format("\tseq=0x{:08x} replay={} flags=0x{:08x} ", message.sa2->sequence, replay_bytes(message),
                      message.sa->flags);
  text += "state=" + word_or_number(state_word(message.sa->state), static_cast<unsigned>(message.sa->state)) + " \n";
  text += lifetime_lines(message, options.now);
  text += fmt::format("\tsadb_seq={} pid={} refcnt={}\n", message.sequence, message.pid, message.reserved);
  return text;
}

std::string date_text(std::uint64_t unix_seconds) {
  if (unix_seconds == 0) return std::string(20, ' ');
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  std::array<char, 64> buffer{};
  if (localtime_r(&seconds, &parts) == nullptr) return std::string(20, '?');
  const std::size_t written = std::strftime(buffer.data(), buffer.size(), "%b %e %H:%M:%S %Y", &parts);
  return std::string{buffer.data(), written}.substr(0, 20);
}

std::string hex_groups(Bytes bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i != 0 && i % 32 == 0) text += '\n';
    if (i % 4 == 0) text += ' ';
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

std::string_view satype_word(SaType type) {
  constexpr std::array<std::string_view, 12> kWords{"unspec", "unknown", "ah",  "esp",    "unknown", "rsvp",
                                                    "ospfv2", "ripv2",   "mip", "ipcomp", "policy",  "tcp"};
  return at(kWords, static_cast<std::size_t>(type));
}

std::string_view mode_word(wire::pfkey::Mode mode) {
  constexpr std::array<std::string_view, 3> kWords{"any", "transport", "tunnel"};
  return at(kWords, static_cast<std::size_t>(mode));
}

std::string_view state_word(wire::pfkey::SaState state) {
  constexpr std::array<std::string_view, 4> kWords{"larval", "mature", "dying", "dead"};
  return at(kWords, static_cast<std::size_t>(state));
}

}  // namespace testudo::cli
