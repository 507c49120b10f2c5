#include "ike/negotiate/phase1.h"

#include <algorithm>
#include <array>

namespace testudo::ike::negotiate {
namespace {

using v1wire::Attribute;
using v1wire::Proposal;
using v1wire::SaPayload;
using v1wire::Transform;
namespace oakley = v1wire::oakley;

/// A transform as the peer sent it: numbers that may have no row here.
struct Offered {
  std::uint64_t cipher = 0, key_bits = 0, hash = 0, authentication = 0, group = 0, lifetime = 28800;
};

/// RFC 2407 section 4.5: a life type is followed by its duration; kilobytes are not ours to judge in phase 1.
std::uint64_t lifetime_of(const Transform& transform) {
  std::uint64_t type = 0, seconds = 28800;
  for (const Attribute& attribute : transform.attributes) {
    if (attribute.type == oakley::kLifeType) type = attribute.number().value_or(0);
    if (attribute.type == oakley::kLifeDuration && type == oakley::kSeconds) seconds = attribute.number().value_or(0);
  }
  return seconds;
}

Offered read(const Transform& transform) {
  const auto value = [&](std::uint16_t type) { return transform.number_of(type).value_or(0); };
  Offered offered{value(oakley::kEncryption),     value(oakley::kKeyLength), value(oakley::kHash),
                  value(oakley::kAuthentication), value(oakley::kGroup),     lifetime_of(transform)};
  const auto* cipher = crypto::ike::cipher_by_id(offered.cipher);
  if (cipher != nullptr && offered.key_bits == 0) offered.key_bits = cipher->default_key * 8U;
  return offered;
}

/// Numbers of the methods with XAUTH: which one it is says who of the two has to log in.
struct XauthMethod {
  std::uint16_t hosts, initiator, responder;
  std::string_view name;
};
constexpr std::array kXauthMethods{
    XauthMethod{oakley::kPreSharedKey, oakley::kXauthInitiatorKey, oakley::kXauthResponderKey, "xauth_psk"},
    XauthMethod{oakley::kRsaSignature, oakley::kXauthInitiatorRsa, oakley::kXauthResponderRsa, "xauth_rsa"},
    XauthMethod{oakley::kHybridInitiatorRsa, oakley::kHybridInitiatorRsa, oakley::kHybridResponderRsa, "hybrid_rsa"},
};

std::uint16_t method_number(const Phase1Transform& t, Role role) {
  const auto row = std::ranges::find(kXauthMethods, t.authentication, &XauthMethod::hosts);
  if (t.xauth == Xauth::None || row == kXauthMethods.end()) return t.authentication;
  return (t.xauth == Xauth::Client) == (role == Role::Initiator) ? row->initiator : row->responder;
}

/// Of an initiator's offer.
std::string authentication_name(std::uint64_t method) {
  for (const XauthMethod& row : kXauthMethods) {
    if (method == row.initiator) return std::string{row.name} + "_client";
    if (method == row.responder) return std::string{row.name} + "_server";
  }
  switch (method) {
    case oakley::kPreSharedKey:
      return "pre_shared_key";
    case oakley::kDssSignature:
      return "dsssig";
    case oakley::kRsaSignature:
      return "rsasig";
    default:
      return "authentication method " + std::to_string(method);
  }
}

template <typename Row>
std::string name_or_number(const Row* row, const char* kind, std::uint64_t id) {
  return row != nullptr ? std::string{row->name} : std::string{kind} + " " + std::to_string(id);
}

std::string cipher_text(const Offered& o) {
  return name_or_number(crypto::ike::cipher_by_id(o.cipher), "cipher", o.cipher) + " " + std::to_string(o.key_bits);
}

std::string text(const Offered& o) {
  return cipher_text(o) + ", " + name_or_number(crypto::ike::hash_by_id(o.hash), "hash", o.hash) + ", " +
         authentication_name(o.authentication) + ", " +
         name_or_number(crypto::ike::group_by_id(o.group), "group", o.group) + ", " + std::to_string(o.lifetime) + " s";
}

Offered numbers(const Phase1Transform& t) {
  return {t.cipher->id, t.key_bits, t.hash->id, method_number(t, Role::Initiator), t.group->id, t.lifetime};
}

bool key_bits_fit(const Offered& theirs, const Phase1Transform& ours, Check check) {
  const auto* cipher = crypto::ike::cipher_by_id(theirs.cipher);
  if (cipher == nullptr || theirs.key_bits % 8 != 0 || !cipher->cipher().key.allows(theirs.key_bits / 8)) return false;
  if (check == Check::Obey) return true;
  return check == Check::Exact ? theirs.key_bits == ours.key_bits : theirs.key_bits >= ours.key_bits;
}

bool lifetime_fits(const Offered& theirs, const Phase1Transform& ours, Check check) {
  if (theirs.lifetime == 0 || theirs.lifetime > 0xffffffff) return false;
  if (check == Check::Obey) return true;
  return check == Check::Exact ? theirs.lifetime == ours.lifetime : theirs.lifetime <= ours.lifetime;
}

/// How one side's transforms are compared with the other's: `role` is ours.
struct Judge {
  Check check;
  Role role;
};

/// One attribute that can differ: its name, the word of racoon.conf for it, and both values as text.
struct Difference {
  const char *attribute, *statement;
  std::string ours, theirs;
};

/// Which attributes keep a transform from being taken: compared for every stranger, so without a text.
struct Misses {
  bool cipher, key_bits, hash, authentication, group, lifetime;

