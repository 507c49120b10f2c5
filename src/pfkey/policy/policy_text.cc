#include "pfkey/policy/policy_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace testudo::pfkey {
namespace {

using wire::pfkey::Direction;
using wire::pfkey::Level;
using wire::pfkey::Mode;
using wire::pfkey::PolicyExt;
using wire::pfkey::PolicyType;
using wire::pfkey::RequestExt;
using Code = IpsecError;

/// A piece of the text and where it stands.
struct Piece {
  std::string_view text;
  std::size_t offset = 0;

  Piece part(std::size_t from, std::size_t count = std::string_view::npos) const {
    return {text.substr(from, count), offset + from};
  }
};

Failure<PolicyError> fail(Code code, const Piece& at, std::string expected = "") {
  return Failure<PolicyError>{PolicyError{code, at.offset, std::string{at.text}, std::move(expected)}};
}

constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

std::vector<Piece> words_of(std::string_view text) {
  std::vector<Piece> words;
  std::size_t at = 0;
  while (at < text.size()) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && !is_space(text[end])) ++end;
    words.push_back({text.substr(at, end - at), at});
    at = end;
  }
  return words;
}

template <typename T>
struct Word {
  std::string_view text;
  T value;
};

template <typename T, std::size_t N>
std::optional<T> value_of(const std::array<Word<T>, N>& table, std::string_view text) {
  const auto row = std::ranges::find(table, text, &Word<T>::text);
  if (row == table.end()) return std::nullopt;
  return row->value;
}

template <typename T, std::size_t N>
std::optional<std::string_view> word_of(const std::array<Word<T>, N>& table, T value) {
  const auto row = std::ranges::find(table, value, &Word<T>::value);
  if (row == table.end()) return std::nullopt;
  return row->text;
}

constexpr std::array kDirections{
    Word<Direction>{"in", Direction::In}, Word<Direction>{"out", Direction::Out},
    Word<Direction>{"fwd", Direction::In},  // no forward chain of its own here, as on NetBSD
};
constexpr std::array kActions{
    Word<PolicyType>{"discard", PolicyType::Discard}, Word<PolicyType>{"none", PolicyType::None},
    Word<PolicyType>{"ipsec", PolicyType::Ipsec},     Word<PolicyType>{"entrust", PolicyType::Entrust},
    Word<PolicyType>{"bypass", PolicyType::Bypass},
};
constexpr std::array kProtocols{
    Word<std::uint16_t>{"esp", net::protocol::kEsp},
    Word<std::uint16_t>{"ah", net::protocol::kAh},
    Word<std::uint16_t>{"ipcomp", net::protocol::kIpcomp},
};
constexpr std::array kModes{
    Word<Mode>{"transport", Mode::Transport},
    Word<Mode>{"tunnel", Mode::Tunnel},
};
constexpr std::array kLevels{
    Word<Level>{"default", Level::Default},
    Word<Level>{"use", Level::Use},
    Word<Level>{"require", Level::Require},
    Word<Level>{"unique", Level::Unique},
};
constexpr std::array kPriorityBases{
    Word<std::uint32_t>{"low", kPriorityLow},
    Word<std::uint32_t>{"def", kPriorityDefault},
    Word<std::uint32_t>{"high", kPriorityHigh},
};

