#include "ike/negotiate/phase2.h"

#include <algorithm>
#include <array>

#include "base/endian.h"

namespace testudo::ike::negotiate {
namespace {

using v1wire::Attribute;
using v1wire::Proposal;
using v1wire::Protocol;
using v1wire::SaPayload;
using v1wire::Transform;
namespace ipsec = v1wire::ipsec;

constexpr std::uint8_t kDeflate = 2;
constexpr std::uint32_t kDefaultLifetime = 28800;

struct MacNumber {
  std::uint16_t attribute;  ///< Authentication Algorithm
  std::uint8_t transform;   ///< of AH
  crypto::MacKind kind;
};
constexpr std::array kMacNumbers{
    MacNumber{1, 2, crypto::MacKind::HmacMd5},    MacNumber{2, 3, crypto::MacKind::HmacSha1},
    MacNumber{5, 5, crypto::MacKind::HmacSha256}, MacNumber{6, 6, crypto::MacKind::HmacSha384},
    MacNumber{7, 7, crypto::MacKind::HmacSha512}, MacNumber{8, 8, crypto::MacKind::HmacRipemd160},
    MacNumber{9, 9, crypto::MacKind::AesXcbc},
};

const crypto::MacRow* mac_of(std::uint64_t attribute) {
  const auto number = std::ranges::find(kMacNumbers, attribute, &MacNumber::attribute);
  if (number == kMacNumbers.end()) return nullptr;
  return &*std::ranges::find(crypto::macs(), number->kind, &crypto::MacRow::kind);
}

const MacNumber* number_of(const crypto::MacRow& row) {
  const auto number = std::ranges::find(kMacNumbers, row.kind, &MacNumber::kind);
  return number == kMacNumbers.end() ? nullptr : &*number;
}

/// ESP's transform ids are PF_KEY's numbers but for what no registry of IKEv1 has.
const crypto::CipherRow* cipher_of(std::uint8_t transform) {
  const auto* row = crypto::cipher_by_id(transform);
  return row == nullptr || row->kind == crypto::CipherKind::ChaCha20Poly1305 ? nullptr : row;
}

bool has_variable_key(const crypto::CipherRow& row) {
  return row.kind != crypto::CipherKind::Null && row.key.min != row.key.max;
}

std::uint16_t key_bytes(const crypto::CipherRow& row, std::uint64_t bits) {
  if (row.kind == crypto::CipherKind::Null) return 0;
  if (!has_variable_key(row)) return row.key.max;
  const std::uint64_t bytes = (bits == 0 ? 128 : bits) / 8 + row.salt;
  return bits % 8 == 0 && bytes <= row.key.max && row.key.allows(bytes) ? static_cast<std::uint16_t>(bytes)
                                                                        : std::uint16_t{0};
}

/// RFC 4303 section 2.1: 1 to 255 are reserved, 0 is for local use.  RFC 3173 section 4.1: a CPI has 16 bits, in two
/// bytes or in four, and those below 256 are not negotiated.
std::optional<Spi> spi_of(const Proposal& proposal) {
  static constexpr std::uint32_t kLeast = 256, kLargestCpi = 0xffff;
  const bool compression = proposal.protocol == Protocol::Ipcomp;
  std::uint32_t spi = 0;
  if (proposal.spi.size() == 4) spi = be32(proposal.spi.data());
  if (compression && proposal.spi.size() == 2) spi = be16(proposal.spi.data());
  if (spi < kLeast || (compression && spi > kLargestCpi)) return std::nullopt;
  return Spi{spi};
}

/// Life type, duration, mode, …: racoon's order.
std::vector<Attribute> common(const Sainfo& sainfo, std::uint16_t mode) {
  return {Attribute::of(ipsec::kLifeType, 1), Attribute::of(ipsec::kLifeDuration, sainfo.lifetime),
          Attribute::of(ipsec::kEncapsulation, mode)};
}

void add_transform(Proposal& proposal, std::uint8_t id, std::vector<Attribute> attributes, const Sainfo& sainfo) {
  if (sainfo.pfs_group != nullptr) attributes.push_back(Attribute::of(ipsec::kGroup, sainfo.pfs_group->id));
  proposal.transforms.push_back({static_cast<std::uint8_t>(proposal.transforms.size() + 1), id, std::move(attributes)});
}

void add_esp(Proposal& proposal, const Sainfo& sainfo, std::uint16_t mode) {
  for (const ChildCipher& cipher : sainfo.encryption) {
    std::vector<Attribute> attributes = common(sainfo, mode);
    const auto finish = [&](std::vector<Attribute> with) {
      if (has_variable_key(*cipher.row)) with.push_back(Attribute::of(ipsec::kKeyLength, cipher.key_bits));
      add_transform(proposal, cipher.row->id, std::move(with), sainfo);
    };
    if (cipher.row->is_aead()) {
      finish(attributes);
      continue;
    }
    for (const crypto::MacRow* mac : sainfo.authentication) {
      const MacNumber* number = number_of(*mac);
      if (number == nullptr) continue;
      std::vector<Attribute> with = attributes;
      with.push_back(Attribute::of(ipsec::kAuthentication, number->attribute));
      finish(std::move(with));
    }
  }
}

void add_ah(Proposal& proposal, const Sainfo& sainfo, std::uint16_t mode) {
  for (const crypto::MacRow* mac : sainfo.authentication) {
    const MacNumber* number = number_of(*mac);
    if (number == nullptr) continue;
    std::vector<Attribute> attributes = common(sainfo, mode);
    attributes.push_back(Attribute::of(ipsec::kAuthentication, number->attribute));
    add_transform(proposal, number->transform, std::move(attributes), sainfo);
  }
}

/// A transform as the peer sent it.
struct Offered {
  Protocol protocol{};
  std::uint8_t id = 0;
  std::uint64_t mode = 0, authentication = 0, key_bits = 0, group = 0, lifetime = kDefaultLifetime;
  bool extended_sequence = false;
};

Offered read(Protocol protocol, const Transform& transform) {
  const auto value = [&](std::uint16_t type) { return transform.number_of(type).value_or(0); };
  Offered o{protocol,
            transform.id,
            value(ipsec::kEncapsulation),
            value(ipsec::kAuthentication),
            value(ipsec::kKeyLength),
            value(ipsec::kGroup),
            kDefaultLifetime,
            value(ipsec::kExtendedSequence) != 0};
  std::uint64_t type = 0;
  for (const Attribute& attribute : transform.attributes) {
    if (attribute.type == ipsec::kLifeType) type = attribute.number().value_or(0);
    if (attribute.type == ipsec::kLifeDuration && type == 1) o.lifetime = attribute.number().value_or(0);
  }
  return o;
}

std::string mode_text(std::uint64_t mode) {
  static constexpr std::array kNames{"no mode", "tunnel", "transport", "UDP tunnel", "UDP transport"};
  if (mode == ipsec::kDraftUdpTunnel) return "UDP tunnel of the drafts";
  if (mode == ipsec::kDraftUdpTransport) return "UDP transport of the drafts";
  return mode < kNames.size() ? kNames[mode] : "mode " + std::to_string(mode);
}

std::string cipher_text(const crypto::CipherRow* row, std::uint8_t id, std::uint64_t bits) {
  if (row == nullptr) return "transform " + std::to_string(id);
  return std::string{row->name} + (has_variable_key(*row) ? " " + std::to_string(bits == 0 ? 128 : bits) : "");
}

std::string algorithms_text(const Offered& o) {
  const auto* mac = mac_of(o.authentication);
  const std::string mac_text = mac != nullptr          ? std::string{mac->name}
                               : o.authentication == 0 ? "no authentication"
                                                       : "authentication " + std::to_string(o.authentication);
  switch (o.protocol) {
    case Protocol::Esp:
      return cipher_text(cipher_of(o.id), o.id, o.key_bits) + " with " + mac_text;
    case Protocol::Ah:
      return mac_text;
    default:
      return o.id == kDeflate ? "deflate" : "compression " + std::to_string(o.id);
  }
}

std::string text(const Offered& o) {
  return std::string{v1wire::name_of(o.protocol)} + " " + algorithms_text(o) + ", " + mode_text(o.mode) + ", " +
         std::to_string(o.lifetime) + " s" + (o.group != 0 ? ", PFS group " + std::to_string(o.group) : "");
}

std::string sainfo_text(const Sainfo& sainfo, Protocol protocol) {
  std::string ciphers, macs;
  for (const ChildCipher& c : sainfo.encryption) {
    ciphers += (ciphers.empty() ? "" : ", ") + cipher_text(c.row, 0, c.key_bits);
  }
  for (const crypto::MacRow* mac : sainfo.authentication) {
    macs += (macs.empty() ? "" : ", ") + std::string{mac->name};
  }
  if (protocol == Protocol::Ipcomp) return "deflate";
  return protocol == Protocol::Ah ? macs : ciphers + " with " + macs;
}

std::optional<ChildTerms> esp_terms(const Offered& o, const Sainfo& sainfo) {
  const auto* row = cipher_of(o.id);
  if (row == nullptr) return std::nullopt;
  const std::uint16_t bytes = key_bytes(*row, o.key_bits);
  const bool allowed = std::ranges::any_of(
      sainfo.encryption, [&](const ChildCipher& c) { return c.row == row && key_bytes(*row, c.key_bits) == bytes; });
  if (!allowed || (bytes == 0 && row->kind != crypto::CipherKind::Null)) return std::nullopt;
  if (row->is_aead()) return o.authentication == 0 ? std::optional{ChildTerms{row, bytes, nullptr}} : std::nullopt;
  const auto* mac = mac_of(o.authentication);
  if (mac == nullptr || std::ranges::find(sainfo.authentication, mac) == sainfo.authentication.end()) {
    return std::nullopt;
  }
  return ChildTerms{row, bytes, mac};
}

std::optional<ChildTerms> ah_terms(const Offered& o, const Sainfo& sainfo) {
  const auto* mac = mac_of(o.authentication);
  if (mac == nullptr || number_of(*mac)->transform != o.id) return std::nullopt;
  if (std::ranges::find(sainfo.authentication, mac) == sainfo.authentication.end()) return std::nullopt;
  return ChildTerms{nullptr, 0, mac};
}

std::optional<ChildTerms> terms_of(const Offered& o, const Sainfo& sainfo) {
  switch (o.protocol) {
    case Protocol::Esp:
      return esp_terms(o, sainfo);
    case Protocol::Ah:
      return ah_terms(o, sainfo);
    case Protocol::Ipcomp:
      return o.id == kDeflate && sainfo.deflate ? std::optional{ChildTerms{}} : std::nullopt;
    default:
      return std::nullopt;
  }
}

bool lifetime_fits(const Offered& o, const Phase2Wish& wish) {
  if (o.lifetime == 0 || o.lifetime > 0xffffffff) return false;
  if (wish.check == Check::Obey || wish.check == Check::Claim) return true;
  return wish.check == Check::Exact ? o.lifetime == wish.sainfo.lifetime : o.lifetime <= wish.sainfo.lifetime;
}

bool group_fits(const Offered& o, const Phase2Wish& wish) {
  if (o.group != 0 && crypto::ike::group_by_id(o.group) == nullptr) return false;
  if (wish.check == Check::Obey) return true;
  const std::uint64_t wanted = wish.sainfo.pfs_group != nullptr ? wish.sainfo.pfs_group->id : 0;
  return o.group == wanted || (wanted == 0 && wish.check != Check::Exact);
}

/// RFC 3947 section 5.1 speaks of ESP; what others say of the IPcomp in it differs.
bool mode_fits(const Offered& o, Encapsulation mode, const Modes& modes) {
  return o.mode == modes.of(mode) || (o.protocol == Protocol::Ipcomp && o.mode == Modes{}.of(mode));
}

/// The attributes in which a transform misses what item and sainfo want, worst first; empty when it fits.
std::vector<Mismatch> misses(const Offered& o, const ChildItem& item, const Phase2Wish& wish) {
  std::vector<Mismatch> found;
  const auto miss = [&](const char* attribute, std::string ours, std::string theirs, const char* statement) {
    found.push_back({attribute, std::move(ours), std::move(theirs), text(o),
                     std::string{"change "} + statement + " here, or the peer's, so that both agree",
                     v1wire::Notify::NoProposalChosen});
  };
  const std::string sainfo = "sainfo " + wish.sainfo.name;
  if (!terms_of(o, wish.sainfo)) {
    miss("algorithms", sainfo_text(wish.sainfo, o.protocol), algorithms_text(o),
         ("the algorithms of " + sainfo).c_str());
  }
  if (!mode_fits(o, item.mode, wish.modes)) {
    miss("encapsulation mode", mode_text(wish.modes.of(item.mode)), mode_text(o.mode),
         wish.modes.in_udp() || o.mode > ipsec::kTransport ? "nat_traversal, or the mode of the policy (setkey spdadd),"
                                                           : "the mode of the policy (setkey spdadd)");
  }
  if (!group_fits(o, wish)) {
    miss("PFS group", wish.sainfo.pfs_group != nullptr ? std::string{wish.sainfo.pfs_group->name} : "none",
         o.group == 0 ? "none" : "group " + std::to_string(o.group), ("pfs_group of " + sainfo).c_str());
  }
  if (!lifetime_fits(o, wish)) {
    miss("lifetime", std::to_string(wish.sainfo.lifetime) + " s", std::to_string(o.lifetime) + " s",
         ("lifetime time of " + sainfo).c_str());
  }
  if (o.extended_sequence) miss("extended sequence numbers", "off", "on", "the peer's use of them");
  return found;
}

/// Tries one group of proposals (all of one number).
class Attempt {
 public:
  explicit Attempt(const Phase2Wish& wish) : wish_(wish) {}

