#include "cli/setkey/compile.h"

#include <algorithm>
#include <charconv>
#include <type_traits>
#include <utility>

#include "cli/setkey/sa_builder.h"
#include "net/protocol.h"
#include "pfkey/policy/policy_text.h"

namespace testudo::cli {
namespace {

using wire::pfkey::AddressExt;
using wire::pfkey::Ext;
using wire::pfkey::Message;
using wire::pfkey::Type;

constexpr std::uint16_t kNatTPort = 4500;

template <typename T>
std::optional<T> decimal(std::string_view text, T limit) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failure != std::errc{} || end != text.data() + text.size() || value > limit) return std::nullopt;
  return static_cast<T>(value);
}

Result<Resolver::Query, Diagnostic> query_of(const std::vector<Word>& options) {
  Resolver::Query query;
  for (const Word& word : options) {
    for (const char letter : std::string_view{word.text}.substr(1)) {
      if (letter == '4') {
        query.family = net::Family::V4;
      } else if (letter == '6') {
        query.family = net::Family::V6;
      } else if (letter == 'n') {
        query.numeric_only = true;
      } else {
        return Failure{error_at(word, "invalid flag", "-4, -6 or -n")};
      }
    }
  }
  return query;
}

Result<std::vector<net::Address>, Diagnostic> look_up(const Word& host, const Resolver::Query& query,
                                                      Resolver& resolver) {
  auto found = resolver.host(host.text, query);
  if (!found) return Failure{error_at(host, found.error(), "an IP address or the name of a host")};
  if (found->empty()) return Failure{error_at(host, "No address associated with hostname")};
  return *std::move(found);
}

Result<std::uint16_t, Diagnostic> port_of(const std::optional<Word>& word, Resolver& resolver) {
  if (!word || word->text == "any") return std::uint16_t{0};
  if (word->text.find_first_not_of("0123456789") == std::string::npos) {
    const auto port = decimal<std::uint16_t>(word->text, 65535);
    if (!port) return Failure{error_at(*word, "Servname not supported for ai_socktype", "a port up to 65535")};
    return *port;
  }
  const auto port = resolver.service(word->text);
  if (!port) {
    return Failure{error_at(*word, "Servname not supported for ai_socktype", "a port number, a service or any")};
  }
  return *port;
}

AddressExt whole_address(const net::Address& address, std::uint16_t port) {
  return {{address, port}, net::protocol::kAny, static_cast<std::uint8_t>(address.width())};
}

Type type_of(SaCommand::Verb verb) {
  switch (verb) {
    case SaCommand::Verb::Add:
      return Type::Add;
    case SaCommand::Verb::Update:
      return Type::Update;
    case SaCommand::Verb::GetSpi:
      return Type::GetSpi;
    case SaCommand::Verb::Get:
      return Type::Get;
    case SaCommand::Verb::Delete:
    case SaCommand::Verb::DeleteAll:
      break;
  }
  return Type::Delete;
}

std::optional<wire::pfkey::KeyExt> key_extension(const Secret* key) {
  if (key == nullptr) return std::nullopt;
  return wire::pfkey::KeyExt{static_cast<std::uint16_t>(key->size() * 8), key->clone()};
}

bool limits_anything(const wire::pfkey::LifetimeExt& lifetime) {
  return lifetime.addtime != 0 || lifetime.bytes != 0;
}

class Compiler {
 public:
  explicit Compiler(Resolver& resolver) : resolver_(resolver) {}

  Status<Diagnostic> run(const SaCommand& command);
  Status<Diagnostic> run(const SaTableCommand& command);
  Status<Diagnostic> run(const PolicyCommand& command);
  Status<Diagnostic> run(const PolicyTableCommand& command);

  Compiled take() { return std::move(out_); }

 private:
  struct Ends {
    net::Endpoint source, destination;
  };

  Result<std::vector<Ends>, Diagnostic> pairs(const SaCommand& command, const Resolver::Query& query);
  Result<AddressExt, Diagnostic> range(const HostRange& range, const Resolver::Query& query);
  static void add_keys_and_lifetimes(const SaDraft& draft, Message& message);
  Status<Diagnostic> add_encapsulation(const SaCommand& command, const Resolver::Query& query, const Ends& ends,
                                       Message& message);