template <typename T>
std::optional<T> number(std::string_view digits) {
  T value{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

/// Reads the words one after the other; owns the order of the language's parts.
class Parser {
 public:
  Parser(std::string_view text, const ScopedAddress& scoped)
      : scoped_(scoped), words_(words_of(text)), end_{text.substr(text.size()), text.size()} {}

  Result<PolicyExt, PolicyError> policy() {
    PolicyExt policy;
    TRY(policy.direction, direction());
    if (done()) return policy;
    TRY(policy.priority, priority());
    TRY(policy.type, action());
    if (policy.type != PolicyType::Ipsec) {
      if (!done()) return fail(Code::InvalidArgument, peek(), "nothing: only ipsec takes requests");
      return policy;
    }
    while (!done()) {
      TRY(auto request, this->request(policy.direction));
      policy.requests.push_back(request);
    }
    return policy;
  }

 private:
  bool done() const { return next_ == words_.size(); }
  Piece peek() const { return done() ? end_ : words_[next_]; }
  Piece take() { return done() ? end_ : words_[next_++]; }

  Result<Direction, PolicyError> direction() {
    const Piece word = take();
    const auto direction = value_of(kDirections, word.text);
    if (!direction) return fail(Code::InvalidArgument, word, "in or out");
    return *direction;
  }

  Result<PolicyType, PolicyError> action() {
    const Piece word = take();
    const auto type = value_of(kActions, word.text);
    if (!type) return fail(Code::InvalidArgument, word, "discard, none, ipsec, bypass or entrust");
    return *type;
  }

  Result<std::uint32_t, PolicyError> priority();
  Result<std::uint32_t, PolicyError> priority_with_base(std::uint32_t base);
  Result<RequestExt, PolicyError> request(Direction direction);
  Status<PolicyError> addresses(const Piece& piece, Direction direction, RequestExt& request);
  Result<net::Endpoint, PolicyError> endpoint(const Piece& piece);
  static Status<PolicyError> level(const Piece& piece, RequestExt& request);

  const ScopedAddress& scoped_;
  std::vector<Piece> words_;
  std::size_t next_ = 0;
  Piece end_;
};

// "prio N", "prio -N", "prio - N": N towards the head from the default, so a smaller number on the wire.
Result<std::uint32_t, PolicyError> Parser::priority() {
  if (peek().text != "prio" && peek().text != "priority") return std::uint32_t{0};
  take();
  const Piece word = take();
  if (const auto base = value_of(kPriorityBases, word.text)) return priority_with_base(*base);
  std::string digits{word.text};
  if (digits == "-") digits += take().text;
  const auto offset = number<std::int64_t>(digits);
  if (!offset) return fail(Code::InvalidArgument, word, "a number, low, def or high");
  constexpr std::int64_t kDefault = kPriorityDefault;
  if (*offset < 1 - kDefault || *offset > kDefault) return fail(Code::PriorityOffset, word);
  return static_cast<std::uint32_t>(kDefault - *offset);
}

Result<std::uint32_t, PolicyError> Parser::priority_with_base(std::uint32_t base) {
  const Piece sign = peek();
  if (!sign.text.starts_with('+') && !sign.text.starts_with('-')) return base;
  take();
  const Piece digits = sign.text.size() > 1 ? sign.part(1) : take();
  const auto offset = number<std::uint32_t>(digits.text);
  if (!offset) return fail(Code::InvalidArgument, digits, "a number");
  const bool to_head = sign.text.front() == '+';
  if (*offset > (to_head ? 0x40000000U : 0x3fffffffU)) return fail(Code::PriorityBaseOffset, digits);
  return to_head ? base - *offset : base + *offset;
}

std::vector<Piece> split(const Piece& piece, char separator) {
  std::vector<Piece> parts;
  std::size_t from = 0;
  for (std::size_t at = piece.text.find(separator); at != std::string_view::npos;
       at = piece.text.find(separator, from)) {
    parts.push_back(piece.part(from, at - from));
    from = at + 1;
  }
  parts.push_back(piece.part(from));
  return parts;
}

// p/m, p/m/, p/m/A-B, p/m/A-B/, p/m//level, p/m/A-B/level
Result<RequestExt, PolicyError> Parser::request(Direction direction) {
  const Piece word = take();
  const std::vector<Piece> parts = split(word, '/');
  RequestExt request;
  const auto protocol = value_of(kProtocols, parts[0].text);
  if (!protocol) return fail(Code::InvalidProtocol, parts[0], "esp, ah or ipcomp");
  request.protocol = *protocol;
  if (parts.size() < 2 || parts[1].text.empty()) return fail(Code::TooFewArguments, word, "protocol/mode");
  const auto mode = value_of(kModes, parts[1].text);
  if (!mode) return fail(Code::InvalidMode, parts[1], "transport or tunnel");
  request.mode = *mode;
  if (parts.size() > 4) return fail(Code::InvalidArgument, parts[4], "protocol/mode/source-destination/level");
  if (parts.size() > 2) TRY_DONE(addresses(parts[2], direction, request));
  const bool any_endpoint = parts.size() > 2 && !parts[2].text.empty();
  if (request.mode == Mode::Tunnel && !any_endpoint) {
    return fail(Code::InvalidAddress, word, "source-destination: a tunnel has endpoints");
  }
  if (parts.size() > 3) TRY_DONE(level(parts[3], request));
  return request;
}

Status<PolicyError> Parser::addresses(const Piece& piece, Direction direction, RequestExt& request) {
  if (piece.text.empty()) return Done{};
  if (piece.text == "me-any" || piece.text == "any-me") {
    // Fixes the direction, and carries no address on the wire.
    const Direction right = piece.text == "me-any" ? Direction::Out : Direction::In;
    if (direction != right) return fail(Code::InvalidDirection, piece);
    return Done{};
  }
  auto hyphen = piece.text.find('-');
  // The name of an interface may have some: "fe80::1%br-lan-fe80::2%br-lan".
  for (auto next = hyphen; next != piece.text.npos; next = piece.text.find('-', next + 1)) {
    if (!endpoint(piece.part(0, next)) || !endpoint(piece.part(next + 1))) continue;
    hyphen = next;
    break;
  }
  if (hyphen == std::string_view::npos) return fail(Code::InvalidAddress, piece, "source-destination");
  TRY(const auto source, endpoint(piece.part(0, hyphen)));
  TRY(const auto destination, endpoint(piece.part(hyphen + 1)));
  if (source.address.family() != destination.address.family()) return fail(Code::FamilyMismatch, piece);
  request.source = source;
  request.destination = destination;
  return Done{};
}

Result<net::Endpoint, PolicyError> Parser::endpoint(const Piece& piece) {
  const auto bracket = piece.text.find('[');
  const std::string_view text = piece.text.substr(0, bracket);
  auto address = net::Address::parse(text);
  if (!address && scoped_ && text.find('%') != text.npos) address = scoped_(std::string{text});
  if (!address) return fail(Code::InvalidAddress, piece, "a numeric address");
  if (bracket == std::string_view::npos) return net::Endpoint{*address, 0};
  const Piece rest = piece.part(bracket + 1);
  if (!rest.text.ends_with(']')) return fail(Code::InvalidAddress, piece, "ADDRESS[PORT]");
  const Piece digits = rest.part(0, rest.text.size() - 1);
  if (digits.text == "any") return net::Endpoint{*address, 0};
  const auto port = number<std::uint16_t>(digits.text);
  if (!port) return fail(Code::InvalidAddress, digits, "a port number");
  return net::Endpoint{*address, *port};
}

Status<PolicyError> Parser::level(const Piece& piece, RequestExt& request) {
  if (piece.text.empty()) return Done{};
  const auto colon = piece.text.find(':');
  const auto level = value_of(kLevels, piece.text.substr(0, colon));
  if (!level) return fail(Code::InvalidLevel, piece, "default, use, require or unique");
  request.level = *level;
  if (colon == std::string_view::npos) return Done{};
  const auto id = number<std::uint32_t>(piece.text.substr(colon + 1));
  if (*level != Level::Unique || !id) return fail(Code::InvalidLevel, piece, "unique:NUMBER");
  request.reqid = ReqId{*id};
  return Done{};
}

std::string endpoint_text(const net::Endpoint& endpoint, PolicyPorts ports) {
  const std::string address = endpoint.address.to_string();
  return ports == PolicyPorts::Shown ? address + "[" + std::to_string(endpoint.port) + "]" : address;
}

Result<std::string, Code> request_text(const RequestExt& request, PolicyPorts ports) {
  const auto protocol = word_of(kProtocols, request.protocol);
  if (!protocol) return Failure{Code::InvalidProtocol};
  const auto mode = request.mode == Mode::Any ? std::string_view{"any"} : word_of(kModes, request.mode);
  if (!mode) return Failure{Code::InvalidMode};
  const auto level = word_of(kLevels, request.level);
  if (!level) return Failure{Code::InvalidLevel};

  std::string text = std::string{*protocol} + "/" + std::string{*mode} + "/";
  if (request.source && request.destination) {
    text += endpoint_text(*request.source, ports) + "-" + endpoint_text(*request.destination, ports);
  }
  text += "/" + std::string{*level};
  if (request.reqid.value == 0) return text;
  const char mark = request.reqid.value > wire::pfkey::kManualReqIdMax ? '#' : ':';
  return text + mark + std::to_string(request.reqid.value);
}

std::string priority_text(std::uint32_t priority) {
  if (priority == 0) return "";
  // The base that is nearest; each has a quarter of the range on both sides.
  const std::uint32_t base = priority < 0x60000000U   ? kPriorityHigh
                             : priority < 0xA0000000U ? kPriorityDefault
                                                      : kPriorityLow;
  std::string text = "prio " + std::string{*word_of(kPriorityBases, base)} + " ";
  if (priority < base) text += "+ " + std::to_string(base - priority) + " ";
  if (priority > base) text += "- " + std::to_string(priority - base) + " ";
  return text;
}

}  // namespace

Result<PolicyExt, PolicyError> parse_policy_text(std::string_view text, const ScopedAddress& scoped) {
  return Parser{text, scoped}.policy();
}

Result<std::string, IpsecError> print_policy_text(const PolicyExt& policy, std::string_view delimiter,
                                                  PolicyPorts ports) {
  constexpr std::array kPrinted{
      Word<Direction>{"any", Direction::Any},
      Word<Direction>{"in", Direction::In},
      Word<Direction>{"out", Direction::Out},
      Word<Direction>{"fwd", Direction::Fwd},
  };
  const auto direction = word_of(kPrinted, policy.direction);
  if (!direction) return Failure{Code::InvalidDirection};
  const auto action = word_of(kActions, policy.type);
  if (!action) return Failure{Code::InvalidPolicy};
  std::string text = std::string{*direction} + " " + priority_text(policy.priority) + std::string{*action};
  if (policy.type != PolicyType::Ipsec) return text;
  for (const RequestExt& request : policy.requests) {
    TRY(const auto one, request_text(request, ports));
    text += std::string{delimiter} + one;
  }
  return text;
}

}  // namespace testudo::pfkey
