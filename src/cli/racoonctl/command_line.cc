#include "cli/racoonctl/command_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace testudo::cli {
namespace {

using nlohmann::json;
using Parsed = Result<RacoonctlCommand, std::string>;

struct Row {
  const char *name, *alias, *arguments;
};
constexpr std::array kCommands{
    Row{"reload-config", "rc", ""},
    Row{"show-schedule", "sc", ""},
    Row{"show-sa", "ss", "isakmp|esp|ah|ipsec"},
    Row{"get-cert", "gc", "{inet|inet6} src dst"},
    Row{"flush-sa", "fs", "isakmp|esp|ah|ipsec"},
    Row{"delete-sa", "ds", "saopts"},
    Row{"establish-sa", "es", "[-w] [-n block] [-u user] saopts"},
    Row{"vpn-connect", "vc", "[-n block] [-u user] gateway"},
    Row{"vpn-disconnect", "vd", "gateway"},
    Row{"logout-user", "lu", "login"},
    Row{"show-event", "se", ""},
    Row{"explain", "ex", "[peer]"},
};

std::optional<std::uint16_t> number(std::string_view text, unsigned most) {
  std::uint16_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

int family_of(const std::string& word) {
  return word == "inet" ? 4 : word == "inet6" ? 6 : 0;
}

struct Place {
  std::string prefix;
  std::uint16_t port = 0;
};

/// addr, addr/plen, addr/plen/port, addr/plen[port]
std::optional<Place> place_of(std::string text) {
  Place place;
  std::string port;
  if (const auto bracket = text.find('['); bracket != std::string::npos) {
    if (!text.ends_with(']')) return std::nullopt;
    port = text.substr(bracket + 1, text.size() - bracket - 2);
    text.resize(bracket);
  } else if (std::ranges::count(text, '/') == 2) {
    port = text.substr(text.rfind('/') + 1);
    text.resize(text.rfind('/'));
  }
  if (!port.empty() && port != "any") {
    const auto value = number(port, 65535);
    if (!value) return std::nullopt;
    place.port = *value;
  }
  const auto prefix = net::Prefix::parse(text);
  if (!prefix) return std::nullopt;
  place.prefix = prefix->to_string();
  return place;
}

/// {inet|inet6} src dst
Parsed between_hosts(RacoonctlCommand command, std::span<const std::string> w, const RacoonctlNames& names) {
  const int family = w.size() == 3 ? family_of(w[0]) : 0;
  if (family == 0) return Failure{std::string{"expected {inet|inet6} src dst"}};
  const auto source = names.resolve(w[1], family), destination = names.resolve(w[2], family);
  if (!source || !destination) return Failure{"no address of this family: " + (source ? w[2] : w[1])};
  command.request["src"] = source->to_string();
  command.request["dst"] = destination->to_string();
  return command;
}

/// isakmp {inet|inet6} src dst
Parsed phase1(RacoonctlCommand command, std::span<const std::string> w, const RacoonctlNames& names) {
  if (w.size() != 4 || family_of(w[1]) == 0) return Failure{std::string{"expected isakmp {inet|inet6} src dst"}};
  command.request["what"] = "isakmp";
  return between_hosts(std::move(command), w.subspan(1), names);
}

/// {esp|ah} {inet|inet6} src/plen/port dst/plen/port {icmp|tcp|udp|gre|any}
Parsed phase2(RacoonctlCommand command, const std::vector<std::string>& w) {
  const bool whole = w.size() == 5 && family_of(w[1]) != 0;
  const auto source = whole ? place_of(w[2]) : std::nullopt, destination = whole ? place_of(w[3]) : std::nullopt;
  if (!source || !destination) {
    return Failure{std::string{"expected {esp|ah} {inet|inet6} src/plen/port dst/plen/port {icmp|tcp|udp|gre|any}"}};
  }
  command.request["what"] = w[0];
  command.request["src"] = source->prefix;
  command.request["src_port"] = source->port;
  command.request["dst"] = destination->prefix;
  command.request["dst_port"] = destination->port;
  command.request["protocol"] = w[4];
  return command;
}

/// Takes those of -w, -u user and -n block that this command has out of the words.
Status<std::string> take_options(RacoonctlCommand& command, std::vector<std::string>& words) {
  const bool establishes = command.name == "establish-sa", begins = establishes || command.name == "vpn-connect";
  std::vector<std::string> rest;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool is_of_beginning = words[i] == "-u" || words[i] == "-n";
    const bool known = words[i] == "-w" ? establishes : is_of_beginning && begins;
    if (words[i].starts_with('-') && !known) return Failure{command.name + " has no option " + words[i]};
    if (words[i] == "-w") {
      command.request["wait"] = true;
    } else if (words[i] == "-u" || words[i] == "-n") {
      if (i + 1 == words.size()) return Failure{words[i] + " needs a name behind it"};
      command.wants_password = command.wants_password || words[i] == "-u";
      command.request[words[i] == "-u" ? "user" : "block"] = words[i + 1];
      ++i;
    } else {
      rest.push_back(words[i]);
    }
  }
  words = std::move(rest);
  return Done{};
}

Parsed sa_options(RacoonctlCommand command, std::vector<std::string> words, const RacoonctlNames& names) {
  TRY_DONE(take_options(command, words));
  if (!words.empty() && words[0] == "isakmp") return phase1(std::move(command), words, names);
  if (!words.empty() && (words[0] == "esp" || words[0] == "ah")) return phase2(std::move(command), words);
  return Failure{std::string{"expected isakmp, esp or ah"}};
}

Parsed gateway(RacoonctlCommand command, std::vector<std::string> words, const RacoonctlNames& names) {
  TRY_DONE(take_options(command, words));
  if (words.size() != 1) return Failure{std::string{"expected one gateway"}};
  const auto remote = names.resolve(words[0], 0);
  if (!remote) return Failure{"no address is known of " + words[0]};
  const auto local = names.facing(*remote);
  if (!local) return Failure{"there is no route to " + words[0]};
  const bool connects = command.name == "vpn-connect";
  command.request["cmd"] = connects ? "connect" : "disconnect";
  command.request["src"] = local->to_string();
  command.request["dst"] = remote->to_string();
  if (connects) command.request["wait"] = true;
  return command;
}

Parsed tables(RacoonctlCommand command, const std::vector<std::string>& words) {
  static constexpr std::array<std::string_view, 5> kTables{"isakmp", "esp", "ah", "ipcomp", "ipsec"};
  const bool known = words.size() == 1 && std::ranges::find(kTables, words[0]) != kTables.end();
  if (!known) return Failure{std::string{"expected isakmp, esp, ah or ipsec"}};
  command.request["what"] = words[0];
  if (command.name == "show-sa" && words[0] != "isakmp") {
    command.kind = RacoonctlCommand::Kind::ShowSas;
    command.protocol = words[0];
  }
  return command;
}

}  // namespace