  bool fits(std::span<const Proposal> group) {
    choice_ = {};
    choice_.lifetime = 0xffffffff;
    if (group.size() != wish_.items.size()) {
      note({"protocols", std::to_string(wish_.items.size()) + " in the policy", std::to_string(group.size()), "",
            "the policies of both sides must ask for the same protocols", v1wire::Notify::NoProposalChosen},
           kFar);
      return false;
    }
    choice_.items.resize(wish_.items.size());
    taken_.assign(wish_.items.size(), false);
    for (const Proposal& proposal : group) {
      if (!take(proposal)) return false;
    }
    return choice_.answer.proposals.size() == wish_.items.size();
  }
  Phase2Choice choice() { return std::move(choice_); }
  Mismatch nearest() { return std::move(nearest_); }

 private:
  static constexpr std::size_t kFar = 100;

  void note(Mismatch why, std::size_t distance) {
    if (distance >= distance_) return;
    distance_ = distance;
    nearest_ = std::move(why);
  }

  bool take(const Proposal& proposal) {
    const auto item = std::ranges::find_if(wish_.items, [&](const ChildItem& wanted) {
      return wanted.protocol == proposal.protocol && !taken_[static_cast<std::size_t>(&wanted - wish_.items.data())];
    });
    const auto spi = spi_of(proposal);
    if (item != wish_.items.end() && !spi) {
      note({"SPI", "256 or more", "one that is reserved or of a wrong length", "",
            "the peer breaks its protocol: RFC 4303 section 2.1, RFC 3173 section 4.1", v1wire::Notify::InvalidSpi},
           kFar - 2);
      return false;
    }
    if (item == wish_.items.end()) {
      note({"protocols", "", std::string{v1wire::name_of(proposal.protocol)}, "",
            "the policy here asks for other protocols", v1wire::Notify::NoProposalChosen},
           kFar - 1);
      return false;
    }
    for (const Transform& transform : proposal.transforms) {
      const Offered offered = read(proposal.protocol, transform);
      auto missed = misses(offered, *item, wish_);
      if (missed.empty()) {
        keep(proposal, transform, offered, static_cast<std::size_t>(item - wish_.items.begin()), *spi);
        return true;
      }
      note(std::move(missed.front()), missed.size());
    }
    return false;
  }

