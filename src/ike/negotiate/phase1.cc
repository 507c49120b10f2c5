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

std::string authentication_name(std::uint64_t method) {
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
  return {t.cipher->id, t.key_bits, t.hash->id, t.authentication, t.group->id, t.lifetime};
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

/// One attribute that can differ: its name, the word of racoon.conf for it, and both values as text.
struct Difference {
  const char *attribute, *statement;
  std::string ours, theirs;
};

std::vector<Difference> differences(const Offered& theirs, const Phase1Transform& ours, Check check) {
  const Offered mine = numbers(ours);
  std::vector<Difference> found;
  if (theirs.cipher != mine.cipher) {
    found.push_back({"encryption algorithm", "encryption_algorithm", cipher_text(mine), cipher_text(theirs)});
  } else if (!key_bits_fit(theirs, ours, check)) {
    found.push_back({"key length", "encryption_algorithm", cipher_text(mine), cipher_text(theirs)});
  }
  if (theirs.hash != mine.hash) {
    found.push_back({"hash algorithm", "hash_algorithm", std::string{ours.hash->name},
                     name_or_number(crypto::ike::hash_by_id(theirs.hash), "hash", theirs.hash)});
  }
  if (theirs.authentication != mine.authentication) {
    found.push_back({"authentication method", "authentication_method", authentication_name(mine.authentication),
                     authentication_name(theirs.authentication)});
  }
  if (theirs.group != mine.group) {
    found.push_back({"DH group", "dh_group", std::string{ours.group->name},
                     name_or_number(crypto::ike::group_by_id(theirs.group), "group", theirs.group)});
  }
  if (!lifetime_fits(theirs, ours, check)) {
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
Mismatch explain(const std::vector<Transform>& theirs, const Remote& ours) {
  std::vector<Difference> best;
  std::string nearest;
  for (const Transform& transform : theirs) {
    const Offered offered = read(transform);
    for (const Phase1Transform& mine : ours.proposals) {
      auto found = differences(offered, mine, ours.proposal_check);
      if (!best.empty() && found.size() >= best.size()) continue;
      best = std::move(found);
      nearest = text(offered);
    }
  }
  Mismatch why;
  why.notify = v1wire::Notify::NoProposalChosen;
  if (best.empty()) {
    why.attribute = "proposal";
    why.hint = "the peer offered nothing that can be read as a proposal for phase 1";
    return why;
  }
  for (const Difference& d : best) {
    const char* comma = why.attribute.empty() ? "" : ", ";
    why.attribute += comma + std::string{d.attribute};
    why.ours += comma + d.ours;
    why.theirs += comma + d.theirs;
  }
  why.nearest = nearest;
  why.hint = hint_for(best, ours);
  return why;
}

Phase1Transform agreed_from(const Phase1Transform& ours, const Offered& theirs) {
  Phase1Transform agreed = ours;
  agreed.key_bits = static_cast<std::uint16_t>(theirs.key_bits);
  agreed.lifetime = static_cast<std::uint32_t>(theirs.lifetime);
  return agreed;
}

bool is_ike(const Proposal& proposal) {
  return proposal.protocol == v1wire::Protocol::Isakmp;
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
    out.push_back(Attribute::of(oakley::kAuthentication, t.authentication));
    out.push_back(Attribute::of(oakley::kHash, t.hash->id));
    out.push_back(Attribute::of(oakley::kGroup, t.group->id));
    proposal.transforms.push_back(std::move(transform));
  }
  return {.proposals = {std::move(proposal)}};
}

Result<Phase1Choice, Mismatch> choose_phase1(const SaPayload& theirs, const Remote& ours) {
  std::vector<Transform> seen;
  for (const Proposal& proposal : theirs.proposals) {
    if (!is_ike(proposal)) continue;
    for (const Transform& transform : proposal.transforms) {
      seen.push_back(transform);
      if (transform.id != v1wire::kKeyIke) continue;
      const Offered offered = read(transform);
      const auto mine = std::ranges::find_if(ours.proposals, [&](const Phase1Transform& t) {
        return differences(offered, t, ours.proposal_check).empty();
      });
      if (mine == ours.proposals.end()) continue;
      Proposal answer{proposal.number, proposal.protocol, proposal.spi, {transform}};
      return Phase1Choice{agreed_from(*mine, offered), {theirs.doi, theirs.situation, {std::move(answer)}}};
    }
  }
  return Failure{explain(seen, ours)};
}

Result<Phase1Transform, Mismatch> accept_phase1(const SaPayload& answer, const Remote& ours) {
  const bool single = answer.proposals.size() == 1 && answer.proposals[0].transforms.size() == 1;
  if (!single || !is_ike(answer.proposals[0])) {
    Mismatch why;
    why.attribute = "answer to the proposals";
    why.ours = "one proposal with one transform";
    why.theirs = std::to_string(answer.proposals.size()) + " proposals";
    why.hint = "the peer breaks RFC 2409 section 5: it must choose one transform";
    why.notify = v1wire::Notify::BadProposalSyntax;
    return Failure{std::move(why)};
  }
  const Transform& transform = answer.proposals[0].transforms[0];
  const Offered offered = read(transform);
  for (const Phase1Transform& mine : ours.proposals) {
    // The peer may have shortened the lifetime, never more: it answers an offer of ours.
    const auto found = differences(offered, mine, Check::Strict);
    if (found.empty() && offered.key_bits == mine.key_bits) return agreed_from(mine, offered);
  }
  return Failure{explain({transform}, ours)};
}

std::string to_string(const Phase1Transform& transform) {
  return text(numbers(transform));
}

}  // namespace testudo::ike::negotiate
