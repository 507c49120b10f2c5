#include "ike/v1/required.h"

namespace testudo::ike::v1 {

using wire::ike::v1::Chain;
using wire::ike::v1::Notify;
using wire::ike::v1::Payload;

Mismatch broken(std::string attribute, std::string hint, Notify notify) {
  return {std::move(attribute), "", "", "", std::move(hint), notify};
}

Result<Bytes, Mismatch> only(const Chain& chain, Payload type) {
  const std::size_t count = chain.count(type);
  if (count == 1) return chain.find(type)->body;
  return Failure{broken(std::string{wire::ike::v1::name_of(type)} + " payload",
                        "the message needs exactly one, the peer sent " + std::to_string(count))};
}

Result<wire::ike::v1::SaPayload, Mismatch> only_sa(const Chain& chain) {
  TRY(const Bytes body, only(chain, Payload::Sa));
  auto parsed = wire::ike::v1::parse_sa(body);
  if (parsed) return *std::move(parsed);
  if (parsed.error() == wire::Malformed::Unsupported) {
    return Failure{
        broken("DOI or situation", "only the IPsec DOI with identity only is spoken", Notify::DoiNotSupported)};
  }
  return Failure{broken("SA payload", "the peer's proposals cannot be read", Notify::BadProposalSyntax)};
}

Result<ByteVector, Mismatch> only_nonce(const Chain& chain) {
  TRY(const Bytes nonce, only(chain, Payload::Nonce));
  if (nonce.size() < 8 || nonce.size() > 256) {
    return Failure{broken("NONCE payload", "RFC 2409 section 5 allows 8 to 256 bytes")};
  }
  return owned(nonce);
}

}  // namespace testudo::ike::v1
