#include "ike/v1/signature.h"

#include <algorithm>

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
  return {"certificate",
          sa.block->ca_file.empty() ? "the anchors of path certificate" : sa.block->ca_file,
          std::move(theirs),
          "",
          "give ca_type x509 of remote " + sa.block->name +
              " here the CA that signed it, or the peer a certificate of a CA that is known here",
          type,
          "is not believed"};
}

Result<Certificate, Mismatch> peer_certificate(const IkeSa& sa, const Chain& chain) {
  std::vector<Bytes> ders;
  for (const v1wire::PayloadView& p : chain.payloads) {
    if (p.type != Payload::Certificate) continue;
    const auto view = v1wire::parse_certificate(p.body);
    if (view && view->encoding == kX509Signature && ders.size() < kLongestChain) ders.push_back(view->data);
  }
  if (ders.empty()) return Failure{bad_certificate(sa, "none was sent", Notify::InvalidCertificate)};
  if (sa.block->verify_cert && !sa.block->trust) {
    return Failure{bad_certificate(sa, "no CA is known here", Notify::InvalidCertAuthority)};
  }
  auto read = sa.block->verify_cert ? sa.block->trust->verify(ders) : crypto::ike::parse_certificate(ders.front());
  if (!read) return Failure{bad_certificate(sa, read.error(), Notify::InvalidCertificate)};
  return *std::move(read);
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

}  // namespace

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
  return sa.agreed.authentication == v1wire::oakley::kRsaSignature;
}

Identity own_identity(const IkeSa& sa) {
  const auto& set = sa.block->my_identifier;
  const bool subject = set && set->type == IdType::DerDn && set->data.empty() && sa.block->credentials;
  if (subject) return {IdType::DerDn, sa.block->credentials->certificate().subject()};
  return set.value_or(Identity::of(sa.local.address));
}

void add_certificate_requests(ChainWriter& out, const IkeSa& sa) {
  if (!uses_signatures(sa) || !sa.block->send_cr || !sa.block->trust) return;
  const auto& names = sa.block->trust->names();
  for (std::size_t i = 0; i < std::min(names.size(), kMostRequests); ++i) {
    out.add(Payload::CertificateRequest, v1wire::compose_certificate(kX509Signature, names[i]));
  }
}

Status<Mismatch> add_signature(ChainWriter& out, const IkeSa& sa, Bytes proof) {
  if (!sa.block->credentials) return Failure{broken("certificate", "none of its own was read here")};
  if (sa.block->send_cert) {
    for (const Certificate& certificate : sa.block->credentials->chain()) {
      out.add(Payload::Certificate, v1wire::compose_certificate(kX509Signature, certificate.der()));
    }
  }
  ByteVector signature = sa.block->credentials->sign(proof);
  if (signature.empty()) return Failure{broken("signature", "this machine's OpenSSL cannot sign with the key")};
  out.add(Payload::Signature, std::move(signature));
  return Done{};
}

Status<Mismatch> check_signature(const IkeSa& sa, const Chain& chain, Bytes proof, const Identity& peer) {
  TRY(const Bytes signature, only(chain, Payload::Signature));
  TRY(const Certificate certificate, peer_certificate(sa, chain));
  if (!certificate.is_signature_of(signature, proof)) {
    return Failure{Mismatch{"signature", "", certificate.subject_text(), "",
                            "the peer does not hold the private key of the certificate that it sent",
                            Notify::InvalidSignature, "is wrong"}};
  }
  return check_name(sa, certificate, peer);
}

}  // namespace testudo::ike::v1
