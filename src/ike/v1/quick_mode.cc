#include "ike/v1/quick_mode.h"

#include <algorithm>
#include <array>

#include "base/endian.h"
#include "ike/selector_id.h"
#include "ike/v1/crypt.h"
#include "ike/v1/generated.h"
#include "ike/v1/nat.h"
#include "ike/v1/required.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Chain;
using v1wire::ChainWriter;
using v1wire::Identification;
using v1wire::Notify;
using v1wire::Payload;

wire::ike::Header header_of(const IkeSa& sa, const Quick& quick) {
  wire::ike::Header header;
  header.initiator = sa.cookies.initiator;
  header.responder = sa.cookies.responder;
  header.exchange = static_cast<std::uint8_t>(v1wire::Exchange::Quick);
  header.message_id = quick.message_id;
  return header;
}

/// Puts the HASH over `nonces` and all payloads in front of them, and encrypts.
ByteVector protect(const IkeSa& sa, Quick& quick, Bytes nonces,
                   const std::vector<std::pair<Payload, ByteVector>>& payloads) {
  ChainWriter rest;
  for (const auto& [type, body] : payloads) rest.add(type, body);
  const Secret hash = phase2_hash(sa, quick.message_id, nonces, rest.bytes());
  ChainWriter all;
  all.add(Payload::Hash, owned(hash.expose()));
  for (const auto& [type, body] : payloads) all.add(type, body);
  return seal(sa, quick.iv, header_of(sa, quick), all);
}

/// The HASH must come first: what it protects is everything behind it.
bool hash_is_right(const IkeSa& sa, const Quick& quick, const Chain& chain, Bytes plain, Bytes nonces) {
  if (chain.payloads.empty() || chain.payloads.front().type != Payload::Hash) return false;
  const Bytes hash = chain.payloads.front().body;
  const std::size_t begin = 4 + hash.size();
  const Bytes rest = plain.subspan(begin, chain.used - begin);
  return equal_constant_time(phase2_hash(sa, quick.message_id, nonces, rest).expose(), hash);
}

Mismatch wrong_hash() {
  return broken("HASH payload", "the message was not made by the peer of this phase 1", Notify::InvalidHashInformation);
}

struct Ids {
  ByteVector i, r;
};
/// IDci and IDcr, both or none.
Result<Ids, Mismatch> ids_of(const Chain& chain) {
  const std::size_t count = chain.count(Payload::Identification);
  if (count == 0) return Ids{};
  if (count != 2) return Failure{broken("ID payloads", "quick mode has two or none", Notify::InvalidIdInformation)};
  std::vector<ByteVector> bodies;
  for (const auto& payload : chain.payloads) {
    if (payload.type == Payload::Identification) bodies.push_back(owned(payload.body));
  }
  return Ids{std::move(bodies[0]), std::move(bodies[1])};
}

/// RFC 2409 section 5.5: without ids "the identities are implicitly assumed to be the IP addresses of the peers".
Result<Identification, Mismatch> read_id(Bytes body, const net::Address& implied) {
  if (body.empty()) return id_of(net::Prefix::host(implied), net::protocol::kAny, 0);
  const auto id = v1wire::parse_identification(body);
  if (!id) return Failure{broken("ID payload", "the peer's networks cannot be read", Notify::InvalidIdInformation)};
  return *id;
}

