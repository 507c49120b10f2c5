#include "crypto/ike/key_exchange.h"

#include "crypto/openssl/groups.h"

namespace testudo::crypto::ike {
namespace {

/// A scalar that is not in [1, order) is drawn again; for ECP 521 seven bits of the first byte are beyond the order.
constexpr int kDraws = 256;

}  // namespace

std::optional<KeyExchange> KeyExchange::generate(const GroupRow& group, Random& random) {
  for (int i = 0; i < kDraws; ++i) {
    if (auto made = of(group, draw(group, random))) return made;
  }
  return std::nullopt;
}

Secret KeyExchange::draw(const GroupRow& group, Random& random) {
  ByteVector bytes(group.private_bytes);
  const WipeAtEnd wiped{bytes};
  random.fill(bytes);
  if (group.bits % 8 == 1) bytes.front() &= 1;
  return Secret{bytes};
}

std::optional<KeyExchange> KeyExchange::of(const GroupRow& group, Secret drawn) {
  auto shown = openssl::public_value(group, drawn);
  if (!shown) return std::nullopt;
  return KeyExchange{group, std::move(drawn), *std::move(shown)};
}

bool KeyExchange::is_plausible(const GroupRow& group, Bytes peer) {
  return peer.size() == group.public_bytes && openssl::is_member(group, peer);
}

std::optional<Secret> KeyExchange::agree(Bytes peer) const {
  if (peer.size() != group_->public_bytes) return std::nullopt;
  return openssl::shared_secret(*group_, private_, peer);
}

}  // namespace testudo::crypto::ike