std::string admin_socket(const std::string& option, const std::string& run_dir) {
  if (!option.empty()) return option;
  return run_dir == "/run/testudo" ? "/var/run/racoon/racoon.sock" : run_dir + "/racoon.sock";
}

std::string racoonctl_usage() {
  std::string text = "commands:\n";
  for (const Row& row : kCommands) {
    text += "  " + std::string{row.name} + " (" + row.alias + ")" + (*row.arguments == '\0' ? "" : " ") +
            row.arguments + "\n";
  }
  return text +
         "saopts: isakmp {inet|inet6} src dst\n"
         "        {esp|ah} {inet|inet6} src/plen/port dst/plen/port {icmp|tcp|udp|gre|any}\n";
}

Result<RacoonctlCommand, std::string> parse_racoonctl(std::vector<std::string> words, const RacoonctlNames& names) {
  if (words.empty()) return Failure{std::string{"a command is needed"}};
  const auto row =
      std::ranges::find_if(kCommands, [&](const Row& r) { return words[0] == r.name || words[0] == r.alias; });
  if (row == kCommands.end()) return Failure{"Invalid command [" + words[0] + "]"};
  RacoonctlCommand command;
  command.name = row->name;
  command.request["cmd"] = row->name;
  words.erase(words.begin());
  const std::string_view name = command.name;
  if (name == "show-sa" || name == "flush-sa") return tables(std::move(command), words);
  if (name == "delete-sa" || name == "establish-sa") return sa_options(std::move(command), std::move(words), names);
  if (name == "get-cert") return between_hosts(std::move(command), words, names);
  if (name.starts_with("vpn-")) return gateway(std::move(command), std::move(words), names);
  if (name == "explain" && words.size() == 1) {
    const auto peer = names.resolve(words[0], 0);
    if (!peer) return Failure{"no address is known of " + words[0]};
    command.request["peer"] = peer->to_string();
    return command;
  }
  if (name == "logout-user") {
    if (words.size() != 1) return Failure{std::string{"expected the name of a user"}};
    command.request["user"] = words[0];
    return command;
  }
  if (!words.empty()) return Failure{"nothing may stand behind " + command.name};
  if (name == "show-event") command.kind = RacoonctlCommand::Kind::Follow;
  return command;
}

}  // namespace testudo::cli
