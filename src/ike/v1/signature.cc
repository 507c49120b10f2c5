#include "ike/v1/signature.h"

#include <algorithm>

#include "ike/plain_keys.h"
#include "ike/v1/nat.h"
#include "ike/v1/required.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike::v1 {
namespace {

using crypto::ike::AltName;
using crypto::ike::Certificate;
using v1wire::Chain;
using v1wire::ChainWriter;
using v1wire::IdType;
using v1wire::Notify;
using v1wire::Payload;

/// RFC 2408 section 3.9: "X.509 Certificate - Signature".
constexpr std::uint8_t kX509Signature = 4;
constexpr std::size_t kLongestChain = 10;
/// Each is some hundred bytes, and a datagram has to hold them.
constexpr std::size_t kMostRequests = 8;

Mismatch bad_certificate(const IkeSa& sa, std::string theirs, Notify type) {
  if (const std::string& file = sa.block->peers_certificate_file; !file.empty()) {
    return {"certificate",
            file,
            std::move(theirs),
            "",
            "give ca_type x509 of remote " + sa.block->name + " here the CA that signed the certificate in that file",
            type,
            "is not believed"};
  }
  return {"certificate",
          sa.block->ca_file.empty() ? "the anchors of path certificate" : sa.block->ca_file,
          std::move(theirs),
          "",
          "give ca_type x509 of remote " + sa.block->name +
              " here the CA that signed it, or the peer a certificate of a CA that is known here",
          type,
          "is not believed"};
}

ByteVector copy_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

/// The peer's certificate first; the others may be of CAs.
Result<std::vector<ByteVector>, Mismatch> certificates_of(const IkeSa& sa, const Chain& chain) {
  std::vector<ByteVector> ders;
  if (sa.block->peers_certificate) ders.push_back(sa.block->peers_certificate->der());
  for (const v1wire::PayloadView& p : chain.payloads) {
    if (p.type != Payload::Certificate || sa.block->peers_certificate) continue;
    const auto view = v1wire::parse_certificate(p.body);
    if (view && view->encoding == kX509Signature && ders.size() < kLongestChain) ders.push_back(copy_of(view->data));
  }
  if (ders.empty()) return Failure{bad_certificate(sa, "none was sent", Notify::InvalidCertificate)};
  if (sa.block->verify_cert && !sa.block->trust) {
    return Failure{bad_certificate(sa, "no CA is known here", Notify::InvalidCertAuthority)};
  }
  return ders;
}

/// Null: not yet.  `judge` is called in any thread, and may point into the policy of the SA.
template <typename Judge>
const Judgement* judgement_of(IkeSa& sa, Evidence evidence, Judge judge) {
  const WorkProduct* const known = sa.work.known(SlowStep::Verification);
  if (known != nullptr && known->judgement.of != evidence) sa.work.forget(SlowStep::Verification);
  const WorkProduct* const made = sa.work.product(SlowStep::Verification, [&] {
    return [policy = sa.policy, evidence = std::move(evidence), judge = std::move(judge)] {
      WorkProduct product;
      product.judgement = judge(evidence);
      product.judgement.of = evidence;
      return product;
    };
  });
  return made == nullptr ? nullptr : &made->judgement;
}

Judgement judged_by_certificate(const Remote& block, const Evidence& evidence) {
  const std::vector<Bytes> ders(evidence.certificates.begin(), evidence.certificates.end());
  auto read = !block.verify_cert        ? crypto::ike::parse_certificate(ders.front())
              : block.peers_certificate ? block.trust->verify_known(ders.front())
                                        : block.trust->verify(ders);
  if (!read) return {.why = read.error()};
  const bool is_right = read->is_signature_of(evidence.signature, evidence.proof);
  return {.certificate = *std::move(read), .is_right = is_right};
}

bool bears(const Certificate& certificate, const Identity& name) {
  switch (name.type) {
    case IdType::DerDn:
      return crypto::ike::is_same_name(certificate.subject(), name.data);
    case IdType::Fqdn:
      return certificate.has_alt_name(AltName::Dns, name.data);
    case IdType::UserFqdn:
      return certificate.has_alt_name(AltName::Email, name.data);
    case IdType::V4Address:
    case IdType::V6Address:
      return certificate.has_alt_name(AltName::Address, name.data);
    default:
      return false;
  }
}

/// `*` is any value where the file has it, and itself where the peer does.
bool fits(const Identity& wanted, const Identity& peer) {
  const bool names = wanted.type == IdType::DerDn && peer.type == IdType::DerDn;
  return names ? crypto::ike::fits_name(wanted.data, peer.data) : wanted == peer;
}

/// Who the peer says it is must stand in its certificate: else any certificate of a CA would be anybody.
Status<Mismatch> check_name(const IkeSa& sa, const Certificate& certificate, const Identity& peer) {
  if (!bears(certificate, peer)) {
    const std::string others = certificate.alt_names_text();
    return Failure{
        Mismatch{"identifier",
                 "a name in its certificate: " + certificate.subject_text() + (others.empty() ? "" : ", " + others),
                 peer.to_string(), "", "set my_identifier asn1dn; at the peer, or one that stands in subjectAltName",
                 Notify::InvalidIdInformation}};
  }
  return check_expected(sa, peer);
}

// ---- without certificates

Mismatch no_plain_key(const IkeSa& sa, const Identity& peer) {
  return {"RSA key",
          sa.block->plain_peers_file,
          peer.to_string() + " at " + sa.remote.address.to_string(),
          "",
          "no key there is for it: add a line \"" + sa.remote.address.to_string() +
              " : PUB 0s...\" with its public key to that file here",
          Notify::AuthenticationFailed,
          "is not known"};
}

PlainKeys::Candidates candidates(const IkeSa& sa, const Identity& peer) {
  return sa.block->plain_peers->peers_for(sa.local.address, sa.remote.address, peer);
}

/// A key that is for anybody proves no name by itself: the address does, or the configuration, when it has one key.
Status<Mismatch> check_plain_name(const IkeSa& sa, const Identity& peer) {
  if (key_proves_name(sa, peer) || peer == Identity::of(sa.remote.address) || is_inside_name(sa, peer)) {
    return check_expected(sa, peer);
  }
  const std::string line = (peer.type == IdType::V4Address || peer.type == IdType::V6Address ? "" : "@");
  return Failure{Mismatch{"identifier", sa.remote.address.to_string(), peer.to_string(), "",
                          "its key is not known to be that of this name: write \"" + line + peer.to_string() +
                              " : PUB 0s...\" in " + sa.block->plain_peers_file +
                              " here, or, where that has one key, add a peers_identifier to remote " + sa.block->name +
                              "; or set my_identifier address; at the peer",
                          Notify::InvalidIdInformation}};
}

Status<Mismatch> check_plain_signature(IkeSa& sa, Bytes signature, Bytes proof, const Identity& peer) {
  const auto found = candidates(sa, peer);
  if (found.keys.empty()) return Failure{no_plain_key(sa, peer)};
  const Judgement* const judged = judgement_of(
      sa, {.signature = copy_of(signature), .proof = copy_of(proof)}, [keys = found.keys](const Evidence& evidence) {
        return Judgement{.is_right = std::ranges::any_of(keys, [&](const PlainKeys::Peer* each) {
                           return each->key.is_signature_of(evidence.signature, evidence.proof);
                         })};
      });
  if (judged == nullptr) return Failure{not_yet()};
  if (judged->is_right) return check_plain_name(sa, peer);
  std::string names;
  for (const PlainKeys::Peer* each : found.keys) names += (names.empty() ? "" : " or ") + each->key.name();
  return Failure{Mismatch{"signature", names, peer.to_string(), "",
                          "the peer does not hold the private key of the public one in " + sa.block->plain_peers_file +
                              " here, or signs for another host: compare the two",
                          Notify::InvalidSignature, "is wrong"}};
}

/// `sign` must not outlive the policy of the SA.
template <typename Sign>
Status<Mismatch> add_signed(ChainWriter& out, IkeSa& sa, Bytes proof, Sign sign) {
  const WorkProduct* const made = sa.work.product(SlowStep::Signature, [&] {
    return [policy = sa.policy, sign, proof = ByteVector(proof.begin(), proof.end())] {
      WorkProduct product;
      product.signature = sign(proof);
      return product;
    };
  });
  if (made == nullptr) return Failure{not_yet()};
  if (made->signature.empty()) return Failure{broken("signature", "this machine's OpenSSL cannot sign with the key")};
  out.add(Payload::Signature, made->signature);
  return Done{};
}

Status<Mismatch> add_plain_signature(ChainWriter& out, IkeSa& sa, Bytes proof) {
  const auto* const own = sa.block->plain_own->own_for(sa.local.address, sa.remote.address);
  if (own == nullptr) {
    return Failure{broken("RSA key", sa.block->plain_key_file + " has no private key for " +
                                         sa.local.address.to_string() + " " + sa.remote.address.to_string())};
  }
  return add_signed(out, sa, proof, [own](Bytes hash) { return own->key.sign(hash); });
}

}  // namespace

