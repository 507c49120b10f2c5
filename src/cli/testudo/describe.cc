#include "cli/testudo/describe.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "cli/setkey/print_sa.h"
#include "crypto/algorithms.h"
#include "net/protocol.h"
#include "pfkey/policy/policy_text.h"

namespace testudo::cli {
namespace {

using nlohmann::json;
using wire::pfkey::LifetimeExt;
using wire::pfkey::Message;
using wire::pfkey::SaType;

/// The word of a table's row, or the number where there is none.
template <typename Row>
json name_or_number(const Row* row, std::uint8_t id) {
  return row == nullptr ? json(id) : json(row->name);
}

json lifetime(const LifetimeExt& l) {
  return {{"allocations", l.allocations}, {"bytes", l.bytes}, {"addtime", l.addtime}, {"usetime", l.usetime}};
}

void add_algorithms(json& out, const Message& m) {
  if (m.satype == SaType::Ipcomp) {
    out["compression"] = name_or_number(crypto::compression_by_id(m.sa->encrypt), m.sa->encrypt);
    return;
  }
  if (m.encrypt_key) {
    out["encryption"] = name_or_number(crypto::cipher_by_id(m.sa->encrypt), m.sa->encrypt);
    out["encryption_key"] = to_hex(m.encrypt_key->key.expose());
  }
  if (m.auth_key) {
    out["authentication"] = name_or_number(crypto::mac_by_id(m.sa->auth), m.sa->auth);
    out["authentication_key"] = to_hex(m.auth_key->key.expose());
  }
}

void add_nat(json& out, const Message& m) {
  if (m.nat_t_type.value_or(0) == 0) return;
  json nat{{"type", *m.nat_t_type},
           {"source_port", m.nat_t_sport.value_or(0)},
           {"destination_port", m.nat_t_dport.value_or(0)}};
  if (m.nat_t_frag) nat["fragment"] = *m.nat_t_frag;
  if (m.nat_t_oa) nat["original"] = m.nat_t_oa->to_string();
  out["nat"] = std::move(nat);
}

json selector_end(const wire::pfkey::AddressExt& end) {
  return {{"prefix", end.prefix().to_string()}, {"port", end.endpoint.port}};
}

}  // namespace

json describe_sa(const Message& m) {
  json out{{"protocol", satype_word(m.satype)}};
  if (m.source) out["source"] = m.source->endpoint.address.to_string();
  if (m.destination) out["destination"] = m.destination->endpoint.address.to_string();
  if (m.sa) {
    out["spi"] = m.sa->spi.value;
    out["state"] = state_word(m.sa->state);
    out["replay"] = m.replay_window.value_or(std::uint32_t{m.sa->replay} * 8);
    out["flags"] = m.sa->flags;
    add_algorithms(out, m);
  }
  if (m.sa2) {
    out["mode"] = mode_word(m.sa2->mode);
    out["reqid"] = m.sa2->reqid.value;
    out["sequence"] = m.sa2->sequence;
  }
  add_nat(out, m);
  if (m.hard) out["hard"] = lifetime(*m.hard);
  if (m.soft) out["soft"] = lifetime(*m.soft);
  if (m.current) out["current"] = lifetime(*m.current);
  return out;
}

json describe_policy(const Message& m) {
  json out = json::object();
  if (m.source) out["source"] = selector_end(*m.source);
  if (m.destination) out["destination"] = selector_end(*m.destination);
  if (m.source) out["protocol"] = m.source->protocol;
  if (m.policy) {
    out["id"] = m.policy->id.value;
    const auto text = pfkey::print_policy_text(*m.policy, " ", pfkey::PolicyPorts::Shown);
    out["policy"] = text ? *text : std::string{};
    out["kernel"] = (m.policy->flags & wire::pfkey::kPolicyFlagKernel) != 0;
  }
  if (m.hard) out["lifetime"] = m.hard->addtime;
  if (m.hard) out["validtime"] = m.hard->usetime;
  if (m.current) out["created"] = m.current->addtime;
  if (m.current) out["lastused"] = m.current->usetime;
  return out;
}

}  // namespace testudo::cli
