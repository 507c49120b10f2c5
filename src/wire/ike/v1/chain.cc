#include "wire/ike/v1/chain.h"

#include <algorithm>

#include "wire/writer.h"

namespace testudo::wire::ike::v1 {
namespace {

constexpr std::size_t kGenericHeader = 4;

}  // namespace

const PayloadView* Chain::find(Payload type) const {
  const auto found = std::ranges::find(payloads, type, &PayloadView::type);
  return found == payloads.end() ? nullptr : &*found;
}

std::size_t Chain::count(Payload type) const {
  return static_cast<std::size_t>(std::ranges::count(payloads, type, &PayloadView::type));
}

Result<Chain, Malformed> walk(Payload first, Bytes bytes) {
  Chain chain;
  Reader in{bytes};
  for (Payload type = first; type != Payload::None;) {
    if (chain.payloads.size() == kMaxPayloads) return Failure{Malformed::TooDeep};
    TRY(const std::uint8_t next, in.u8());
    TRY(const std::uint8_t reserved, in.u8());
    if (reserved != 0) return Failure{Malformed::BadValue};
    TRY(const std::uint16_t length, in.u16());
    if (length < kGenericHeader) return Failure{Malformed::BadLength};
    TRY(const Bytes body, in.take(length - kGenericHeader));
    chain.payloads.push_back({type, body, chain.used});
    chain.used += length;
    type = Payload{next};
  }
  return chain;
}

ByteVector ChainWriter::bytes() const {
  Writer out;
  for (std::size_t i = 0; i < payloads_.size(); ++i) {
    const auto& body = payloads_[i].second;
    const Payload next = i + 1 < payloads_.size() ? payloads_[i + 1].first : Payload::None;
    out.u8(static_cast<std::uint8_t>(next)).u8(0);
    out.u16(static_cast<std::uint16_t>(kGenericHeader + body.size())).raw(body);
  }
  return out.take();
}

}  // namespace testudo::wire::ike::v1
