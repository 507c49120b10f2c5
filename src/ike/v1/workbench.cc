#include "ike/v1/workbench.h"

namespace testudo::ike::v1 {

using crypto::ike::KeyExchange;

Work key_pair_work(const crypto::ike::GroupRow& group, Bytes peer, Random& random) {
  // A function is copied; a secret is not.
  auto secret = std::make_shared<const Secret>(KeyExchange::draw(group, random));
  return [&group, secret = std::move(secret), peer = ByteVector(peer.begin(), peer.end())] {
    auto made = KeyExchange::of(group, secret->clone());
    if (!made) return WorkProduct{};
    WorkProduct product{std::make_shared<const KeyExchange>(*std::move(made))};
    if (!peer.empty()) product.shared = product.own->agree(peer);
    return product;
  };
}

Work agreement_work(std::shared_ptr<const KeyExchange> own, Bytes peer) {
  return [own = std::move(own), peer = ByteVector(peer.begin(), peer.end())] {
    WorkProduct product;
    product.shared = own->agree(peer);
    return product;
  };
}

}  // namespace testudo::ike::v1
