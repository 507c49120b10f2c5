#include "config/racoon/build.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "config/racoon/nearest.h"
#include "config/racoon/rules.h"
#include "ike/selector_id.h"

namespace testudo::config {
namespace {

using ike::Phase1Transform;
using wire::ike::v1::Identification;
using wire::ike::v1::IdType;

std::optional<std::uint32_t> decimal(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// Units of time that racoon's lexer knows; there is no day.
std::optional<std::uint32_t> unit(std::string_view word) {
  if (word == "sec" || word == "secs" || word == "second" || word == "seconds") return 1;
  if (word == "min" || word == "mins" || word == "minute" || word == "minutes") return 60;
  if (word == "hour" || word == "hours") return 3600;
  return std::nullopt;
}

std::optional<IdType> id_type(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, IdType>, 5> kTypes{{{"address", IdType::V4Address},
                                                                              {"fqdn", IdType::Fqdn},
                                                                              {"user_fqdn", IdType::UserFqdn},
                                                                              {"keyid", IdType::KeyId},
                                                                              {"asn1dn", IdType::DerDn}}};
  const auto row = std::ranges::find(kTypes, word, &std::pair<std::string_view, IdType>::first);
  return row == kTypes.end() ? std::nullopt : std::optional{row->second};
}

}  // namespace

bool Loaded::failed() const {
  return std::ranges::any_of(diagnostics,
                             [](const Diagnostic& d) { return d.severity == Diagnostic::Severity::Error; });
}

Loaded load_racoon_conf(std::string_view text, const std::string& file, Files& files) {
  Loaded loaded{std::make_shared<RacoonConf>(), {}};
  Syntax syntax = parse_syntax(text, file);
  loaded.diagnostics = std::move(syntax.diagnostics);
  Builder builder{*loaded.conf, files, loaded.diagnostics};
  builder.file(syntax.statements);
  builder.check_radius();
  builder.check_ldap();
  return loaded;
}

void Builder::error(const Item& at, std::string message, std::string hint) {
  diagnostics_.push_back({Diagnostic::Severity::Error, at.where, at.text, std::move(message), std::move(hint)});
}

void Builder::warn(const Item& at, std::string message, std::string hint) {
  diagnostics_.push_back({Diagnostic::Severity::Warning, at.where, at.text, std::move(message), std::move(hint)});
}

const Item* Builder::value(const Statement& s, std::size_t place) {
  if (place < s.items.size()) return &s.items[place];
  error(s.items.back(), "syntax error", "a value is missing behind it");
  return nullptr;
}

std::optional<std::uint32_t> Builder::number(const Statement& s, std::size_t place, std::uint32_t most,
                                             std::uint32_t least) {
  const Item* item = value(s, place);
  if (item == nullptr) return std::nullopt;
  const auto n = decimal(item->text);
  if (n && *n >= least && *n <= most) return n;
  const std::string from = least == 0 ? "" : "from " + std::to_string(least) + " ";
  error(*item, "syntax error", "expected a decimal number " + from + "up to " + std::to_string(most));
  return std::nullopt;
}

std::optional<bool> Builder::on_off(const Statement& s) {
  const Item* item = value(s);
  if (item == nullptr) return std::nullopt;
  if (item->text == "on" || item->text == "off") return item->text == "on";
  error(*item, "syntax error", "expected on or off");
  return std::nullopt;
}

std::optional<std::uint32_t> Builder::seconds(const Statement& s, std::size_t place, std::uint32_t most) {
  const auto n = number(s, place, 0xffffffff / 3600, 1);
  const Item* word = n ? value(s, place + 1) : nullptr;
  if (word == nullptr) return std::nullopt;
  const auto factor = unit(word->text);
  if (!factor) {
    error(*word, "syntax error", "expected sec, min or hour");
    return std::nullopt;
  }
  if (*n * *factor <= most) return *n * *factor;
  error(s.items[place], "is too long", "at most " + std::to_string(most) + " sec");
  return std::nullopt;
}

/// Of `lifetime time N UNIT`.
std::optional<std::uint32_t> Builder::lifetime(const Statement& s) {
  static constexpr std::uint32_t kYear = 365 * 24 * 3600;
  return seconds(s, 2, kYear);
}

std::optional<net::Address> Builder::address(const Item& item) {
  const std::size_t percent = std::min(item.text.find('%'), item.text.size());
  auto address = net::Address::parse(item.text);
  const auto bare = net::Address::parse(item.text.substr(0, percent));
  if (!address && bare && !bare->is_v4()) {
    const std::string name = item.text.substr(percent + 1);
    const std::uint32_t link = files_.link(name);
    if (link == 0) {
      error(item, "there is no interface \"" + name + "\"");
      return std::nullopt;
    }
    address = net::Address::v6(bare->bytes().first<16>(), link);
  }
  if (!address) {
    error(item, "syntax error", "expected a numeric IPv4 or IPv6 address; names are not looked up here");
  } else if (!address->is_v4() && address->is_link_local() && address->scope() == 0) {
    error(item, "a link-local address means nothing without its interface",
          "write it behind the address: " + item.text + "%eth0");
    return std::nullopt;
  }
  return address;
}

std::optional<net::Endpoint> Builder::endpoint(const Statement& s, std::size_t place, std::uint16_t default_port) {
  const Item* item = value(s, place);
  if (item == nullptr) return std::nullopt;
  const auto address = this->address(*item);
  if (!address) return std::nullopt;
  net::Endpoint made{*address, default_port};
  if (place + 1 < s.items.size() && s.items[place + 1].kind == Item::Kind::Port) {
    const auto port = number(s, place + 1, 65535);
    if (!port) return std::nullopt;
    made.port = static_cast<std::uint16_t>(*port);
  }
  return made;
}

std::optional<ike::Identity> Builder::identity(const Statement& s, std::size_t place) {
  const Item* word = value(s, place);
  if (word == nullptr) return std::nullopt;
  const auto type = id_type(word->text);
  if (!type) {
    error(*word, "syntax error", "expected address, fqdn, user_fqdn, keyid or asn1dn");
    return std::nullopt;
  }
  // `keyid tag "x"` takes x itself.
  if (*type == IdType::KeyId && place + 1 < s.items.size() && s.items[place + 1].text == "tag") ++place;
  const Item* text = value(s, place + 1);
  if (text == nullptr) return std::nullopt;
  if (*type == IdType::DerDn) {
    auto name = crypto::ike::name_of_text(text->text);
    if (name) return ike::Identity{*type, *std::move(name)};
    error(*text, "syntax error", "expected a name such as \"C=NL, O=Example, CN=host\"");
    return std::nullopt;
  }
  if (*type != IdType::V4Address) return ike::Identity{*type, {text->text.begin(), text->text.end()}};
  const auto address = net::Address::parse(text->text);
  if (address) return ike::Identity::of(*address);
  error(*text, "syntax error", "expected a numeric address");
  return std::nullopt;
}

// ---- top

void Builder::file(const std::vector<Statement>& statements, unsigned depth) {
  for (const Statement& s : statements) {
    if (s.word().text == "include") {
      include(s, depth);
    } else {
      Rules::top(*this, s);
    }
  }
}

void Builder::include(const Statement& s, unsigned depth) {
  static constexpr unsigned kDeepest = 10;
  const Item* name = value(s);
  if (name == nullptr) return;
  if (depth >= kDeepest) return error(*name, "Includes nested too deeply");
  const bool relative = !name->text.starts_with('/') && !conf_.include.empty();
  const std::string pattern = relative ? conf_.include + "/" + name->text : name->text;
  const auto found = files_.matching(pattern);
  if (found.empty()) warn(*name, "glob found no matches for path \"" + pattern + "\"");
  for (const Files::File& f : found) {
    if (!f.failure.empty()) {
      error(*name, f.failure);
      continue;
    }
    Syntax syntax = parse_syntax(f.text, f.name);
    diagnostics_.insert(diagnostics_.end(), syntax.diagnostics.begin(), syntax.diagnostics.end());
    file(syntax.statements, depth + 1);
  }
}

// ---- remote

/// remote "name" [inherit "parent"] { } and the older remote ADDRESS|anonymous [[port]] [inherit …] { }
void Builder::remote(const Statement& s) {
  const Item* who = value(s);
  if (who == nullptr) return;
  remote_ = {};
  remote_lifetime_ = 28800;
  std::size_t place = s.items.size() > 2 && s.items[2].kind == Item::Kind::Port ? 3 : 2;
  const bool inherits = place + 1 < s.items.size() && s.items[place].text == "inherit";
  if (inherits) place += place + 2 < s.items.size() && s.items[place + 2].kind == Item::Kind::Port ? 3 : 2;
  if (place < s.items.size()) return error(s.items[place], "syntax error", "expected inherit and a name, or a block");
  const auto inherit = std::ranges::find(s.items, std::string{"inherit"}, &Item::text);
  if (inherit != s.items.end() && inherit + 1 != s.items.end()) {
    const auto parent = std::ranges::find(conf_.policy.remotes, (inherit + 1)->text, &ike::Remote::name);
    if (parent == conf_.policy.remotes.end()) {
      return error(*(inherit + 1), "named parent remoteconf \"" + (inherit + 1)->text + "\" does not exist.");
    }
    const Unfinished& unfinished = unfinished_.at(parent->name);
    remote_ = unfinished.remote;
    remote_lifetime_ = unfinished.lifetime;
  }
  if (std::ranges::find(conf_.policy.remotes, who->text, &ike::Remote::name) != conf_.policy.remotes.end()) {
    return error(*who, "named remoteconf \"" + who->text + "\" already exists.");
  }
  remote_.name = who->text;
  if (who->kind != Item::Kind::Quoted && who->text != "anonymous") {
    const auto at = endpoint(s, 1, 500);
    if (!at) return;
    remote_.address = at->address;
    remote_.port = at->port;
  }
  for (const Statement& item : s.block) Rules::remote(*this, item);
  finish_remote(s);
}

void Builder::finish_remote(const Statement& s) {
  if (remote_.exchange_modes.empty()) {
    return error(s.word(), "no exchange mode specified.", "add exchange_mode main; to remote " + remote_.name);
  }
  if (remote_.proposals.empty()) {
    return error(s.word(), "no remote specification found: " + remote_.name, "add a proposal { } to it");
  }
  if (!check_aggressive(s)) return;
  if (!check_keys(s)) return;
  unfinished_.insert_or_assign(remote_.name, Unfinished{remote_, remote_lifetime_});
  // Wherever `lifetime` stands in the block, it is for the proposals that have none of their own.
  for (Phase1Transform& t : remote_.proposals) {
    if (t.lifetime == 0) t.lifetime = remote_lifetime_;
  }
  conf_.policy.remotes.push_back(std::move(remote_));
}

/// Who signs needs a key; and what one side of plain_rsa means without the other, nobody could say.
bool Builder::check_keys(const Statement& s) {
  const bool own = !remote_.plain_key_file.empty(), peers = !remote_.plain_peers_file.empty();
  if (remote_.uses_signatures() && remote_.certificate_file.empty() && !own) {
    error(s.word(), "no certificate_type for rsasig",
          "add certificate_type x509 \"CERT\" \"KEY\"; or certificate_type plain_rsa \"FILE\"; to it");
    return false;
  }
  if (remote_.uses_signatures() && remote_.judges_signatures() && own != peers) {
    error(s.word(), own ? "no peers_certfile plain_rsa" : "peers_certfile plain_rsa without certificate_type plain_rsa",
          own ? "add peers_certfile plain_rsa \"FILE\"; with the public keys of the peers"
              : "one side by certificates and the other by plain keys is not possible");
    return false;
  }
  return true;
}

/// Its first message carries KE, so the group is one; and HASH_R goes to whoever asks.
bool Builder::check_aggressive(const Statement& s) {
  const auto& all = remote_.proposals;
  if (!remote_.allows(wire::ike::v1::Exchange::Aggressive)) return true;
  if (!std::ranges::all_of(all, [&](const Phase1Transform& t) { return t.group == all.front().group; })) {
    error(s.word(), "DH group must be equal in all proposals when aggressive mode is used.");
    return false;
  }
  if (std::ranges::find(all, wire::ike::v1::oakley::kPreSharedKey, &Phase1Transform::authentication) != all.end()) {
    warn(s.word(), "in aggressive mode whoever asks can try pre-shared keys at leisure",
         "use a long random key, or exchange_mode main, or rsasig");
  }
  return true;
}

void Builder::proposal(const Statement& s) {
  proposal_ = {};
  proposal_.lifetime = 0;
  proposal_.authentication = 0;
  for (const Statement& item : s.block) Rules::proposal(*this, item);
  if (proposal_.cipher == nullptr) return error(s.word(), "encryption algorithm required.");
  if (proposal_.hash == nullptr) return error(s.word(), "hash algorithm required.");
  if (proposal_.group == nullptr) return error(s.word(), "DH group required.");
  if (proposal_.authentication == 0) return error(s.word(), "authentication method required.");
  remote_.proposals.push_back(proposal_);
}

// ---- sainfo

std::optional<Identification> Builder::selector(const Statement& s, std::size_t& place) {
  const Item* kind = value(s, place);
  const Item* text = kind == nullptr ? nullptr : value(s, place + 1);
  if (text == nullptr) return std::nullopt;
  if (kind->text != "address" && kind->text != "subnet") {
    const auto id = identity(s, place);
    place += 2;
    return id ? std::optional{Identification{id->type, 0, 0, id->data}} : std::nullopt;
  }
  const auto prefix = net::Prefix::parse(text->text);
  if (!prefix) {
    error(*text, "syntax error", "expected an address or a prefix such as 10.0.0.0/16");
    return std::nullopt;
  }
  place += 2;
  if (place < s.items.size() && s.items[place].kind == Item::Kind::Port) ++place;
  const Item* protocol = value(s, place++);
  if (protocol == nullptr) return std::nullopt;
  const auto by_number = decimal(protocol->text);
  const auto upper = by_number && *by_number < 256 ? std::optional{static_cast<std::uint8_t>(*by_number)}
                                                   : net::protocol_number(protocol->text);
  if (!upper) {
    error(*protocol, "syntax error", "expected an upper-layer protocol: any, tcp, udp, icmp, or a number");
    return std::nullopt;
  }
  return ike::id_of(*prefix, *upper, 0);
}

void Builder::sainfo(const Statement& s) {
  sainfo_ = {};
  sainfo_.deflate = false;
  for (std::size_t i = 1; i < s.items.size(); ++i) sainfo_.name += (i == 1 ? "" : " ") + s.items[i].text;
  std::size_t place = 1;
  const auto side = [&](std::optional<Identification>& out) {
    if (place >= s.items.size() || s.items[place].text == "from" || s.items[place].text == "group") return true;
    if (s.items[place].text == "anonymous") {
      ++place;
      return true;
    }
    if (s.items[place].text == "clientaddr" && &out == &sainfo_.destination) {
      ++place;
      sainfo_.client_address = true;
      return true;
    }
    out = selector(s, place);
    return out.has_value();
  };
  if (value(s) == nullptr || !side(sainfo_.source) || !side(sainfo_.destination)) return;
  if (place < s.items.size() && s.items[place].text == "from") {
    sainfo_.from = identity(s, place + 1);
    if (!sainfo_.from) return;
    place += sainfo_.from->type == IdType::KeyId && s.items[place + 2].text == "tag" ? 4 : 3;
  }
  if (place < s.items.size()) {
    // To read past it would let everybody do what is meant for some.
    const bool group = s.items[place].text == "group";
    return error(s.items[place], group ? "a group of users cannot be named here" : "syntax error",
                 group ? "auth_groups in mode_cfg says who may log in" : "nothing more may stand here");
  }
  for (const Statement& item : s.block) Rules::sainfo(*this, item);
  if (sainfo_.encryption.empty()) return error(s.word(), "no encryption algorithm at " + sainfo_.name);
  if (sainfo_.authentication.empty()) return error(s.word(), "no authentication algorithm at " + sainfo_.name);
  if (!sainfo_.deflate) return error(s.word(), "no compression algorithm at " + sainfo_.name);
  conf_.policy.sainfos.push_back(std::move(sainfo_));
}

/// name [bits] {, name [bits]}: a number belongs to the name before it.
void Builder::encryption(const Statement& s) {
  for (std::size_t i = 1; i < s.items.size(); ++i) {
    const Item& name = s.items[i];
    const crypto::CipherRow* row = Rules::child_cipher(name.text);
    if (row == nullptr) {
      return error(name, "algorithm " + name.text + " not supported", did_you_mean(name.text, Rules::child_ciphers()));
    }
    const bool has_bits = i + 1 < s.items.size() && decimal(s.items[i + 1].text).has_value();
    const std::uint32_t bits = has_bits ? *decimal(s.items[++i].text) : 0;
    if (has_bits && (row->key.min == row->key.max)) return error(s.items[i], "keylen not allowed");
    const bool fixed = row->key.min == row->key.max || row->kind == crypto::CipherKind::Null;
    if (has_bits && (bits % 8 != 0 || !row->key.allows(bits / 8 + row->salt))) {
      return error(s.items[i], "invalid keylen " + std::to_string(bits));
    }
    if (row->advice == crypto::Advice::Broken) warn(name, "this cipher is broken", "use aes or aes_gcm_16");
    sainfo_.encryption.push_back({row, static_cast<std::uint16_t>(fixed ? 0 : has_bits ? bits : 128)});
  }
}

void Builder::authentication(const Statement& s) {
  for (std::size_t i = 1; i < s.items.size(); ++i) {
    const Item& name = s.items[i];
    const crypto::MacRow* row = Rules::child_mac(name.text);
    if (row == nullptr) {
      return error(name, "algorithm " + name.text + " not supported", did_you_mean(name.text, Rules::child_macs()));
    }
    sainfo_.authentication.push_back(row);
  }
}

}  // namespace testudo::config
