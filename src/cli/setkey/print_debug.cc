#include "cli/setkey/print_debug.h"

#include <fmt/format.h>

#include "cli/setkey/print_sa.h"
#include "net/protocol.h"
#include "wire/pfkey/message.h"
#include "wire/reader.h"

namespace testudo::cli {
namespace {

using wire::pfkey::Ext;
using wire::pfkey::LifetimeExt;
using wire::pfkey::Message;

std::string sockaddr_text(const net::Endpoint& endpoint) {
  const net::Address& address = endpoint.address;
  // Family numbers and lengths of Linux's sockaddrs, which are what the message holds.
  std::string text = address.is_v4() ? "sockaddr{ len=16 family=2" : "sockaddr{ len=28 family=10";
  text += fmt::format(" port={}\n", endpoint.port);
  if (!address.is_v4()) text += fmt::format("  flowinfo=0x00000000, scope_id=0x{:08x}\n", address.scope());
  return text + hex_groups(address.bytes()) + "  }\n";
}

std::string address_text(const wire::pfkey::AddressExt& address) {
  return fmt::format("sadb_address{{ proto={} prefixlen={} reserved=0x0000 }}\n", address.protocol,
                     address.prefix_length) +
         sockaddr_text(address.endpoint);
}

std::string original_address_text(const net::Address& address, Bytes body) {
  const unsigned protocol = body.empty() ? 0 : body[0];
  const unsigned length = body.size() < 2 ? 0 : body[1];
  return fmt::format("sadb_address{{ proto={} prefixlen={} reserved=0x0000 }}\n", protocol, length) +
         sockaddr_text({address, 0});
}

std::string lifetime_text(const LifetimeExt& lifetime) {
  return fmt::format("sadb_lifetime{{ alloc={}, bytes={}\n", lifetime.allocations,
                     static_cast<std::uint32_t>(lifetime.bytes)) +
         fmt::format("  addtime={}, usetime={} }}\n", static_cast<std::uint32_t>(lifetime.addtime),
                     static_cast<std::uint32_t>(lifetime.usetime));
}

std::string sa_text(const wire::pfkey::SaExt& sa) {
  return fmt::format("sadb_sa{{ spi={} replay={} state={}\n", sa.spi.value, sa.replay,
                     static_cast<unsigned>(sa.state)) +
         fmt::format("  auth={} encrypt={} flags=0x{:08x} }}\n", sa.auth, sa.encrypt, sa.flags);
}

std::string key_text(const wire::pfkey::KeyExt& key) {
  return fmt::format("sadb_key{{ bits={} reserved=0\n  key={} }}\n", key.bits, hex_groups(key.key.expose()));
}

std::string identity_text(const wire::pfkey::IdentityExt& identity, std::string_view end, Bytes body) {
  std::string text =
      fmt::format("sadb_ident_{}{{ type={} id={}", end, static_cast<unsigned>(identity.type), identity.id);
  if (body.size() > 12) {
    text += "\n  str=\"";
    for (const char c : identity.text) {
      text += c >= ' ' && c <= '~' ? std::string(1, c) : fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    }
    text += '"';
  }
  return text + " }\n";
}

std::string proposal_text(const wire::pfkey::ProposalExt& proposal) {
  std::string text = fmt::format("sadb_prop{{ replay={}\n", proposal.replay);
  for (const auto& c : proposal.combinations) {
    text +=
        fmt::format("sadb_comb{{ auth={} encrypt={} flags=0x{:04x} reserved=0x00000000\n", c.auth, c.encrypt, c.flags);
    text += fmt::format("  auth_minbits={} auth_maxbits={} encrypt_minbits={} encrypt_maxbits={}\n", c.auth_minbits,
                        c.auth_maxbits, c.encrypt_minbits, c.encrypt_maxbits);
    text += fmt::format("  soft_alloc={} hard_alloc={} soft_bytes={} hard_bytes={}\n", c.soft.allocations,
                        c.hard.allocations, c.soft.bytes, c.hard.bytes);
    // The times stand under the names of the line above: so KAME prints them.
    text += fmt::format("  soft_alloc={} hard_alloc={} soft_bytes={} hard_bytes={} }}\n", c.soft.addtime,
                        c.hard.addtime, c.soft.usetime, c.hard.usetime);
  }
  return text + "}\n";
}

std::string supported_text(const std::vector<wire::pfkey::Algorithm>& algorithms) {
  std::string text = "sadb_sup{\n";
  for (const auto& a : algorithms) {
    text += fmt::format("  {{ id={} ivlen={} min={} max={} }}\n", a.id, a.ivlen, a.minbits, a.maxbits);
  }
  return text + "}\n";
}

std::string request_text(const wire::pfkey::RequestExt& request) {
  const bool has_ends = request.source && request.destination;
  const std::size_t ends = !has_ends ? 0 : request.source->address.is_v4() ? 32 : 56;
  std::string text =
      fmt::format(" {{ len={} proto={} mode={} level={} reqid={}\n", 16 + ends, request.protocol,
                  static_cast<unsigned>(request.mode), static_cast<unsigned>(request.level), request.reqid.value);
  if (has_ends) text += sockaddr_text(*request.source) + sockaddr_text(*request.destination);
  return text + " }\n";
}

std::string policy_text(const wire::pfkey::PolicyExt& policy) {
  std::string text =
      fmt::format("sadb_x_policy{{ type={} dir={} flags=0x{:02x} id={:x} }}\n", static_cast<unsigned>(policy.type),
                  static_cast<unsigned>(policy.direction), policy.flags, policy.id.value);
  if (policy.type != wire::pfkey::PolicyType::Ipsec) return text;
  for (const auto& request : policy.requests) text += request_text(request);
  return text;
}

std::string sa2_text(const wire::pfkey::Sa2Ext& sa2) {
  return fmt::format("sadb_x_sa2{{ mode={} reqid={}\n", static_cast<unsigned>(sa2.mode), sa2.reqid.value) +
         fmt::format("  reserved1=0 reserved2=0 sequence={} }}\n", sa2.sequence);
}

/// Extensions of KAME and RFC 2367; the body is for what the message does not keep.
// NOLINTNEXTLINE(readability-function-cognitive-complexity): a table, an entry for each extension
std::string extension_text(const Message& m, Ext type, Bytes body) {
  switch (type) {
    case Ext::Sa:
      return m.sa ? sa_text(*m.sa) : "";
    case Ext::LifetimeCurrent:
      return m.current ? lifetime_text(*m.current) : "";
    case Ext::LifetimeHard:
      return m.hard ? lifetime_text(*m.hard) : "";
    case Ext::LifetimeSoft:
      return m.soft ? lifetime_text(*m.soft) : "";
    case Ext::AddressSrc:
      return m.source ? address_text(*m.source) : "";
    case Ext::AddressDst:
      return m.destination ? address_text(*m.destination) : "";
    case Ext::AddressProxy:
      return m.proxy ? address_text(*m.proxy) : "";
    case Ext::KeyAuth:
      return m.auth_key ? key_text(*m.auth_key) : "";
    case Ext::KeyEncrypt:
      return m.encrypt_key ? key_text(*m.encrypt_key) : "";
    case Ext::IdentitySrc:
      return m.source_identity ? identity_text(*m.source_identity, "src", body) : "";
    case Ext::IdentityDst:
      return m.destination_identity ? identity_text(*m.destination_identity, "dst", body) : "";
    case Ext::Proposal:
      return m.proposal ? proposal_text(*m.proposal) : "";
    case Ext::SupportedAuth:
      return m.supported_auth ? supported_text(*m.supported_auth) : "";
    case Ext::SupportedEncrypt:
      return m.supported_encrypt ? supported_text(*m.supported_encrypt) : "";
    case Ext::Policy:
      return m.policy ? policy_text(*m.policy) : "";
    case Ext::Sa2:
      return m.sa2 ? sa2_text(*m.sa2) : "";
    default:
      break;
  }
  return "";
}

std::string nat_text(const Message& m, Ext type, Bytes body) {
  const auto port = [](const std::optional<std::uint16_t>& p) {
    return p ? fmt::format("sadb_x_nat_t_port{{ port={} }}\n", *p) : "";
  };
  switch (type) {
    case Ext::NatTType:
      return m.nat_t_type ? fmt::format("sadb_x_nat_t_type{{ type={} }}\n", *m.nat_t_type) : "";
    case Ext::NatTSport:
      return port(m.nat_t_sport);
    case Ext::NatTDport:
      return port(m.nat_t_dport);
    case Ext::NatTOa:
      return m.nat_t_oa ? original_address_text(*m.nat_t_oa, body) : "";
    case Ext::NatTOar:
      return m.nat_t_oar ? original_address_text(*m.nat_t_oar, body) : "";
    case Ext::NatTFrag:
      return m.nat_t_frag ? fmt::format("sadb_x_nat_t_frag{{ esp_frag={} }}\n", *m.nat_t_frag) : "";
    case Ext::Replay:
      return m.replay_window ? fmt::format("sadb_x_replay{{ window={} }}\n", *m.replay_window) : "";
    default:
      break;
  }
  return "";
}

}  // namespace

std::string print_debug(Bytes bytes) {
  wire::Reader in{bytes};
  const auto head = in.take(16);
  if (!head) return "kdebug_sadb: the message is shorter than its header.\n";
  wire::Reader header{*head};
  const auto first = header.take(4);
  const auto length = header.host16();
  const auto reserved = header.host16();
  const auto sequence = header.host32();
  const auto pid = header.host32();
  std::string text = fmt::format("sadb_msg{{ version={} type={} errno={} satype={}\n", (*first)[0], (*first)[1],
                                 (*first)[2], (*first)[3]) +
                     fmt::format("  len={} reserved={} seq={} pid={}\n", *length, *reserved, *sequence, *pid);
  const auto message = wire::pfkey::parse(bytes);
  // What follows the header of SADB_X_PROMISC is a whole message.
  if (message && message->type == wire::pfkey::Type::Promisc) return text;
  while (!in.empty()) {
    const auto units = in.host16();
    const auto type = in.host16();
    if (!units || !type) return text + "kdebug_sadb: ext_len exceeds end of buffer.\n";
    text += fmt::format("sadb_ext{{ len={} type={} }}\n", *units, *type);
    if (*units == 0) return text + "kdebug_sadb: invalid ext_len=0 was passed.\n";
    const auto body = in.take(std::size_t{*units} * 8 - 4);
    if (!body) return text + "kdebug_sadb: ext_len exceeds end of buffer.\n";
    if (!message) continue;
    text += extension_text(*message, static_cast<Ext>(*type), *body);
    text += nat_text(*message, static_cast<Ext>(*type), *body);
  }
  return message ? text : text + "kdebug_sadb: the message contradicts itself.\n";
}

std::string print_hex(Bytes message) {
  std::string text;
  for (std::size_t i = 0; i < message.size(); ++i) {
    if (i % 16 == 0) text += fmt::format("{:08x}: ", i);
    text += fmt::format("{:02x} ", message[i]);
    if (i % 16 == 15) text += '\n';
  }
  if (message.size() % 16 != 0) text += '\n';
  return text;
}

}  // namespace testudo::cli