  void keep(const Proposal& proposal, const Transform& transform, const Offered& offered, std::size_t place, Spi spi) {
    taken_[place] = true;
    choice_.items[place] = {*terms_of(offered, wish_.sainfo), spi};
    choice_.lifetime = std::min(choice_.lifetime, static_cast<std::uint32_t>(offered.lifetime));
    if (wish_.check == Check::Claim) choice_.lifetime = std::min(choice_.lifetime, wish_.sainfo.lifetime);
    if (offered.group != 0) choice_.pfs_group = crypto::ike::group_by_id(offered.group);
    choice_.answer.proposals.push_back({proposal.number, proposal.protocol, proposal.spi, {transform}});
  }

  const Phase2Wish& wish_;
  Phase2Choice choice_;
  std::vector<bool> taken_;  ///< by item
  Mismatch nearest_;
  std::size_t distance_ = kFar + 1;
};

}  // namespace

ByteVector spi_bytes(ChildProtocol protocol, Spi spi) {
  ByteVector bytes(4);
  put_be32(bytes.data(), spi.value);
  if (protocol == Protocol::Ipcomp) bytes.erase(bytes.begin(), bytes.begin() + 2);
  return bytes;
}

SaPayload phase2_offer(const Sainfo& sainfo, const std::vector<ChildItem>& items, const std::vector<Spi>& spis,
                       const Modes& modes) {
  SaPayload sa;
  for (std::size_t i = 0; i < items.size(); ++i) {
    Proposal proposal{1, items[i].protocol, spi_bytes(items[i].protocol, spis[i]), {}};
    if (items[i].protocol == Protocol::Esp) add_esp(proposal, sainfo, modes.of(items[i].mode));
    if (items[i].protocol == Protocol::Ah) add_ah(proposal, sainfo, modes.of(items[i].mode));
    if (items[i].protocol == Protocol::Ipcomp) {
      add_transform(proposal, kDeflate, common(sainfo, modes.of(items[i].mode)), sainfo);
    }
    sa.proposals.push_back(std::move(proposal));
  }
  return sa;
}

std::optional<ChildItem> only_item(const SaPayload& theirs, const Modes& modes) {
  if (theirs.proposals.empty() || theirs.proposals.front().transforms.empty()) return std::nullopt;
  const Proposal& first = theirs.proposals.front();
  const bool bundle = theirs.proposals.size() > 1 && theirs.proposals[1].number == first.number;
  if (bundle || (first.protocol != Protocol::Esp && first.protocol != Protocol::Ah)) return std::nullopt;
  const std::uint64_t mode = read(first.protocol, first.transforms.front()).mode;
  const bool transport = mode == modes.transport || mode == ipsec::kTransport;
  return ChildItem{first.protocol, transport ? Encapsulation::Transport : Encapsulation::Tunnel, ReqId{}};
}

Result<Phase2Choice, Mismatch> choose_phase2(const SaPayload& theirs, const Phase2Wish& wish) {
  Attempt attempt{wish};
  const std::span<const Proposal> all{theirs.proposals};
  for (std::size_t begin = 0; begin < all.size();) {
    std::size_t end = begin + 1;
    while (end < all.size() && all[end].number == all[begin].number) ++end;
    if (attempt.fits(all.subspan(begin, end - begin))) return attempt.choice();
    begin = end;
  }
  return Failure{attempt.nearest()};
}

Result<Phase2Choice, Mismatch> accept_phase2(const SaPayload& answer, const Phase2Wish& offered) {
  const bool single = std::ranges::all_of(answer.proposals, [&](const Proposal& p) {
    return p.transforms.size() == 1 && p.number == answer.proposals.front().number;
  });
  if (!single) {
    return Failure{Mismatch{"answer to the proposals", "one transform for each protocol", "more", "",
                            "the peer breaks RFC 2409 section 5.5", v1wire::Notify::BadProposalSyntax}};
  }
  // proposal_check is about what others offer; this answers an offer of ours.
  TRY(auto choice, choose_phase2(answer, {offered.sainfo, offered.items, Check::Strict, offered.modes}));
  if (choice.pfs_group != offered.sainfo.pfs_group) {
    const auto name = [](const crypto::ike::GroupRow* group) {
      return group == nullptr ? std::string{"none"} : std::string{group->name};
    };
    return Failure{Mismatch{"PFS group", name(offered.sainfo.pfs_group), name(choice.pfs_group), "",
                            "the peer chose what we did not offer", v1wire::Notify::BadProposalSyntax}};
  }
  return choice;
}

SaPayload with_spis(SaPayload answer, const std::vector<ChildItem>& items, const std::vector<Spi>& spis) {
  std::vector<bool> used(items.size(), false);
  for (Proposal& proposal : answer.proposals) {
    std::size_t place = 0;
    while (place < items.size() && (used[place] || items[place].protocol != proposal.protocol)) ++place;
    if (place >= spis.size()) continue;
    used[place] = true;
    proposal.spi = spi_bytes(proposal.protocol, spis[place]);
  }
  return answer;
}

}  // namespace testudo::ike::negotiate