  Resolver& resolver_;
  Compiled out_;
};

Status<Diagnostic> Compiler::run(const SaCommand& command) {
  TRY(const auto query, query_of(command.address_options));
  TRY(auto draft, draft_sa(command));
  std::ranges::move(draft.warnings, std::back_inserter(out_.diagnostics));
  TRY(const auto ends, pairs(command, query));
  const bool keyed = command.verb == SaCommand::Verb::Add || command.verb == SaCommand::Verb::Update ||
                     command.verb == SaCommand::Verb::GetSpi;
  for (const Ends& pair : ends) {
    Message message;
    message.type = type_of(command.verb);
    message.satype = draft.satype;
    if (keyed) add_keys_and_lifetimes(draft, message);
    if (command.verb == SaCommand::Verb::GetSpi && draft.sa.spi.value != 0) {
      message.spi_range = wire::pfkey::SpiRangeExt{draft.sa.spi.value, draft.sa.spi.value};
    }
    if (command.verb != SaCommand::Verb::DeleteAll) {
      message.sa = draft.sa;
      message.sa2 = wire::pfkey::Sa2Ext{draft.mode, 0, draft.reqid};
    }
    message.source = whole_address(pair.source.address, pair.source.port);
    message.destination = whole_address(pair.destination.address, pair.destination.port);
    if (keyed && draft.nat) {
      message.nat_t_frag = draft.fragment;
      TRY_DONE(add_encapsulation(command, query, pair, message));
    }
    // KAME's order; what a message lacks is passed over.
    message.order = {Ext::KeyEncrypt, Ext::KeyAuth,    Ext::LifetimeHard, Ext::LifetimeSoft, Ext::SpiRange,
                     Ext::Sa,         Ext::Sa2,        Ext::Replay,       Ext::NatTType,     Ext::NatTOa,
                     Ext::AddressSrc, Ext::AddressDst, Ext::NatTSport,    Ext::NatTDport,    Ext::NatTFrag};
    out_.messages.push_back(std::move(message));
  }
  return Done{};
}

void Compiler::add_keys_and_lifetimes(const SaDraft& draft, Message& message) {
  message.encrypt_key = key_extension(draft.encrypt_key);
  message.auth_key = key_extension(draft.auth_key);
  if (limits_anything(draft.hard)) message.hard = draft.hard;
  if (limits_anything(draft.soft)) message.soft = draft.soft;
  message.replay_window = draft.replay_window;
}

Status<Diagnostic> Compiler::add_encapsulation(const SaCommand& command, const Resolver::Query& query, const Ends& ends,
                                               Message& message) {
  message.nat_t_type = wire::pfkey::kEncapEspInUdp;
  message.nat_t_sport = ends.source.port != 0 ? ends.source.port : kNatTPort;
  message.nat_t_dport = ends.destination.port != 0 ? ends.destination.port : kNatTPort;
  if (!command.protocol.original_address) return Done{};
  TRY(const auto original, look_up(*command.protocol.original_address, query, resolver_));
  message.nat_t_oa = original.front();
  return Done{};
}

Result<std::vector<Compiler::Ends>, Diagnostic> Compiler::pairs(const SaCommand& command,
                                                                const Resolver::Query& query) {
  TRY(const auto sources, look_up(command.source.host, query, resolver_));
  TRY(const auto destinations, look_up(command.destination.host, query, resolver_));
  TRY(const auto source_port, port_of(command.source.port, resolver_));
  TRY(const auto destination_port, port_of(command.destination.port, resolver_));
  if (command.verb == SaCommand::Verb::Delete) {
    if (sources.size() > 1) return Failure{error_at(command.source.host, "multiple address specified")};
    if (destinations.size() > 1) return Failure{error_at(command.destination.host, "multiple address specified")};
  }
  std::vector<Ends> out;
  for (const net::Address& source : sources) {
    for (const net::Address& destination : destinations) {
      if (source.family() != destination.family()) continue;
      out.push_back({{source, source_port}, {destination, destination_port}});
    }
  }
  if (out.empty()) {
    return Failure{error_at(command.destination.host, "Family mismatch", "an address of the source's family")};
  }
  return out;
}

