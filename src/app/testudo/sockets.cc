// testudo status --sockets: which sockets have a policy of their own.  testudod knows what each mark means, the kernel
// which sockets carry it; a long list of sockets is read here, not where packets wait.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/testudo/ask.h"
#include "base/hex.h"
#include "host/socket_diag.h"
#include "net/protocol.h"
#include "pfkey/policy/policy_text.h"
#include "wire/pfkey/message.h"

namespace testudo::app {
namespace {

using nlohmann::json;

/// In the words of ipsec_set_policy(3), "" where none was set.
std::string words_of(const json& slot, const char* direction) {
  const auto hex = slot.find(direction);
  if (hex == slot.end() || !hex->is_string()) return {};
  const auto bytes = from_hex(hex->get<std::string>());
  const auto policy = wire::pfkey::parse_policy(bytes.value_or(ByteVector{}));
  const auto text = policy ? pfkey::print_policy_text(*policy) : Failure{pfkey::IpsecError::InvalidPolicy};
  return text ? *text : "?";
}

std::string text_of(const net::Endpoint& at) {
  return fmt::format("{}[{}]", at.address.to_string(), at.port == 0 ? "any" : std::to_string(at.port));
}

const char* protocol_word(std::uint8_t protocol) {
  return protocol == net::protocol::kTcp ? "tcp" : "udp";
}

/// As in the names of the values: UDP_ENCAP_ESPINUDP_NON_IKE, UDP_ENCAP_ESPINUDP.
const char* encapsulation_of(const json& slot) {
  const int form = slot.value("udp_encap", 0);
  if (form == 0) return "";
  return form == 1 ? "espinudp_non_ike" : "espinudp";
}

json row_of(const host::SocketFacts& socket, const json& slot) {
  return {{"protocol", protocol_word(socket.protocol)},
          {"local", text_of(socket.local)},
          {"remote", text_of(socket.remote)},
          {"uid", socket.uid},
          {"cookie", socket.cookie},
          {"privileged", slot.value("privileged", false)},
          {"in", words_of(slot, "in")},
          {"out", words_of(slot, "out")},
          {"udp_encap", encapsulation_of(slot)}};
}

std::string render(const json& rows) {
  std::string text;
  for (const json& row : rows) {
    text +=
        fmt::format("{} {} {} uid {}{}\n", row.value("protocol", ""), row.value("local", ""), row.value("remote", ""),
                    row.value("uid", 0U), row.value("privileged", false) ? " privileged" : "");
    for (const char* direction : {"in", "out"}) {
      const std::string words = row.value(direction, "");
      if (!words.empty()) text += fmt::format("\t{}\n", words);
    }
    if (const std::string form = row.value("udp_encap", ""); !form.empty())
      text += fmt::format("\tudp_encap {}\n", form);
  }
  return text.empty() ? "No sockets with a policy of their own.\n" : text;
}

}  // namespace

int show_sockets(const CommonOptions& common) {
  int status = 0;
  const auto reply = ask(common, {{"cmd", "sockets"}}, status);
  if (!reply) return status;
  json rows = json::array();
  auto diag = host::SocketDiag::open();
  const auto visit = [&](const host::SocketFacts& socket) {
    for (const json& slot : reply->value("slots", json::array())) {
      const bool its_own = (socket.mark & slot.value("mask", 0U)) == slot.value("mark", 0U);
      if (its_own) rows.push_back(row_of(socket, slot));
    }
  };
  if (!diag || !diag->list(visit)) {
    fmt::print(stderr, "testudo: the kernel does not show its sockets\n");
    return kRefused;
  }
  fmt::print("{}", common.json ? rows.dump(2) + "\n" : render(rows));
  return 0;
}

}  // namespace testudo::app
