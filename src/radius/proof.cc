#include "radius/proof.h"

#include <algorithm>

#include "base/secret.h"
#include "crypto/ike/prf.h"
#include "wire/writer.h"

namespace testudo::radius {
namespace {

namespace ike = crypto::ike;
using wire::radius::Code;

constexpr std::size_t kBlock = 16;
constexpr Authenticator kZeros{};

ByteVector md5(ike::Pieces pieces) {
  return ike::digest(ike::HashKind::Md5, pieces);
}

Secret hmac_md5(Bytes key, ike::Pieces pieces) {
  return ike::prf(*ike::hash_by_name("md5"), key, pieces);
}

}  // namespace

ByteVector hide_password(Bytes password, Bytes secret, const Authenticator& request) {
  ByteVector hidden(std::max((password.size() + kBlock - 1) / kBlock, std::size_t{1}) * kBlock);
  std::ranges::copy(password, hidden.begin());
  Bytes before = request;
  for (std::size_t at = 0; at < hidden.size(); at += kBlock) {
    ByteVector mask = md5({secret, before});
    const WipeAtEnd wiped{mask};
    const MutableBytes block = MutableBytes{hidden}.subspan(at, kBlock);
    std::ranges::transform(block, mask, block.begin(),
                           [](std::uint8_t a, std::uint8_t b) { return static_cast<std::uint8_t>(a ^ b); });
    before = block;
  }
  return hidden;
}

ByteVector access_request(std::uint8_t id, const Authenticator& request, Bytes attributes, Bytes secret) {
  wire::radius::Attributes proof;
  proof.add(wire::radius::type::kMessageAuthenticator, kZeros);
  wire::Writer all;
  all.raw(proof.bytes()).raw(attributes);
  ByteVector packet = compose(Code::AccessRequest, id, request, all.bytes());
  const Secret made = hmac_md5(secret, {packet});
  std::ranges::copy(made.expose(), packet.begin() + wire::radius::kHeader + 2);
  return packet;
}

ByteVector accounting_request(std::uint8_t id, Bytes attributes, Bytes secret) {
  ByteVector packet = compose(Code::AccountingRequest, id, kZeros, attributes);
  const ByteVector made = md5({packet, secret});
  std::ranges::copy(made, packet.begin() + 4);
  return packet;
}

ByteVector answer_authenticator(const Packet& answer, const Authenticator& request, Bytes secret) {
  return md5({answer.whole.first(4), request, answer.whole.subspan(wire::radius::kHeader), secret});
}

bool is_answer_to(const Packet& answer, const Authenticator& request, Bytes secret) {
  return equal_constant_time(answer_authenticator(answer, request, secret), answer.authenticator);
}

MessageProof message_proof(const Packet& answer, const Authenticator& request, Bytes secret) {
  const auto* const found = answer.find(wire::radius::type::kMessageAuthenticator);
  if (found == nullptr) return MessageProof::Missing;
  if (found->value.size() != kZeros.size()) return MessageProof::Wrong;
  const Bytes attributes = answer.whole.subspan(wire::radius::kHeader);
  const std::size_t place = found->offset - wire::radius::kHeader;
  const Secret expected = hmac_md5(secret, {answer.whole.first(4), request, attributes.first(place), kZeros,
                                            attributes.subspan(place + kZeros.size())});
  return equal_constant_time(expected.expose(), found->value) ? MessageProof::Right : MessageProof::Wrong;
}

}  // namespace testudo::radius