Status<Mismatch> find_policy(const IkeSa& sa, Quick& quick, const v1wire::SaPayload& offer,
                             const PolicyBase& policies) {
  TRY(const Identification theirs, read_id(quick.id_i, sa.remote.address));
  TRY(const Identification ours, read_id(quick.id_r, sa.local.address));
  auto selector = selector_of(ours, theirs);
  const std::string asked = to_string(ours) + " to " + to_string(theirs);
  auto request = selector ? policies.find(*selector, sa.local.address, sa.remote.address) : std::nullopt;
  if (!request && sa.nat.found()) {
    selector =
        selector_of(outside(ours, sa.local.address, sa.nat.here), outside(theirs, sa.remote.address, sa.nat.there));
    request = selector ? policies.find(*selector, sa.local.address, sa.remote.address) : std::nullopt;
  }
  if (!request && generates_policies(sa)) {
    TRY(request, generated_request(sa, {ours, theirs}, offer, policies));
    quick.generates = true;
  }
  if (!request) {
    const std::string nearest = selector ? policies.nearest(*selector) : "";
    return Failure{Mismatch{"networks", nearest.empty() ? "no policy" : nearest, asked, nearest,
                            "add policies for " + asked + " here (setkey spdadd), or change those of the peer",
                            Notify::InvalidIdInformation}};
  }
  quick.request = *std::move(request);
  TRY_DONE(check_nat(sa, quick.request.items));
  quick.sainfo = sa.policy->sainfo_for({ours, theirs, sa.peer, sa.block->ph1id, sa.client_address()});
  if (quick.sainfo == nullptr) {
    return Failure{Mismatch{"sainfo", "none", asked, "", "add a sainfo for it, or sainfo anonymous, here",
                            Notify::InvalidIdInformation}};
  }
  return Done{};
}

Status<Mismatch> take_shared(Quick& quick, const WorkProduct& made) {
  if (!made.shared) {
    return Failure{broken("KE payload", "no proper member of the group", Notify::InvalidKeyInformation)};
  }
  quick.shared = made.shared->clone();
  return Done{};
}

/// `peer`: empty in the offer.
Status<Mismatch> start_key_exchange(Quick& quick, const crypto::ike::GroupRow* group, Bytes peer, Environment& env) {
  if (group == nullptr) return Done{};
  const WorkProduct* const made =
      quick.work.product(SlowStep::KeyPair, [&] { return key_pair_work(*group, peer, env.random); });
  if (made == nullptr) return Failure{not_yet()};
  if (!made->own) return Failure{broken("PFS group", "this machine's OpenSSL cannot compute in it")};
  quick.key_exchange = made->own;
  return peer.empty() ? Status<Mismatch>{Done{}} : take_shared(quick, *made);
}

/// KE is there exactly when a group was agreed; ours is made already or will be in compose_answer().
Result<Bytes, Mismatch> peer_value(const Chain& chain, const crypto::ike::GroupRow* group) {
  if (group == nullptr) {
    if (chain.count(Payload::KeyExchange) != 0) {
      return Failure{Mismatch{"PFS", "none", "a KE payload", "", "no PFS is specified, but the peer sends KE",
                              Notify::NoProposalChosen}};
    }
    return Bytes{};
  }
  if (chain.count(Payload::KeyExchange) == 0) {
    return Failure{Mismatch{"PFS", std::string{group->name}, "no KE payload", "",
                            "PFS is specified, but the peer doesn't send KE", Notify::NoProposalChosen}};
  }
  TRY(const Bytes value, only(chain, Payload::KeyExchange));
  if (!crypto::ike::KeyExchange::is_plausible(*group, value)) {
    return Failure{broken("KE payload", "no proper member of the group", Notify::InvalidKeyInformation)};
  }
  return value;
}

Status<Mismatch> agree(Quick& quick, Bytes value) {
  if (!quick.key_exchange) return Done{};
  const WorkProduct* const made =
      quick.work.product(SlowStep::Agreement, [&] { return agreement_work(quick.key_exchange, value); });
  return made == nullptr ? Status<Mismatch>{Failure{not_yet()}} : take_shared(quick, *made);
}

ByteVector fresh_nonce(const IkeSa& sa, Environment& env) {
  ByteVector nonce(sa.block->nonce_size);
  env.random.fill(nonce);
  return nonce;
}

using Payloads = std::vector<std::pair<Payload, ByteVector>>;

void add_rest(Payloads& out, const Quick& quick, const ByteVector& nonce) {
  out.emplace_back(Payload::Nonce, nonce);
  if (quick.key_exchange) out.emplace_back(Payload::KeyExchange, quick.key_exchange->public_value());
  if (quick.id_i.empty()) return;
  out.emplace_back(Payload::Identification, quick.id_i);
  out.emplace_back(Payload::Identification, quick.id_r);
}

