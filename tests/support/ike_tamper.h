#pragma once
// Changes what two IKE machines say to each other: as anybody on the way can, and as a peer who knows the keys can
// (what is encrypted is decrypted, changed and encrypted again, its HASH made right where that is asked for).
#include <algorithm>
#include <functional>
#include <map>

#include "crypto/ike/prf.h"
#include "ike/v1/crypt.h"
#include "unit/ike/pair.h"

namespace testudo::ike::test {

class Tamper {
 public:
  explicit Tamper(Pair& pair) : pair_(pair) {}

  using Change = std::function<void(ByteVector& payloads)>;
  enum class Hash : std::uint8_t { AsItWas, Right };

  /// To be called for every datagram, in the order of sending, with an empty change for one that is left alone: the
  /// initialization vectors form a chain.  False when it is in clear.
  bool under_encryption(ByteVector& datagram, const Change& change, Hash hash = Hash::AsItWas) {
    const auto message = wire::ike::parse(datagram);
    if (!message || (message->header.flags & v1wire::flag::kEncryption) == 0) return false;
    const v1::IkeSa* const sa = sa_of(message->header);
    if (sa == nullptr) return false;
    const ByteVector iv = iv_of(*sa, message->header.message_id, datagram);
    auto opened = v1::open(*sa, iv, *message);
    if (!opened || !change) return opened.has_value();
    const wire::ike::Header header = message->header;
    change(opened->plain);
    if (hash == Hash::Right) make_right(*sa, header, opened->plain);
    const auto& cipher = *sa->agreed.cipher;
    const std::size_t block = cipher.cipher().block;
    opened->plain.resize((opened->plain.size() + block - 1) / block * block);
    if (!crypto::ike::cbc_encrypt(cipher.kind, sa->cipher_key.expose(), iv, opened->plain)) return false;
    datagram = wire::ike::compose(header, opened->plain);
    return true;
  }

 private:
  const v1::IkeSa* sa_of(const wire::ike::Header& header) {
    for (Side* side : {&pair_.a, &pair_.b}) {
      for (const auto& [cookie, sa] : side->machine().v1().sas()) {
        const bool same = sa->cookies.initiator == header.initiator && sa->cookies.responder == header.responder;
        if (same && sa->cipher_key.size() != 0) return sa.get();
      }
    }
    return nullptr;
  }

  /// A repeated datagram has the vector that it had.
  ByteVector iv_of(const v1::IkeSa& sa, std::uint32_t id, const ByteVector& datagram) {
    if (const auto known = seen_.find(datagram); known != seen_.end()) return known->second;
    auto& next = next_[{sa.cookies, id}];
    if (next.empty()) next = id == 0 ? v1::phase1_iv(sa) : v1::phase2_iv(sa, id);
    const ByteVector iv = next;
    const std::size_t block = std::min(iv.size(), datagram.size());
    next.assign(datagram.end() - static_cast<std::ptrdiff_t>(block), datagram.end());
    seen_[datagram] = iv;
    return iv;
  }

  /// HASH is the first payload of what follows phase 1, and covers the others.
  static void make_right(const v1::IkeSa& sa, const wire::ike::Header& header, ByteVector& plain) {
    const auto chain = v1wire::walk(v1wire::Payload{header.next}, plain);
    if (header.message_id == 0 || !chain || chain->payloads.empty()) return;
    if (chain->payloads.front().body.size() != sa.agreed.hash->digest) return;  // it is not there
    const std::size_t end = 4 + chain->payloads.front().body.size();
    const auto quick = std::ranges::find(sa.quicks, header.message_id, &v1::Quick::message_id);
    const bool answer = quick != sa.quicks.end() && !quick->nonce_r.empty();
    const Secret right = v1::phase2_hash(sa, header.message_id, answer ? Bytes{quick->nonce_i} : Bytes{},
                                         Bytes{plain}.subspan(end, chain->used - end));
    std::ranges::copy(right.expose().first(std::min(right.size(), end - 4)), plain.begin() + 4);
  }

  Pair& pair_;
  std::map<std::pair<keys::Cookies, std::uint32_t>, ByteVector> next_;
  std::map<ByteVector, ByteVector> seen_;
};

}  // namespace testudo::ike::test
