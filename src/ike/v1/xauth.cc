#include "ike/v1/xauth.h"

#include <algorithm>

namespace testudo::ike::v1 {
namespace {

namespace config = v1wire::config;
using v1wire::Attribute;
using Type = Configuration::Type;

Mismatch no_answer_to(std::string attribute, std::string theirs, std::string hint) {
  return {std::move(attribute), "", std::move(theirs), "", std::move(hint), v1wire::Notify::AuthenticationFailed,
          "is not possible"};
}

const Attribute* find(const Configuration& configuration, std::uint16_t type) {
  const auto found = std::ranges::find(configuration.attributes, type, &Attribute::type);
  return found == configuration.attributes.end() ? nullptr : &*found;
}

std::string text_of(const Attribute* attribute, std::size_t longest) {
  if (attribute == nullptr || attribute->value.size() > longest) return "";
  const auto printable = [](std::uint8_t byte) { return byte >= 0x20 && byte < 0x7f; };
  if (!std::ranges::all_of(attribute->value, printable)) return "";
  return {attribute->value.begin(), attribute->value.end()};
}

bool is_xauth(const Attribute& attribute) {
  return attribute.type >= config::kXauthType && attribute.type <= config::kXauthStatus;
}

}  // namespace

bool is_about_xauth(const Configuration& configuration) {
  return std::ranges::any_of(configuration.attributes, is_xauth);
}

Configuration login_question() {
  return {Type::Request,
          0,
          {Attribute::of(config::kXauthType, config::kXauthGeneric), Attribute::of(config::kXauthUser, Bytes{}),
           Attribute::of(config::kXauthPassword, Bytes{})}};
}

Result<Configuration, Mismatch> login_answer(const Configuration& question, const UserPassword& login) {
  Configuration answer{Type::Reply, question.identifier, {}};
  for (const Attribute& asked : question.attributes) {
    switch (asked.type) {
      case config::kXauthType:
        if (asked.number().value_or(config::kXauthGeneric) != config::kXauthGeneric) {
          return Failure{no_answer_to("kind of login", "XAUTH type " + std::to_string(*asked.number()),
                                      "this host knows plain passwords only: let the peer ask for generic")};
        }
        answer.attributes.push_back(Attribute::of(config::kXauthType, config::kXauthGeneric));
        break;
      case config::kXauthUser:
        answer.attributes.push_back(Attribute::of(config::kXauthUser, as_bytes(login.user)));
        break;
      case config::kXauthPassword:
      case config::kXauthPasscode:
        answer.attributes.push_back(Attribute::of(asked.type, login.password.expose()));
        break;
      case config::kXauthMessage:
        break;
      case config::kXauthDomain:
        answer.attributes.push_back(Attribute::of(config::kXauthDomain, Bytes{}));
        break;
      default:
        if (is_xauth(asked)) {
          return Failure{no_answer_to("kind of login", "XAUTH attribute " + std::to_string(asked.type),
                                      "this host knows plain passwords only, no challenges")};
        }
    }
  }
  return answer;
}

Configuration login_refusal() {
  return {Type::Reply, 0, {Attribute::of(config::kXauthStatus, config::kXauthFailed)}};
}

Result<UserPassword, Mismatch> read_login(const Configuration& answer) {
  if (find(answer, config::kXauthStatus) != nullptr) {
    return Failure{
        no_answer_to("login", "the client gave up", "the client's log says why: most likely it has no password")};
  }
  const Attribute* const type = find(answer, config::kXauthType);
  if (type != nullptr && type->number() != config::kXauthGeneric) {
    return Failure{
        no_answer_to("kind of login", "another than was asked for", "let the client answer with a password")};
  }
  UserPassword login;
  login.user = text_of(find(answer, config::kXauthUser), kLongestUser);
  if (login.user.empty()) {
    return Failure{no_answer_to("user name", "none, or one that is no text", "let the client set xauth_login")};
  }
  const Attribute* const password = find(answer, config::kXauthPassword);
  const Attribute* const given = password != nullptr ? password : find(answer, config::kXauthPasscode);
  const bool usable = given != nullptr && given->value.size() <= kLongestPassword &&
                      std::ranges::find(given->value, 0) == given->value.end();
  if (!usable) return Failure{no_answer_to("password", "none that could be one", "let the client give one")};
  login.password = Secret{given->value};
  return login;
}

Configuration verdict(bool passed, std::string_view words) {
  Configuration set{
      Type::Set, 0, {Attribute::of(config::kXauthStatus, passed ? config::kXauthPassed : config::kXauthFailed)}};
  if (!words.empty()) set.attributes.push_back(Attribute::of(config::kXauthMessage, as_bytes(words)));
  return set;
}

std::optional<Verdict> read_verdict(const Configuration& set) {
  const Attribute* const status = find(set, config::kXauthStatus);
  if (status == nullptr) return std::nullopt;
  return Verdict{status->number() == config::kXauthPassed, message_of(set)};
}

Configuration acknowledgement(const Configuration& set) {
  Configuration ack{Type::Ack, set.identifier, {}};
  for (const Attribute& attribute : set.attributes) ack.attributes.push_back(Attribute::of(attribute.type, Bytes{}));
  return ack;
}

std::string message_of(const Configuration& configuration) {
  static constexpr std::size_t kLongest = 240;
  return text_of(find(configuration, config::kXauthMessage), kLongest);
}

void wipe_values(Configuration& configuration) {
  for (Attribute& attribute : configuration.attributes) wipe(attribute.value);
}

}  // namespace testudo::ike::v1