  int count() const { return cipher + key_bits + hash + authentication + group + lifetime; }
};

Misses misses(const Offered& theirs, const Phase1Transform& ours, Judge judge) {
  const Check check = judge.check;
  const bool cipher = theirs.cipher != ours.cipher->id;
  return {cipher,
          !cipher && !key_bits_fit(theirs, ours, check),
          theirs.hash != ours.hash->id,
          theirs.authentication != method_number(ours, judge.role),
          theirs.group != ours.group->id,
          !lifetime_fits(theirs, ours, check)};
}

bool fits(const Offered& theirs, const Phase1Transform& ours, Judge judge) {
  return misses(theirs, ours, judge).count() == 0;
}

std::vector<Difference> differences(const Offered& theirs, const Phase1Transform& ours, Judge judge) {
  const Offered mine = numbers(ours);
  const Misses missed = misses(theirs, ours, judge);
  std::vector<Difference> found;
  if (missed.cipher) {
    found.push_back({"encryption algorithm", "encryption_algorithm", cipher_text(mine), cipher_text(theirs)});
  }
  if (missed.key_bits) {
    found.push_back({"key length", "encryption_algorithm", cipher_text(mine), cipher_text(theirs)});
  }
  if (missed.hash) {
    found.push_back({"hash algorithm", "hash_algorithm", std::string{ours.hash->name},
                     name_or_number(crypto::ike::hash_by_id(theirs.hash), "hash", theirs.hash)});
  }
  if (missed.authentication) {
    found.push_back({"authentication method", "authentication_method", method_name(ours),
                     authentication_name(theirs.authentication)});
  }
  if (missed.group) {
    found.push_back({"DH group", "dh_group", std::string{ours.group->name},
                     name_or_number(crypto::ike::group_by_id(theirs.group), "group", theirs.group)});
  }
  if (missed.lifetime) {
    found.push_back(
        {"lifetime", "lifetime time", std::to_string(mine.lifetime) + " s", std::to_string(theirs.lifetime) + " s"});
  }
  return found;
}

std::string hint_for(const std::vector<Difference>& nearest, const Remote& ours) {
  std::string words;
  for (const Difference& d : nearest) words += (words.empty() ? "" : " and ") + std::string{d.statement};
  return "change " + words + " in a proposal of remote " + ours.name +
         " here, or the peer's proposal, so that both agree";
}

/// Names what differs in the pair of proposals that differs least.
Mismatch explain(const std::vector<Transform>& theirs, const Remote& ours, Role role) {
  const Judge judge{ours.proposal_check, role};
  const Phase1Transform* nearest_of_ours = nullptr;
  Offered nearest;
  int least = 0;
  for (const Transform& transform : theirs) {
    const Offered offered = read(transform);
    for (const Phase1Transform& mine : ours.proposals) {
      const int missed = misses(offered, mine, judge).count();
      if (nearest_of_ours != nullptr && missed >= least) continue;
      nearest_of_ours = &mine;
      nearest = offered;
      least = missed;
    }
  }
  Mismatch why;
  why.notify = v1wire::Notify::NoProposalChosen;
  if (nearest_of_ours == nullptr) {
    why.attribute = "proposal";
    why.hint = "the peer offered nothing that can be read as a proposal for phase 1";
    return why;
  }
  const auto best = differences(nearest, *nearest_of_ours, judge);
  for (const Difference& d : best) {
    const char* comma = why.attribute.empty() ? "" : ", ";
    why.attribute += comma + std::string{d.attribute};
    why.ours += comma + d.ours;
    why.theirs += comma + d.theirs;
  }
  why.nearest = text(nearest);
  why.hint = hint_for(best, ours);
  return why;
}

Phase1Transform agreed_from(const Phase1Transform& ours, const Offered& theirs) {
  Phase1Transform agreed = ours;
  agreed.key_bits = static_cast<std::uint16_t>(theirs.key_bits);
  agreed.lifetime = static_cast<std::uint32_t>(theirs.lifetime);
  return agreed;
}

/// RFC 2409 section 5: "there MUST NOT be multiple Proposal Payloads for a single SA payload".
bool is_one_of_ike(const SaPayload& sa) {
  return sa.proposals.size() == 1 && sa.proposals[0].protocol == v1wire::Protocol::Isakmp;
}

Mismatch not_one(const char* attribute, const char* wanted, const SaPayload& sa) {
  return {attribute,
          wanted,
          std::to_string(sa.proposals.size()) + " proposals",
          "",
          "the peer breaks RFC 2409 section 5",
          v1wire::Notify::BadProposalSyntax};
}

}  // namespace

SaPayload phase1_offer(const Remote& remote) {
  Proposal proposal{.number = 1, .protocol = v1wire::Protocol::Isakmp, .spi = {}, .transforms = {}};
  for (const Phase1Transform& t : remote.proposals) {
    Transform transform{static_cast<std::uint8_t>(proposal.transforms.size() + 1), v1wire::kKeyIke, {}};
    auto& out = transform.attributes;
    out.push_back(Attribute::of(oakley::kLifeType, oakley::kSeconds));
    out.push_back(Attribute::of(oakley::kLifeDuration, t.lifetime));
    out.push_back(Attribute::of(oakley::kEncryption, t.cipher->id));
    if (t.cipher->has_variable_key()) out.push_back(Attribute::of(oakley::kKeyLength, t.key_bits));
    out.push_back(Attribute::of(oakley::kAuthentication, method_number(t, Role::Initiator)));
    out.push_back(Attribute::of(oakley::kHash, t.hash->id));
    out.push_back(Attribute::of(oakley::kGroup, t.group->id));
    proposal.transforms.push_back(std::move(transform));
  }
  return {.proposals = {std::move(proposal)}};
}

Result<Phase1Choice, Mismatch> choose_phase1(const SaPayload& theirs, const Remote& ours) {
  if (!is_one_of_ike(theirs)) return Failure{not_one("proposals", "one of ISAKMP", theirs)};
  const Proposal& proposal = theirs.proposals[0];
  for (const Transform& transform : proposal.transforms) {
    if (transform.id != v1wire::kKeyIke) continue;
    const Offered offered = read(transform);
    const auto mine = std::ranges::find_if(ours.proposals, [&](const Phase1Transform& t) {
      return fits(offered, t, {ours.proposal_check, Role::Responder});
    });
    if (mine == ours.proposals.end()) continue;
    Proposal answer{proposal.number, proposal.protocol, proposal.spi, {transform}};
    return Phase1Choice{agreed_from(*mine, offered), {theirs.doi, theirs.situation, {std::move(answer)}}};
  }
  return Failure{explain(proposal.transforms, ours, Role::Responder)};
}

Result<Phase1Transform, Mismatch> accept_phase1(const SaPayload& answer, const Remote& ours) {
  if (!is_one_of_ike(answer) || answer.proposals[0].transforms.size() != 1) {
    return Failure{not_one("answer to the proposals", "one of ISAKMP with one transform", answer)};
  }
  const Transform& transform = answer.proposals[0].transforms[0];
  const Offered offered = read(transform);
  for (const Phase1Transform& mine : ours.proposals) {
    // The peer may have shortened the lifetime, never more: it answers an offer of ours.
    if (fits(offered, mine, {Check::Strict, Role::Initiator}) && offered.key_bits == mine.key_bits)
      return agreed_from(mine, offered);
  }
  return Failure{explain({transform}, ours, Role::Initiator)};
}

std::string method_name(const Phase1Transform& transform) {
  return authentication_name(method_number(transform, Role::Initiator));
}

std::string to_string(const Phase1Transform& transform) {
  return text(numbers(transform));
}

}  // namespace testudo::ike::negotiate