bool has_transport(const Quick& quick) {
  return std::ranges::find(quick.request.items, Encapsulation::Transport, &ChildItem::mode) !=
         quick.request.items.end();
}

/// RFC 3947 section 5.2: in transport mode both say which addresses they see, the initiator's first.
void add_original_addresses(Payloads& out, const IkeSa& sa, Quick& quick) {
  if (!modes_of(sa).in_udp() || !has_transport(quick)) return;
  const bool initiator = quick.role == Role::Initiator;
  const net::Address &i = initiator ? sa.local.address : sa.remote.address,
                     &r = initiator ? sa.remote.address : sa.local.address;
  out.emplace_back(sa.nat.version->nat_oa, v1wire::compose_original_address(i));
  out.emplace_back(sa.nat.version->nat_oa, v1wire::compose_original_address(r));
}

void read_original_addresses(const IkeSa& sa, Quick& quick, const Chain& chain) {
  if (!modes_of(sa).in_udp()) return;
  std::vector<net::Address> told;
  for (const auto& payload : chain.payloads) {
    if (payload.type != sa.nat.version->nat_oa) continue;
    if (const auto address = v1wire::parse_original_address(payload.body)) told.push_back(*address);
  }
  if (told.size() != 2) return;
  quick.original_i = told[0];
  quick.original_r = told[1];
}

std::optional<ChildSa::Udp> udp_of(const IkeSa& sa, const Quick& quick, const ChildItem& item, bool in) {
  if (!modes_of(sa).in_udp() || item.protocol != ChildProtocol::Esp) return std::nullopt;
  const std::uint16_t here = sa.local.port, there = sa.remote.port;
  return ChildSa::Udp{in ? there : here, in ? here : there, quick.original_i, quick.original_r, sa.block->esp_frag};
}

}  // namespace

Status<Mismatch> check_nat(const IkeSa& sa, const std::vector<ChildItem>& items) {
  const bool ah = std::ranges::find(items, ChildProtocol::Ah, &ChildItem::protocol) != items.end();
  if (!sa.nat.found() || !ah) return Done{};
  return Failure{Mismatch{"protocol", "AH", nat_text(sa), "",
                          "AH covers the addresses that a NAT changes: ask for esp with authentication instead in the "
                          "policies of both sides",
                          Notify::NoProposalChosen, "cannot pass"}};
}

Result<ByteVector, Mismatch> compose_offer(IkeSa& sa, Quick& quick, Environment& env) {
  TRY_DONE(start_key_exchange(quick, quick.sainfo->pfs_group, {}, env));
  quick.nonce_i = fresh_nonce(sa, env);
  const net::Selector& s = quick.request.outbound;
  quick.id_i = v1wire::compose_identification(id_of(s.source, s.protocol, s.source_port));
  quick.id_r = v1wire::compose_identification(id_of(s.destination, s.protocol, s.destination_port));
  Payloads payloads;
  payloads.emplace_back(Payload::Sa, v1wire::compose_sa(negotiate::phase2_offer(*quick.sainfo, quick.request.items,
                                                                                quick.spis, modes_of(sa))));
  add_rest(payloads, quick, quick.nonce_i);
  add_original_addresses(payloads, sa, quick);
  return protect(sa, quick, {}, payloads);
}

Status<Mismatch> judge_offer(IkeSa& sa, Quick& quick, const Chain& chain, Bytes plain, const PolicyBase& policies) {
  if (!hash_is_right(sa, quick, chain, plain, {})) return Failure{wrong_hash()};
  TRY(const auto offer, only_sa(chain));
  TRY(quick.nonce_i, only_nonce(chain));
  TRY(auto ids, ids_of(chain));
  quick.id_i = std::move(ids.i);
  quick.id_r = std::move(ids.r);
  TRY_DONE(find_policy(sa, quick, offer, policies));
  TRY(quick.choice,
      negotiate::choose_phase2(offer, {*quick.sainfo, quick.request.items, sa.block->proposal_check, modes_of(sa)}));
  read_original_addresses(sa, quick, chain);
  TRY(const Bytes value, peer_value(chain, quick.choice.pfs_group));
  // Kept until our own value is made, together with the answer.
  quick.peer_value = owned(value);
  return Done{};
}