Mismatch about_plain_key(const IkeSa& sa, Notify type) {
  const auto* const own = sa.block->plain_own->own_for(sa.local.address, sa.remote.address);
  return {"RSA key",
          own == nullptr ? sa.block->plain_key_file : own->key.public_key().name(),
          std::string{v1wire::name_of(type)},
          "",
          "the peer does not believe it: its file of public keys needs the one that is in the first line of " +
              sa.block->plain_key_file + " here",
          type,
          "is not believed"};
}

bool key_proves_name(const IkeSa& sa, const Identity& peer) {
  if (!sa.block->plain_peers) return true;
  if (candidates(sa, peer).prove_name) return true;
  const auto& wanted = sa.block->peers_identifiers;
  return sa.block->plain_peers->peers.size() == 1 && std::ranges::find(wanted, peer) != wanted.end();
}

Status<Mismatch> check_expected(const IkeSa& sa, const Identity& peer) {
  const auto& wanted = sa.block->peers_identifiers;
  const bool expected =
      wanted.empty() || std::ranges::any_of(wanted, [&](const Identity& id) { return fits(id, peer); });
  if (expected) return Done{};
  std::string names;
  for (const Identity& id : wanted) names += (names.empty() ? "" : " or ") + id.to_string();
  return Failure{Mismatch{
      "identifier", names, peer.to_string(), "",
      "add a peers_identifier for it to remote " + sa.block->name + " here, or change my_identifier at the peer",
      Notify::InvalidIdInformation}};
}

