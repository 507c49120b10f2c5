#include "radius/exchange.h"

#include <algorithm>

namespace testudo::radius {
namespace {

using wire::radius::Attribute;
using wire::radius::Code;
namespace type = wire::radius::type;

/// For a log line; of an account nobody needs more.
constexpr std::size_t kLongestMessage = 160, kLongestClasses = 1024;

std::optional<Said::Kind> kind_of(std::uint8_t answer, Code request) {
  const bool accounts = request == Code::AccountingRequest;
  switch (Code{answer}) {
    case Code::AccessAccept:
      return accounts ? std::nullopt : std::optional{Said::Kind::Accept};
    case Code::AccessReject:
      return accounts ? std::nullopt : std::optional{Said::Kind::Reject};
    case Code::AccessChallenge:
      return accounts ? std::nullopt : std::optional{Said::Kind::Challenge};
    case Code::AccountingResponse:
      return accounts ? std::optional{Said::Kind::Accounted} : std::nullopt;
    default:
      return std::nullopt;
  }
}

std::string printable(Bytes text) {
  std::string shown;
  for (const std::uint8_t byte : text.first(std::min(text.size(), kLongestMessage))) {
    shown += byte >= 0x20 && byte < 0x7f && byte != '"' ? static_cast<char>(byte) : '?';
  }
  return shown;
}

std::optional<net::Address> address_of(const Attribute* attribute) {
  if (attribute == nullptr || attribute->value.size() != 4) return std::nullopt;
  return net::Address::v4(attribute->value.first<4>());
}

/// RFC 2865 section 5.8: "0xFFFFFFFF indicates that the NAS Should allow the user to select an address … 0xFFFFFFFE
/// indicates that the NAS should select an address": either way, one of our pool.
std::optional<net::Address> framed_address(const Packet& answer) {
  auto address = address_of(answer.find(type::kFramedIpAddress));
  if (address && (address->to_string() == "255.255.255.255" || address->to_string() == "255.255.255.254")) return {};
  return address;
}

ByteVector classes_of(const Packet& answer) {
  ByteVector all;
  for (const Attribute& each : answer.attributes) {
    if (each.type != type::kClass || each.value.empty() || all.size() + 1 + each.value.size() > kLongestClasses)
      continue;
    all.push_back(static_cast<std::uint8_t>(each.value.size()));
    all.insert(all.end(), each.value.begin(), each.value.end());
  }
  return all;
}

}  // namespace

Exchange::Exchange(std::vector<Server> servers, Patience patience, Proof proof)
    : servers_(std::move(servers)), states_(servers_.size()), patience_(patience), proof_(proof) {}

/// The next in the circle with a try left.
std::optional<std::size_t> Exchange::someone_else() const {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const std::size_t place = (asked_ + (until_ ? 1 : 0) + i) % servers_.size();
    if (states_[place].tries < patience_.tries) return place;
  }
  return std::nullopt;
}

Exchange::Next Exchange::next(Time now) {
  const auto other = someone_else();
  const bool early = std::exchange(hurry_, false) && other && *other != asked_;
  if (until_ && now < *until_ && !early) return {std::nullopt, until_};
  if (!other) return {};
  asked_ = *other;
  ++states_[asked_].tries;
  until_ = now + patience_.timeout;
  return {asked_, until_};
}

void Exchange::unreachable(std::size_t server) {
  states_[server].trouble = "it cannot be reached";
  if (server == asked_) hurry_ = true;
}

std::optional<Said> Exchange::take(std::size_t server, Bytes datagram) {
  const auto answer = wire::radius::parse(datagram);
  if (!answer) {
    states_[server].trouble = "its answer cannot be read";
    return std::nullopt;
  }
  return judge(server, *answer);
}

std::optional<Said> Exchange::judge(std::size_t server, const Packet& answer) {
  const Server& asked = servers_[server];
  std::string& trouble = states_[server].trouble;
  const auto request = wire::radius::parse(asked.request);
  if (!request || answer.id != request->id) return std::nullopt;
  const auto kind = kind_of(answer.code, Code{request->code});
  if (!kind) return std::nullopt;
  if (!is_answer_to(answer, request->authenticator, asked.secret.expose())) {
    trouble = "its answer is not made with this secret: is it the same on both sides?";
    return std::nullopt;
  }
  const auto proof = message_proof(answer, request->authenticator, asked.secret.expose());
  const bool proves = proof == MessageProof::Right ||
                      (proof == MessageProof::Missing && (proof_ == Proof::Optional || *kind == Said::Kind::Accounted));
  if (!proves) {
    trouble = proof == MessageProof::Missing
                  ? "its answer has no Message-Authenticator, so anybody in between could have made it: update the "
                    "server or have it send one, or say message_authenticator optional here"
                  : "its answer has a wrong Message-Authenticator";
    return std::nullopt;
  }
  const auto* const message = answer.find(type::kReplyMessage);
  return Said{*kind,
              asked.name,
              message == nullptr ? "" : printable(message->value),
              framed_address(answer),
              address_of(answer.find(type::kFramedIpNetmask)),
              classes_of(answer)};
}

std::string Exchange::failure() const {
  std::string text = "no RADIUS server answers";
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const std::string& trouble = states_[i].trouble;
    text += (i == 0 ? ": " : "; ") + servers_[i].name + ", " + (trouble.empty() ? "silence" : trouble);
  }
  return text;
}

void add_classes(wire::radius::Attributes& out, Bytes classes) {
  for (wire::Reader in{classes}; !in.empty();) {
    const auto length = in.u8();
    const auto value = length ? in.take(*length) : Result<Bytes, wire::Malformed>{Failure{wire::Malformed::Truncated}};
    if (!value || !out.add(type::kClass, *value)) return;
  }
}

}  // namespace testudo::radius