Result<ByteVector, Mismatch> compose_answer(IkeSa& sa, Quick& quick, Environment& env) {
  TRY_DONE(start_key_exchange(quick, quick.choice.pfs_group, quick.peer_value, env));
  quick.nonce_r = fresh_nonce(sa, env);
  Payloads payloads;
  payloads.emplace_back(Payload::Sa,
                        v1wire::compose_sa(negotiate::with_spis(quick.choice.answer, quick.request.items, quick.spis)));
  add_rest(payloads, quick, quick.nonce_r);
  add_original_addresses(payloads, sa, quick);
  return protect(sa, quick, quick.nonce_i, payloads);
}

Status<Mismatch> judge_answer(IkeSa& sa, Quick& quick, const Chain& chain, Bytes plain) {
  if (!hash_is_right(sa, quick, chain, plain, quick.nonce_i)) return Failure{wrong_hash()};
  TRY(const auto answer, only_sa(chain));
  TRY(auto choice, negotiate::accept_phase2(answer, {*quick.sainfo, quick.request.items, Check::Strict, modes_of(sa)}));
  TRY(auto nonce, only_nonce(chain));
  TRY(const auto ids, ids_of(chain));
  if (!ids.i.empty() && (ids.i != quick.id_i || ids.r != quick.id_r)) {
    return Failure{
        broken("ID payloads", "the peer answered with other networks than we asked for", Notify::InvalidIdInformation)};
  }
  TRY(const Bytes value, peer_value(chain, choice.pfs_group));
  TRY_DONE(agree(quick, value));
  quick.choice = std::move(choice);
  read_original_addresses(sa, quick, chain);
  quick.nonce_r = std::move(nonce);
  return Done{};
}

ByteVector compose_confirmation(IkeSa& sa, Quick& quick) {
  ChainWriter out;
  out.add(Payload::Hash, owned(confirmation_hash(sa, quick.message_id, quick.nonce_i, quick.nonce_r).expose()));
  return seal(sa, quick.iv, header_of(sa, quick), out);
}

Status<Mismatch> judge_confirmation(const IkeSa& sa, const Quick& quick, const Chain& chain) {
  TRY(const Bytes hash, only(chain, Payload::Hash));
  const Secret wanted = confirmation_hash(sa, quick.message_id, quick.nonce_i, quick.nonce_r);
  if (!equal_constant_time(wanted.expose(), hash)) return Failure{wrong_hash()};
  return Done{};
}

std::vector<ChildSa> child_sas(const IkeSa& sa, const Quick& quick, ChildSa::Direction direction) {
  const bool in = direction == ChildSa::Direction::In;
  std::vector<ChildSa> made;
  for (std::size_t i = 0; i < quick.request.items.size(); ++i) {
    ChildSa child;
    child.direction = direction;
    child.child = quick.id;
    child.item = quick.request.items[i];
    if (in) child.item.reqid = child.item.reqid_in;
    child.terms = quick.choice.items[i].terms;
    child.spi = in ? quick.spis[i] : quick.choice.items[i].peer_spi;
    child.source = in ? sa.remote.address : sa.local.address;
    child.destination = in ? sa.local.address : sa.remote.address;
    child.udp = udp_of(sa, quick, child.item, in);
    child.acquire_sequence = quick.request.acquire_sequence;
    child.hard_seconds = quick.choice.lifetime;
    child.soft_seconds = soft_of(quick.choice.lifetime);
    std::array<std::uint8_t, 4> spi{};
    put_be32(spi.data(), child.spi.value);
    const Secret keys = keys::keymat(
        *sa.agreed.hash, sa.skeyid.d,
        {quick.shared.expose(), static_cast<std::uint8_t>(child.item.protocol), spi, {quick.nonce_i, quick.nonce_r}},
        child.terms.key_bytes());
    child.cipher_key = Secret{keys.expose().first(child.terms.cipher_key_bytes)};
    child.mac_key = Secret{keys.expose().subspan(child.terms.cipher_key_bytes)};
    made.push_back(std::move(child));
  }
  return made;
}

}  // namespace testudo::ike::v1