bool uses_signatures(const IkeSa& sa) {
  return sa.agreed.signs() || sa.agreed.peer_signs();
}

Identity own_identity(const IkeSa& sa) {
  const auto& set = sa.block->my_identifier;
  const bool subject = set && set->type == IdType::DerDn && set->data.empty() && sa.block->credentials;
  if (subject) return {IdType::DerDn, sa.block->credentials->certificate().subject()};
  return set.value_or(Identity::of(sa.local.address));
}

void add_certificate_requests(ChainWriter& out, const IkeSa& sa) {
  if (!sa.agreed.peer_signs() || !sa.block->send_cr || !sa.block->trust || sa.block->peers_certificate) return;
  const auto& names = sa.block->trust->names();
  for (std::size_t i = 0; i < std::min(names.size(), kMostRequests); ++i) {
    out.add(Payload::CertificateRequest, v1wire::compose_certificate(kX509Signature, names[i]));
  }
}

Status<Mismatch> add_signature(ChainWriter& out, IkeSa& sa, Bytes proof) {
  if (sa.block->plain_own) return add_plain_signature(out, sa, proof);
  if (!sa.block->credentials) return Failure{broken("certificate", "none of its own was read here")};
  if (sa.block->send_cert) {
    for (const Certificate& certificate : sa.block->credentials->chain()) {
      out.add(Payload::Certificate, v1wire::compose_certificate(kX509Signature, certificate.der()));
    }
  }
  return add_signed(out, sa, proof, [block = sa.block](Bytes hash) { return block->credentials->sign(hash); });
}

Status<Mismatch> check_signature(IkeSa& sa, const Chain& chain, Bytes proof, const Identity& peer) {
  TRY(const Bytes signature, only(chain, Payload::Signature));
  if (sa.block->plain_peers) return check_plain_signature(sa, signature, proof, peer);
  TRY(auto ders, certificates_of(sa, chain));
  const Judgement* const judged =
      judgement_of(sa, {std::move(ders), copy_of(signature), copy_of(proof)},
                   [block = sa.block](const Evidence& evidence) { return judged_by_certificate(*block, evidence); });
  if (judged == nullptr) return Failure{not_yet()};
  if (!judged->certificate) return Failure{bad_certificate(sa, judged->why, Notify::InvalidCertificate)};
  const Certificate& certificate = *judged->certificate;
  if (!judged->is_right) {
    const std::string& file = sa.block->peers_certificate_file;
    return Failure{Mismatch{"signature", file, certificate.subject_text(), "",
                            std::string{"the peer does not hold the private key of the certificate that "} +
                                (file.empty() ? "it sent" : "is in that file here: it may have a new one"),
                            Notify::InvalidSignature, "is wrong"}};
  }
  TRY_DONE(check_name(sa, certificate, peer));
  sa.peer_certificate = certificate.der();
  return Done{};
}

}  // namespace testudo::ike::v1
