// The one-line form of `setkey -l`.
#include <fmt/format.h>

#include <array>

#include "cli/setkey/print_sa.h"

namespace testudo::cli {
namespace {

using wire::pfkey::Message;

std::string satype_column(const Message& message) {
  switch (message.satype) {
    case wire::pfkey::SaType::Ah:
      return "ah ";
    case wire::pfkey::SaType::Esp:
      return "esp";
    default:
      return fmt::format("{:<3}", fmt::format("#{}", static_cast<unsigned>(message.satype)));
  }
}

std::string state_and_spi(const Message& message) {
  if (!message.sa) return fmt::format("{:<1} {:<8}", "?", "?");
  constexpr std::array<std::string_view, 4> kLetters{"L", "M", "D", "d"};
  const auto state = static_cast<std::size_t>(message.sa->state);
  const std::string letter = state < kLetters.size() ? std::string{kLetters[state]} : fmt::format("#{}", state);
  return fmt::format(" {} {:08x}", letter, message.sa->spi.value);
}

std::string lifetime_column(const Message& message, std::int64_t now) {
  if (!message.current || !message.hard || !message.soft)
    return " ??"
           "?/???";
  const std::uint64_t added = message.current->addtime;
  const std::uint64_t age = added == 0 ? 0 : static_cast<std::uint64_t>(now) - added;
  const std::uint64_t limit = message.hard->addtime;
  return (age >= 1000 ? std::string{" big/"} : fmt::format(" {:3}/", age)) +
         (limit >= 1000 ? std::string{"big"} : fmt::format("{:<3}", limit));
}

/// Names of this form only; they are not those of the protocol database.
std::string protocol_prefix(std::uint8_t protocol) {
  switch (protocol) {
    case 0:
      return "";
    case 1:
      return "icmp ";
    case 2:
      return "igmp ";
    case 3:
      return "ggp ";
    case 4:
      return "ip4 ";
    case 6:
      return "tcp ";
    case 8:
      return "egp ";
    case 17:
      return "udp ";
    case 22:
      return "idp ";
    case 29:
      return "tp ";
    case 41:
      return "ip6 ";
    case 43:
      return "rt6 ";
    case 44:
      return "frag6 ";
    case 46:
      return "rsvp ";
    case 47:
      return "gre ";
    case 50:
      return "esp ";
    case 51:
      return "ah ";
    case 58:
      return "icmp6 ";
    case 59:
      return "none ";
    case 60:
      return "dst6 ";
    default:
      return fmt::format("#{} ", protocol);
  }
}

std::string end_column(const std::optional<wire::pfkey::AddressExt>& end) {
  if (!end) return "?";
  std::string text = protocol_prefix(end->protocol) + end->endpoint.address.to_string();
  if (end->endpoint.port != 0) text += fmt::format("[{}]", end->endpoint.port);
  return text;
}

}  // namespace

std::string short_heading() {
  return fmt::format("{:<4} {:<3} {:<1} {:<8} {:<7} {} -> {}\n", "time", "p", "s", "spi", "ltime", "src", "dst");
}

std::string print_sa_short(const Message& message, std::int64_t now) {
  const std::int64_t in_hour = now % 3600;
  return fmt::format("{:02}{:02} ", in_hour / 60, in_hour % 60) + satype_column(message) + state_and_spi(message) +
         lifetime_column(message, now) + " " + end_column(message.source) + " -> " + end_column(message.destination) +
         "\n";
}

}  // namespace testudo::cli