Status<Diagnostic> Compiler::run(const SaTableCommand& command) {
  Message message;
  message.type = command.verb == SaTableCommand::Verb::Flush ? Type::Flush : Type::Dump;
  if (command.protocol) message.satype = satype_of(*command.protocol);
  out_.messages.push_back(std::move(message));
  return Done{};
}

Status<Diagnostic> Compiler::run(const PolicyTableCommand& command) {
  Message message;
  message.type = command.verb == PolicyTableCommand::Verb::Flush ? Type::SpdFlush : Type::SpdDump;
  out_.messages.push_back(std::move(message));
  return Done{};
}

Result<AddressExt, Diagnostic> Compiler::range(const HostRange& range, const Resolver::Query& query) {
  TRY(const auto found, look_up(range.host, query, resolver_));
  if (found.size() > 1)
    return Failure{error_at(range.host, "multiple address specified", "", "name one, or use -4 or -6")};
  AddressExt out;
  out.endpoint.address = found.front();
  out.prefix_length = static_cast<std::uint8_t>(found.front().width());
  if (range.prefix) {
    const auto length = decimal<std::uint8_t>(range.prefix->text, out.prefix_length);
    if (!length) {
      return Failure{
          error_at(*range.prefix, "Invalid prefix length", "a number up to " + std::to_string(out.prefix_length))};
    }
    out.prefix_length = *length;
  }
  TRY(out.endpoint.port, port_of(range.port, resolver_));
  return out;
}

Result<std::uint8_t, Diagnostic> upper_protocol(const Word& word) {
  if (word.text.find_first_not_of("0123456789") == std::string::npos) {
    const auto number = decimal<std::uint8_t>(word.text, 255);
    if (number) return *number;
  } else if (const auto number = net::protocol_number(word.text)) {
    return *number;
  }
  return Failure{error_at(word, "invalid upper layer protocol", "a protocol's name or number, or any")};
}

/// What stands in the two port fields: type and code of ICMP, the halves of a GRE key.
struct PortPair {
  std::uint16_t source = 0, destination = 0;
};

Result<PortPair, Diagnostic> gre_key(const Word& misc) {
  if (const auto number = decimal<std::uint32_t>(misc.text, 0xffffffff)) {
    return PortPair{static_cast<std::uint16_t>(*number >> 16), static_cast<std::uint16_t>(*number)};
  }
  const auto quad = net::Address::parse(misc.text);
  if (!quad || !quad->is_v4()) {
    return Failure{error_at(misc, "invalid an upper layer protocol spec", "a GRE key: a number or a.b.c.d")};
  }
  const Bytes b = quad->bytes();
  return PortPair{static_cast<std::uint16_t>((b[0] << 8) | b[1]), static_cast<std::uint16_t>((b[2] << 8) | b[3])};
}

Result<PortPair, Diagnostic> misc_ports(const Word& misc, std::uint8_t protocol) {
  if (protocol == net::protocol::kGre) return gre_key(misc);
  if (!net::has_type_and_code(protocol)) {
    return Failure{
        error_at(misc, "invalid an upper layer protocol spec", "-P", "only icmp, icmp6, mh and gre have one")};
  }
  const std::string_view text = misc.text;
  const auto comma = text.find(',');
  const auto type = decimal<std::uint8_t>(text.substr(0, comma), 255);
  const auto code = comma == std::string_view::npos ? std::nullopt : decimal<std::uint8_t>(text.substr(comma + 1), 255);
  if (!type || !code) return Failure{error_at(misc, "invalid an upper layer protocol spec", "TYPE,CODE, as in 8,0")};
  return PortPair{*type, *code};
}

