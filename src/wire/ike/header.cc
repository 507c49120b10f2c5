#include "wire/ike/header.h"

#include "wire/writer.h"

namespace testudo::wire::ike {

Result<Message, Malformed> parse(Bytes datagram) {
  Reader in{datagram};
  Message message;
  Header& header = message.header;
  TRY(header.initiator, in.u64());
  TRY(header.responder, in.u64());
  TRY(header.next, in.u8());
  TRY(const std::uint8_t version, in.u8());
  header.major = version >> 4;
  header.minor = version & 0x0f;
  TRY(header.exchange, in.u8());
  TRY(header.flags, in.u8());
  TRY(header.message_id, in.u32());
  TRY(const std::uint32_t length, in.u32());
  if (length != datagram.size() || length > kMaxMessage) return Failure{Malformed::BadLength};
  message.body = in.rest();
  return message;
}

ByteVector compose(const Header& header, Bytes body) {
  if (body.size() > kMaxMessage - kHeaderBytes) return {};
  Writer out;
  out.u64(header.initiator).u64(header.responder).u8(header.next);
  out.u8(static_cast<std::uint8_t>((header.major << 4) | (header.minor & 0x0f)));
  out.u8(header.exchange).u8(header.flags).u32(header.message_id);
  out.u32(static_cast<std::uint32_t>(kHeaderBytes + body.size())).raw(body);
  return out.take();
}

}  // namespace testudo::wire::ike