/// The place of an offset in the policy's text, which may span lines.
Diagnostic policy_diagnostic(const Word& policy, const pfkey::PolicyError& error) {
  Word at{error.token, advance(policy.where, std::string_view{policy.text}.substr(0, error.offset))};
  std::string hint;
  if (error.token.starts_with("spd") || error.token == "add") hint = "is a `;' missing before it?";
  return error_at(at, std::string{pfkey::ipsec_error_text(error.code)}, error.expected, std::move(hint));
}

bool is_one_word(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto end = text.find_first_of(kSpace, text.find_first_not_of(kSpace));
  return text.find_first_not_of(kSpace, end) == std::string_view::npos;
}

Result<wire::pfkey::PolicyExt, Diagnostic> policy_of(const PolicyCommand& command, Resolver& resolver) {
  std::string text = command.policy.text;
  // A comment counts as space; its bytes stay, so that offsets keep their meaning.
  for (auto hash = text.find('#'); hash != std::string::npos; hash = text.find('#', hash)) {
    const auto end = std::min(text.find('\n', hash), text.size());
    std::fill(text.begin() + static_cast<std::ptrdiff_t>(hash), text.begin() + static_cast<std::ptrdiff_t>(end), ' ');
  }
  auto policy = pfkey::parse_policy_text(text, [&](const std::string& scoped) -> std::optional<net::Address> {
    const auto found = resolver.host(scoped, Resolver::Query{.family = net::Family::V6, .numeric_only = true});
    return found && !found->empty() ? std::optional{found->front()} : std::nullopt;
  });
  if (!policy) return Failure{policy_diagnostic(command.policy, policy.error())};
  if (command.verb == PolicyCommand::Verb::Delete) return *std::move(policy);

  // A direction alone is how spddelete speaks; here it would mean `discard`.
  const bool only_direction = is_one_word(text);
  const pfkey::PolicyError missing{pfkey::IpsecError::TooFewArguments, text.size(), "", ""};
  if (only_direction) {
    Diagnostic error = policy_diagnostic(command.policy, missing);
    error.expected = "discard, none or ipsec";
    return Failure{std::move(error)};
  }
  if (policy->type == wire::pfkey::PolicyType::Ipsec && policy->requests.empty()) {
    Diagnostic error = policy_diagnostic(command.policy, missing);
    error.expected = "a request: protocol/mode/source-destination/level";
    return Failure{std::move(error)};
  }
  return *std::move(policy);
}

Status<Diagnostic> Compiler::run(const PolicyCommand& command) {
  if (command.tag) {
    return Failure{
        error_at(*command.tag, "Not supported", "source and destination", "no packet filter sets tags here")};
  }
  TRY(const auto query, query_of(command.address_options));
  TRY(auto source, range(command.source, query));
  TRY(auto destination, range(command.destination, query));
  if (source.endpoint.address.family() != destination.endpoint.address.family()) {
    return Failure{error_at(command.destination.host, "Family mismatch", "an address of the source's family")};
  }
  TRY(source.protocol, upper_protocol(command.upper));
  destination.protocol = source.protocol;
  if (command.misc) {
    TRY(const auto ports, misc_ports(*command.misc, source.protocol));
    source.endpoint.port = ports.source;
    destination.endpoint.port = ports.destination;
  }
  TRY(auto policy, policy_of(command, resolver_));

  Message message;
  message.type = command.verb == PolicyCommand::Verb::Add      ? Type::SpdAdd
                 : command.verb == PolicyCommand::Verb::Update ? Type::SpdUpdate
                                                               : Type::SpdDelete;
  message.policy = std::move(policy);
  message.source = source;
  message.destination = destination;
  message.order = {Ext::Policy, Ext::AddressSrc, Ext::AddressDst};
  out_.messages.push_back(std::move(message));
  return Done{};
}

}  // namespace

bool Compiled::failed() const {
  return std::ranges::any_of(diagnostics, &Diagnostic::stops);
}

Compiled compile(const Command& command, Resolver& resolver) {
  Compiler compiler{resolver};
  auto status = std::visit([&](const auto& what) { return compiler.run(what); }, command.what);
  Compiled out = compiler.take();
  if (!status) {
    out.messages.clear();
    out.diagnostics.push_back(std::move(status).error());
  }
  return out;
}

}  // namespace testudo::cli
